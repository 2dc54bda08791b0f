"""List items on lines of their own: what stands below a colon, or below a heading."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.answering.question import content_words
from bot.answering.spans import Found
from bot.answering.untrusted import CUT
from bot.answering.wording import readable, without_stop
from vectorstore.datatypes import Chunk, Span
from vectorstore.lexical import stem_of, stems

_BULLET = re.compile(r"(?:[-*•·–—‣▪]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{2,4})[.)])\s+")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The items in one sentence, or in the bullets below it."""

    text: str
    sentence: Span  # what is quoted, offsets into the article's text
    chunk: Chunk  # that it stands in


def under_heading(best: Found, question: str) -> list[Stretch]:
    """All bullets below a heading with the question's words: "What members get", and what do members get?"""
    chunk = best.passage.chunk
    asked = frozenset(stem_of(word.lower()) for word in content_words(question))
    asked -= frozenset(stems(best.passage.article.title)) - frozenset(stems(chunk.section))
    if not asked or not asked <= frozenset(stems(chunk.section)):
        return []
    lines = _lines(chunk)
    before = [chunk.start, *(end for _, end in lines)]
    items = [span for span, end in zip(lines, before, strict=False) if _is_item(chunk, end, *span)]
    if lines[0][0] == chunk.start and lines[1:2] == items[:1]:
        items.insert(0, lines[0])  # its own bullet stands before the chunk
    places = [lines.index(span) for span in items]
    gapless = bool(places) and places == list(range(places[0], places[-1] + 1))
    at = best.sentence.span[0]
    if len(items) == 1 or not gapless or not any(start <= at < end for start, end in items):
        return []
    return [Stretch("; ".join(_plain(chunk, items)), (items[0][0], items[-1][1]), chunk)]


def with_items(chunk: Chunk, span: Span) -> Span:
    """A sentence that ends with a colon goes on to the last of the list items below it."""
    text = chunk.part(span)
    if not text.endswith(":"):
        return span
    end = span[1]
    for start, stop in _lines(chunk):
        if start >= span[1]:
            if not _is_item(chunk, end, start, stop):
                break
            end = stop
    return span[0], end


def below_colon(chunk: Chunk, span: Span) -> list[str]:
    """The list items below a sentence that ends with a colon."""
    end = with_items(chunk, span)[1]
    return _plain(chunk, [line for line in _lines(chunk) if span[1] <= line[0] and line[1] <= end])


def _lines(chunk: Chunk) -> list[Span]:
    """The sentences, those on one line together: an item may have several."""
    lines: list[Span] = []
    for start, end in chunk.sentences:
        if lines and "\n" not in chunk.part((lines[-1][1], start)):
            lines[-1] = (lines[-1][0], end)
        else:
            lines.append((start, end))
    return lines


def _plain(chunk: Chunk, items: Sequence[Span]) -> list[str]:
    """List items without their bullets and what ends or separates them."""
    told = (readable(chunk.part(span)) for span in items)
    return [
        without_stop(_BULLET.sub("", item, count=1) if _BULLET.match(item) else item).rstrip(";,")
        for item in told
    ]


def _is_item(chunk: Chunk, before: int, start: int, stop: int) -> bool:
    lead = chunk.part((before, start))
    item = chunk.part((start, stop))
    if CUT in lead:  # an item that gave orders, and what comes after it
        return False
    return bool(_BULLET.fullmatch(lead.strip(" \t\r\n") + " ") or _BULLET.match(item))
