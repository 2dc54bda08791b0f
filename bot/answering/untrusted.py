"""Text of strangers on its way to a chat model: visible, fenced in, and never taken for an order."""

import re
from collections.abc import Sequence

from vectorstore.datatypes import Passage

# tag characters, variation selectors, zero-width and turning characters: they hide text from readers
INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_FENCE = re.compile(r"<(?=\s*/?\s*passage\b)", re.IGNORECASE)


def visible(text: str) -> str:
    """Text without characters that no reader sees."""
    return INVISIBLE.sub("", text)


def as_data(passages: Sequence[Passage]) -> str:
    """The passages as a chat model is shown them: numbered from 1, each between marks of its own."""
    return "\n\n".join(_one(number, passage) for number, passage in enumerate(passages, 1))


def _one(number: int, passage: Passage) -> str:
    article, section = passage.article, passage.chunk.section
    head = {"title": article.title, "section": section, "date": article.date or ""}
    fields = "".join(f' {name}="{_inside(value)}"' for name, value in head.items() if value)
    return f'<passage number="{number}"{fields}>\n{_unfenced(passage.chunk.text.strip())}\n</passage>'


def _inside(value: str) -> str:
    return " ".join(_unfenced(value).replace('"', "'").split())


def _unfenced(text: str) -> str:
    """Without anything that looks like the marks around a passage."""
    return _FENCE.sub("‹", visible(text))
