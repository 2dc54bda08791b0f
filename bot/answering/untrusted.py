"""Text of strangers on its way to an answer: visible, fenced in, and never taken for an order."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath

from bot.answering.orders import orders
from vectorstore.datatypes import ArticleInfo, Chunk, Passage, Span

# tag characters, variation selectors, zero-width, blank and turning characters: they hide text from readers
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
CUT = "\ue000"  # of private use: in place of each character that is cut out, so that offsets stay
_IS_CUT = re.compile(rf"\s*{CUT}[{CUT}\s]*")
_FENCE = re.compile(r"<(?=\s*/?\s*passage\b)", re.IGNORECASE)
_QUESTION = re.compile(r"^(\W*)question(?=\s*:)", re.IGNORECASE | re.MULTILINE)
_IMAGE = re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)")
_NUMBER = re.compile(r"\[\d{1,3}\]")
_REACHES_OUT = re.compile(
    r"[a-z][a-z+.-]{1,20}:(?://|(?<=script:)|(?<=mailto:)|(?<=data:))\S*|\bwww\.\S+|"
    r"\b(?:[a-z0-9](?:[a-z0-9-]{0,62})\.)+[a-z]{2,24}(?:[/?#:]\S*)?|<[@#!:&a-z][^>\s]{0,60}>|@\w+|!?\[[^\]\n]*\]\([^)\n]*\)?",
    re.IGNORECASE,
)


def visible(text: str) -> str:
    """Text without characters that no reader sees."""
    return INVISIBLE.sub("", text)


def without_orders(passage: Passage) -> Passage | None:
    """A passage without the sentences that give orders to whoever answers from it; None if nothing is left.

    The rest stays in its place: `chunk.sentences` are those that are left, and no offset changes.
    """
    chunk = _factual(passage.chunk)
    if not chunk.sentences:
        return None
    return replace(passage, chunk=chunk, article=_named(passage.article))


def as_data(passages: Sequence[Passage]) -> str:
    """The passages as a chat model is shown them: numbered from 1, each between marks of its own."""
    return "\n\n".join(_one(number, passage) for number, passage in enumerate(passages, 1))


def reaching_out(text: str) -> frozenset[str]:
    """Links, addresses, invitations, mentions and images of a text: they lead a reader somewhere."""
    return frozenset(match.group().rstrip(".,;:!?)'\"”’").casefold() for match in _REACHES_OUT.finditer(text))


@lru_cache(maxsize=1024)
def _factual(chunk: Chunk) -> Chunk:
    suspect = [(chunk.start + a, chunk.start + b) for a, b in orders(chunk.text)]
    section = _without(chunk.section)
    if not suspect and section == chunk.section:
        return chunk
    kept = tuple(s for s in chunk.sentences if not any(_meet(s, each) for each in suspect))
    text = list(chunk.text)
    for start, end in (*suspect, *(s for s in chunk.sentences if s not in kept)):
        text[start - chunk.start : end - chunk.start] = CUT * (end - start)
    return replace(chunk, text="".join(text), section=section, sentences=kept)


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _named(article: ArticleInfo) -> ArticleInfo:
    title = _without(article.title)
    if title == article.title:
        return article
    return replace(article, title=title or PurePosixPath(article.source).stem)


@lru_cache(maxsize=1024)
def _without(line: str) -> str:
    """A title or heading; "" if it gives orders."""
    return "" if orders(line) else line


def _one(number: int, passage: Passage) -> str:
    article, section = passage.article, passage.chunk.section
    head = {"title": article.title, "section": section, "date": article.date or ""}
    fields = "".join(f' {name}="{_inside(value)}"' for name, value in head.items() if value)
    return f'<passage number="{number}"{fields}>\n{_body(passage.chunk.text)}\n</passage>'


def _inside(value: str) -> str:
    return " ".join(_unfenced(value).replace('"', "'").split())


def _body(text: str) -> str:
    """Without what could be taken for a part of the prompt, or fetched by whoever shows the answer."""
    shown = _NUMBER.sub("", _IMAGE.sub(r"\1", _unfenced(text)))
    return _IS_CUT.sub(" […] ", _QUESTION.sub(r"\1Q", shown)).strip()


def _unfenced(text: str) -> str:
    """Without anything that looks like the marks around a passage."""
    return _FENCE.sub("‹", visible(text))
