"""What an article is once it is loaded: its text, and where the blocks of that text stand."""

import re
from dataclasses import dataclass

from vectorstore.datatypes import ArticleInfo

ITEM = "- "
"""What is written before an item of a list, as in plain text."""
_MARKS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)|\[([^\]]*)\]\([^)]*\)")
_LONGEST_TITLE = 120  # characters: a longer one would leave a chunk no room for its own text


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item or table row: `article.text[start:end]`."""

    start: int
    end: int
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Article:
    """A loaded article. What lies between its blocks (markup, blank lines) is never stored."""

    info: ArticleInfo
    text: str
    blocks: tuple[Block, ...]


def unmarked(heading: str) -> str:
    """A heading without Markdown's marks of emphasis and links; LOG_LEVEL keeps its underscore."""
    return _MARKS.sub(r"\1", heading)


def clip_title(title: str, limit: int = _LONGEST_TITLE) -> str:
    """A title on one line, shortened at a word border."""
    line = " ".join(title.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return f"{cut[: max(cut.rfind(' '), limit // 2)].rstrip()}…"
