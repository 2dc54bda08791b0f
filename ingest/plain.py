"""Plain text: what its lines are, and what the first of them say of the article."""

import re
from collections.abc import Iterator
from datetime import date

from ingest.article import Article, Block, clip_title
from vectorstore.datatypes import ArticleInfo, Span

_LIST_ITEM = re.compile(r"[-*•·–—‣▪]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s")
_FIELD = re.compile(r"(?!\d)\w[^:\n\d]{0,30}:\s+\S")  # "Apologies: Ann Lee", and not "Day 2: The lake"
_URL = re.compile(r"\w+://\S+$|www\.\S+$")
_BYLINE = re.compile(r"(?:(?:written\s+)?by|author)\s*:?\s+(\S.{1,80})$", re.IGNORECASE)
# "By bus: line 5", "By 2030 all buses will be electric." name nobody
_NAME = re.compile(r"(?:the\s+)?[A-Z][^:]*$")
# of a line that says when something was written: "Last updated on Friday, 3 May 2024"
_OF_DATE = frozenset(
    "published posted updated last first on in by date of the at dated written edited revised issued version "
    "and st nd rd th am pm a m p van von de der la meeting minutes report board committee press "
    "release".split()
)
_PERSON = re.compile(r"(?:[^\W\d_][\w.'’-]*\s+){1,3}[^\W\d_][\w'’-]+$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?P<year>\d{4})-(?P<number>\d\d)-(?P<day>\d\d)",
        rf"\b{_MONTH}\s+{_DAY},?\s+(?P<year>\d{{4}})\b",
        rf"\b{_DAY}\s+(?:of\s+)?{_MONTH},?\s+(?P<year>\d{{4}})\b",
    )
)
_TOP = 5  # lines below the title that may name author and date
_LONGEST_HEADING = 100
_LONGEST_BYLINE = 80
_WRAPPED = range(40, 121)  # widths at which people and programs wrap lines


def read_plain(text: str, *, source: str, name: str) -> Article:
    """The article in a plain text; `name` is its title if the text shows none. The text is kept as it is."""
    spans = list(_blocks(text))
    lines = [text[start:end] for start, end in spans]
    head = 1 if len(lines) > 1 and find_date(lines[0]) and _is_dateline(lines[0]) else 0
    title = lines[head] if _is_title(lines[head:]) else ""
    author, when, bylines = _bylines(lines, head + 1 if title else head)
    if head:
        when = find_date(lines[0])
    info = ArticleInfo(source=source, title=clip_title(title or name), date=when, author=author)
    apart = bylines | ({*range(head + 1)} if title else {*range(head)})
    headings = {i for i in range(len(lines)) if i not in apart and _is_heading(i, spans, text)}
    blocks = tuple(Block(start, end, i in headings) for i, (start, end) in enumerate(spans))
    return Article(info, text, blocks)


def find_date(text: str) -> str | None:
    """The first full date in a text, as ISO 8601."""
    for match in sorted((m for each in _DATES for m in each.finditer(text)), key=lambda m: m.start()):
        found = match.groupdict()
        month = int(found["number"]) if "number" in found else _MONTHS.index(found["month"].lower()[:3]) + 1
        try:
            return date(int(found["year"]), month, int(found["day"])).isoformat()
        except ValueError:
            continue
    return None


def _is_dateline(line: str) -> bool:
    """Whether a line says when and where something was written, by whom, and nothing else."""
    rest = line
    for pattern in _DATES:
        rest = pattern.sub(" ", rest)
    return all(word[0].isupper() or word.lower() in _OF_DATE for word in re.findall(r"[^\W\d_]+", rest))


def _blocks(text: str) -> Iterator[Span]:
    """A block a line, or a block a paragraph where the lines are wrapped."""
    paragraph: list[Span] = []
    for line in [*_lines(text), None]:
        if line is not None and line[0] < line[1]:
            paragraph.append(line)
        elif paragraph:
            yield from _unwrapped(text, paragraph)
            paragraph = []


