"""Answers that are lists: all items, from the sentences that hold them."""

import re
from collections.abc import Sequence
from itertools import pairwise

from bot.answering.bullets import Stretch, below_colon, with_items
from bot.answering.question import content_words
from bot.answering.reader import Logits
from bot.answering.spans import Found
from bot.answering.wording import trimmed
from vectorstore.datatypes import Chunk, Passage, Span
from vectorstore.lexical import stem_of, stems

_NEAR = 2  # sentences on either side in which a list may go on
_LINK = re.compile(
    r"[\s,;]*(?:\band\b|\bor\b|&|\bas well as\b)?[\s,;]*(?:\b(?:the|a|an|his|her|its|their)\b)?\s*"
)
_NAMED = r"(?:(?:the|an?|its|their)\s(?:[a-z]+\s){0,3})?[A-Z][^\s,;:]*(?:\s[^\s,;:]+){0,5}"
_ENUMERATION = re.compile(
    rf"{_NAMED},\s(?:{_NAMED},\s)*{_NAMED},?\s(?:and|or|&)\s(?:the\s)?[A-Z][\w’'-]*(?:\s[A-Z][\w’'-]*)*"
)
_CONJOINED = re.compile(r",.*\b(?:and|or)\b|,.*&")
_GOES_ON = re.compile(
    r"^\W*(?:among|also|too|others?|further|besides|in addition|joined by)\b|"
    r"\b(?:also|as well|too|among others)\b",
    re.IGNORECASE,
)
_PRESENT = re.compile(r"[A-Z][\w’' -]{1,30}: [^:\d]*, (?=[A-Z])[^:\d]*")
_ABSENT = re.compile(
    r"\b(?:not|no|never|absent|missing|without|except|declined|refused|cancelled)\b|n[’']t\b",
    re.IGNORECASE,
)
# what is said of those who were not there
_AWAY = re.compile(
    r"\b(?:absent|absentees?|excused|apologies|not present|(?:did not|didn[’']t|could not|couldn[’']t)\s"
    r"(?:attend|come|join|take part))\b",
    re.IGNORECASE,
)
# what asks for those who stand beside somebody
_BESIDE = re.compile(
    r"\b(?:with|besides?|else|others?|along|together|apart|after|before|next|both|between|against|than|last|rest|or)\b",
    re.IGNORECASE,
)
# what an enumeration has none of
_CLAUSE = re.compile(r"\b(?:was|were|is|are|be|been|has|have|had|by|who|which|that|when|after)\b")
_EITHER = re.compile(r"[\w’'-]+ and/or $")
_SEPARATOR = re.compile(r",? and (?:the )?|,? or (?:the )?|, (?:the )?|; ")
_YEAR = re.compile(r"\d{4}\b")
_LONGEST_ITEM = 7  # words


def stretches(best: Found, passages: Sequence[Passage]) -> list[Stretch]:
    """What the best span's sentence and its neighbours list, in whatever passage; empty if nothing."""
    chunk = best.passage.chunk
    span = with_items(chunk, best.sentence.span)
    if span != best.sentence.span:
        return [Stretch("; ".join(below_colon(chunk, best.sentence.span)), span, chunk)]
    found = []
    absent = _speaks_of_absent(chunk, span)
    for near, sentence in _around(best, passages):
        if _speaks_of_absent(near, sentence) is not absent:  # "Absent were …" goes on with nobody who came
            continue
        items = [item for item in best.items if sentence[0] <= item[0] and item[1] <= sentence[1]]
        if sentence == best.sentence.span:
            missed = _missed(chunk, sentence, best.span)
            items = [missed] if missed else _with(best.span, items, sentence)
        elif len(items) < 2:  # a single name in a sentence beside it may be anything
            items = _alike(near, sentence) if enumerates(best.sentence.text) else []
        if items:
            found.append(Stretch(_told(near, sentence, items), sentence, near))
    return found