def _lines(text: str) -> Iterator[Span]:
    """Each line without the space around it; blank ones are empty spans."""
    start = 0
    for line in text.splitlines(keepends=True):
        lead = len(line) - len(line.lstrip())
        body = line.strip()
        yield (start + lead, start + lead + len(body)) if body else (start, start)
        start += len(line)


def _unwrapped(text: str, lines: list[Span]) -> Iterator[Span]:
    """The lines of a paragraph, or, where line ends cut sentences, the whole of it.

    Items of a list stay apart, and so do lines such as "Apologies: Ann Lee" after another one.
    """
    told = [text[slice(*line)] for line in lines]
    fields = _FIELD.match(told[0]) is not None
    starts = [
        i
        for i, line in enumerate(told)
        if not i or _LIST_ITEM.match(line) or (fields and line[0].isupper() and _FIELD.match(line))
    ]
    for first, following in zip(starts, [*starts[1:], len(lines)], strict=True):
        group = lines[first:following]
        if _is_wrapped(told[first:following]):
            yield group[0][0], group[-1][1]
        else:
            yield from group


def _is_wrapped(lines: list[str]) -> bool:
    inner = lines[:-1]
    if not inner or max(map(len, lines)) not in _WRAPPED:
        return False
    cut = sum(len(line) >= _WRAPPED[0] and line[-1] not in '.!?:;”"' for line in inner)
    return cut >= len(inner) / 2 and any(line[0].islower() or line[0] == "(" for line in lines[1:])


def _looks_like_heading(line: str) -> bool:
    return (
        len(line) <= _LONGEST_HEADING
        and len(line.split()) <= 12
        and line[-1] not in '.,;:!…)”"»-'
        and (line[0].isupper() or line[0].isdigit())
        and any(char.isalpha() for char in line)
        and not _LIST_ITEM.match(line)
        and not _URL.match(line)
    )


def _is_title(lines: list[str]) -> bool:
    first = lines[0]
    fits = (
        len(first) <= 200
        and first[-1] not in ".,;:"
        and not _LIST_ITEM.match(first)
        and not _URL.match(first)
    )
    return fits and len(lines) > 1 and len(first.split()) <= 30


def _is_heading(place: int, spans: list[Span], text: str) -> bool:
    """A short line without a full stop, with text below it, that is not one of a run of such lines."""
    line = text[slice(*spans[place])]
    if place + 1 == len(spans) or not _looks_like_heading(line):
        return False
    beside = [i for i in (place - 1, place) if i >= 0 and _adjoins(i, spans, text)]
    if place - 1 in beside and _looks_like_heading(text[slice(*spans[place - 1])]):
        return False  # the second line of a run: a list, an address, a poem
    others = [text[slice(*spans[i if i < place else i + 1])] for i in beside]
    if _FIELD.match(line) and ("," in line or any(map(_FIELD.match, others))):
        return False  # a name with what stands for it
    below = text[slice(*spans[place + 1])]
    return not (place in beside and below[0].islower())


def _adjoins(place: int, spans: list[Span], text: str) -> bool:
    """Whether no blank line stands between a block and the next."""
    return text.count("\n", spans[place][1], spans[place + 1][0]) < 2


def _bylines(lines: list[str], first: int) -> tuple[str | None, str | None, set[int]]:
    """Author, date, and which lines named them."""
    author, when, found = None, None, set()
    top = range(first, min(first + _TOP, len(lines)))
    for i in top:
        line = lines[i]
        if len(line) > _LONGEST_BYLINE:
            break
        dated = find_date(line) if _is_dateline(line) else None
        byline = _BYLINE.match(line)
        if dated and when is None:
            when = dated
            found.add(i)
            above = lines[i - 1] if i > first else ""
            if author is None and _PERSON.match(above) and above.istitle():
                author = above
                found.add(i - 1)
        if byline and author is None and _NAME.match(byline.group(1)):
            author = clip_title(re.split(r"\s*[|,•·]\s*|\s+on\s+\d", byline.group(1))[0])
            found.add(i)
    return author, when, found