def marked(best: Found) -> list[Stretch]:
    """What the reader marks as items in the passage, if these are several and the best span is one."""
    chunk, items = best.passage.chunk, best.items
    if len(items) < 2 or not any(a < best.span[1] and best.span[0] < b for a, b in items):
        return []
    found = []
    absent = _speaks_of_absent(chunk, best.sentence.span)
    for sentence in chunk.sentences:
        if _speaks_of_absent(chunk, sentence) is not absent:  # "Present: …" is not asked with "Absent: …"
            continue
        own = [item for item in items if sentence[0] <= item[0] and item[1] <= sentence[1]]
        if sentence == best.sentence.span:
            own = _with(best.span, own, sentence)  # the span may be an enumeration that is marked in part
        if own:
            found.append(Stretch(_told(chunk, sentence, own), sentence, chunk))
    return found


def after_name(best: Found, question: str) -> list[Stretch]:
    """All names of a line such as "Present: Ann Lee (chair), Bo Park", unless one of them is asked for."""
    sentence = best.sentence.text
    start = sentence.rfind(": ") + 2
    asked = {stem_of(word.lower()) for word in content_words(question)}
    if (
        not _PRESENT.fullmatch(sentence)
        or best.span_in_sentence[0] < start
        or asked & set(stems(sentence[start:]))
    ):
        return []
    return [Stretch(trimmed(sentence[start:]), best.sentence.span, best.passage.chunk)]


def _speaks_of_absent(chunk: Chunk, sentence: Span) -> bool:
    return bool(_AWAY.search(chunk.text, sentence[0] - chunk.start, sentence[1] - chunk.start))


def _around(best: Found, passages: Sequence[Passage]) -> list[tuple[Chunk, Span]]:
    """The best span's sentence and those beside it in its article, in order, save those with a link."""
    source = best.passage.article.source
    chunks = [best.passage.chunk, *(p.chunk for p in passages if p.article.source == source)]
    known: dict[Span, Chunk] = {}
    for chunk in chunks:
        for span in chunk.sentences:
            if span == best.sentence.span or "://" not in chunk.part(span):
                known.setdefault(span, chunk)
    order = sorted(known)
    place = order.index(best.sentence.span)
    return [(known[span], span) for span in order[max(0, place - _NEAR) : place + _NEAR + 1]]


def _missed(chunk: Chunk, sentence: Span, span: Span) -> Span | None:
    """The enumeration of a sentence, where the span stands beside it."""
    text = chunk.part(sentence)
    found = [(sentence[0] + m.start(), sentence[0] + m.end()) for m in _ENUMERATION.finditer(text)]
    return found[0] if found and not any(a < span[1] and span[0] < b for a, b in found) else None


def _alike(chunk: Chunk, sentence: Span) -> list[Span]:
    """The enumeration in a sentence that says it goes on: "Also there were Ann, Bob and Eve"."""
    text = chunk.part(sentence)
    match = _ENUMERATION.search(text) if _GOES_ON.search(text) and not _ABSENT.search(text) else None
    return [(sentence[0] + match.start(), sentence[0] + match.end())] if match else []


def _with(span: Span, items: list[Span], sentence: Span) -> list[Span]:
    """The reader's span, and the items of its sentence; what they share is told once."""
    inside = (span[0], min(span[1], sentence[1]))
    return sorted([inside, *(i for i in items if i[1] <= inside[0] or i[0] >= inside[1])])


def _told(chunk: Chunk, sentence: Span, items: list[Span]) -> str:
    """The items as they stand there, where they follow each other, or one by one."""
    text = chunk.part(sentence)
    parts = _completed(text, [(a - sentence[0], b - sentence[0]) for a, b in items])
    either = _EITHER.search(text, 0, parts[0][0])
    if either:  # "leaders and/or ministers of Norway, Sweden and Chad"
        parts[0] = (either.start(), parts[0][1])
    gaps = [text[a[1] : b[0]] for a, b in pairwise(parts)]
    if all(_LINK.fullmatch(gap) for gap in gaps):
        return trimmed(text[parts[0][0] : parts[-1][1]])
    return "; ".join(trimmed(text[a:b]) for a, b in parts)


def _completed(sentence: str, items: list[Span]) -> list[Span]:
    """The items, and of an enumeration that they have in part, all; who is named beside it is no item then.

    "The call was arranged by Ann, and attended by, among others, Bo, Cy and Di."
    """
    listed: list[Span] = []
    for a, b in (*(match.span() for match in _ENUMERATION.finditer(sentence)), *_after_colon(sentence)):
        inside = [item for item in items if item[0] < b and a < item[1]]
        if not inside:
            continue
        begin, end = min(a, inside[0][0]), max(b, inside[-1][1])
        begin = a if _CLAUSE.search(sentence, begin, a) else begin
        end = b if _CLAUSE.search(sentence, b, end) else end
        while listed and listed[-1][1] > begin:  # two that overlap are one
            begin = min(begin, listed.pop()[0])
        listed.append((begin, end))
    return listed or items


def items(text: str, readings: Sequence[Logits]) -> list[Span]:
    """The items of a list in a text: those of the best span, and what else is read as one."""
    best = max((found for reading in readings for found in reading.spans(1, of_list=True)), default=None)
    if best is None:
        return []
    start, end = best[1]
    found = [(start + a, start + b) for a, b in split_items(text[start:end])]
    others = {item for reading in readings for item in reading.listed()}
    return sorted([*found, *(i for i in others if i[1] <= start or i[0] >= end)])


def split_items(text: str) -> list[Span]:
    """The items of an enumeration: "Ann, Bob and Eve"; the whole text if it is none."""
    borders = [cut for match in _SEPARATOR.finditer(text) for cut in match.span()]
    cuts = [0, *borders, len(text)]
    parts = [(a, a + len(text[a:b].rstrip(" ,."))) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
    parts = [(a, b) for a, b in parts if b > a]
    told = [text[a:b] for a, b in parts]
    # a year is part of a date (April 4, 2002), and clauses are no items
    if any(_YEAR.match(part) or len(part.split()) > _LONGEST_ITEM for part in told):
        return [(0, len(text))]
    return parts


def enumerates(sentence: str) -> bool:
    """Whether a sentence names several: "Ann, Bob and Eve"."""
    return bool(_ENUMERATION.search(sentence)) or bool(_after_colon(sentence))


def is_beside_asked(question: str, sentence: str, span: Span) -> bool:
    """Whether a span of a sentence is an item of an enumeration, and the question is about another item.

    "France, Ireland, Portugal and Greece" says nothing of Portugal that Ireland would answer. Of 3,808 right
    answers in 20 articles of SQuAD 2.0 this takes one away.
    """
    own = sentence[span[0] : span[1]].casefold()
    if _BESIDE.search(question) or re.search(r"\d", own):  # "In 1993, Galor and Zeira" enumerates no year
        return False
    for match in _ENUMERATION.finditer(sentence):
        items = [item.casefold() for item in _SEPARATOR.split(match.group())]
        asked = [item for item in items if re.search(rf"\b{re.escape(item)}\b", question.casefold())]
        if match.start() <= span[0] and span[1] <= match.end() and asked:
            return any(item.endswith(own) for item in items if item not in asked)
    return False


def _after_colon(sentence: str) -> list[Span]:
    """The list after a sentence's last colon: "three conditions: lower tolls, a path, and a ban".

    After a name at the start ("Present: Ann Lee, Bo Park") names need no "and".
    """
    start = sentence.rfind(": ") + 2
    listed = _CONJOINED.search(sentence, start) or _PRESENT.fullmatch(sentence)
    return [(start, len(sentence))] if start > 1 and listed else []
