"""Tables of yes and no: who may do what, which plan has what.

Which rows have a yes in a column stands in no sentence, so no span can answer it, and a single row that
does not answer looks as if it did. Such tables are looked up: where the question names a column, and has
nothing left but words that say nothing, the answer is every row with a yes in it; where it names a row and a
column, what stands there. The same with rows and columns exchanged.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.answering.composing import Part, quoting
from bot.answering.polar import is_polar
from bot.answering.question import Kind, Question, content_words
from ingest.tables import CELLS
from vectorstore.datatypes import Passage, Span
from vectorstore.lexical import stem_of, stems

_YES = re.compile(
    r"(?:yes\b|(?:y|true|allowed|included|always|available)(?=[\s]*(?:[,;:(.].*)?$)|[✓✔✅☑]\ufe0f?)"
    r"[\s,;:.–-]*(?P<but>.*)",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:no|n|false|none|never|not (?:allowed|included|available)|[-–—✗✘✖❌✕×]\ufe0f?)\s*(?:[,;:(.].*)?",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|never|cannot|without)\b|n[’']t\b", re.IGNORECASE)
_WHICH = re.compile(r"\b(?:which|what)\s+(?P<thing>[^\W\d]+)", re.IGNORECASE)
# who may, what has: without such a word "who is the keeper?" asks for a name
_ABLE = re.compile(
    r"\b(?:can|may|could|able|allow\w*|permit\w*|permissions?|rights?|has|have|gets?|includ\w+|offers?|comes?|"
    r"supports?|available|needs?|must|lets?|given)\b",
    re.IGNORECASE,
)
_SAYS_NOTHING = frozenset(
    stems(
        "able allow allowed permit permitted permission permissions right rights get gets include includes "
        "included offer offers come comes support supports available need needs let lets given use uses work "
        "works role roles rank ranks group groups plan plans tier tiers level levels membership memberships "
        "user users people person member members everyone feature features thing things server"
    )
)
_ACTORS = frozenset(
    stems(
        "role roles rank group plan tier level membership member members user who position team ticket pass "
        "account status name"
    )
)
_ACTIONS = frozenset(
    stems("permission permissions action actions feature features right rights what ability command")
)
_HALF = 0.5  # of a name's words that a question must have
_FEWEST, _MOST = 2, 12  # rows of a table, and rows that are told


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table: its own name, and what stands under each column's."""

    name: str
    kind: str  # what the first column is called
    cells: dict[str, str]
    passage: Passage
    span: Span  # offsets into the article's text


@dataclass(frozen=True, slots=True)
class _Asked:
    """The words of a question, as stems, and those of them that must be in the table."""

    words: frozenset[str]
    telling: frozenset[str]


def looked_up(question: Question, passages: Sequence[Passage]) -> list[Part]:
    """The answer from the best passage's table of yes and no that has one; [] where none does."""
    if not _asks(question):
        return []
    found = (_answer(question, table) for table in _tables(passages))
    return next((parts for parts in found if parts), [])


def is_looked_up(question: Question, sentence: str) -> bool:
    """Whether a sentence is a row of yes and no, which does not answer such a question by itself."""
    row = _cells(sentence) if CELLS in sentence else []
    return len(row) > 1 and all(_verdict(value) for _, value in row[1:]) and _asks(question)


def is_cut(question: Question, passage: Passage) -> bool:
    """Whether a passage begins or ends with such a row, so that more of them may stand beside it."""
    chunk = passage.chunk
    ends = (
        chunk.text[a - chunk.start : b - chunk.start]
        for a, b in chunk.sentences[:: max(1, len(chunk.sentences) - 1)]
    )
    return any(is_looked_up(question, sentence) for sentence in ends)


def _asks(question: Question) -> bool:
    """Whether it is asked who or what has something, or whether."""
    text = question.standalone
    which = question.kind in {Kind.WHO, Kind.OTHER} and re.search(
        r"\b(?:who|which|what)\b", text, re.IGNORECASE
    )
    return is_polar(text) or bool(which and _ABLE.search(text))


def _answer(question: Question, table: list[_Row]) -> list[Part]:
    columns = list(dict.fromkeys(name for row in table for name in row.cells))
    article = table[0].passage.article
    words = frozenset(stem_of(word.lower()) for word in content_words(question.standalone))
    about = {*stems(article.title), *stems(table[0].passage.chunk.section), *stems(table[0].kind)}
    asked = _Asked(words, words - _SAYS_NOTHING - about)
    if is_polar(question.standalone):
        return _settled(question, asked, table, columns)
    wanted = "no" if _NEGATED.search(question.standalone) else "yes"
    of_rows, of_columns = _sides(question, table[0].kind)
    if of_rows and (column := _meant(asked, columns)):
        return _rows_with(wanted, column, table)
    if of_columns and (name := _meant(asked, [row.name for row in table])):
        return _columns_with(wanted, next(row for row in table if row.name == name), columns)
    return []


def _rows_with(wanted: str, column: str, table: list[_Row]) -> list[Part]:
    """The rows that have it in a column of yes and no."""
    below = [(row, row.cells[column]) for row in table if column in row.cells]
    if len(below) < _FEWEST or not all(_verdict(value) for _, value in below):
        return []
    if wanted == "no" and len(below) < len(table):  # an empty cell most likely means it, but does not say so
        return []
    having = [(row, value) for row, value in below if _verdict(value) == wanted]
    return [_part(row, _told(row.name, value)) for row, value in having[:_MOST]]


def _columns_with(wanted: str, row: _Row, columns: list[str]) -> list[Part]:
    """The columns in which a row of yes and no has it, in one part."""
    if not all(map(_verdict, row.cells.values())):  # "5 calendars" is included as well
        return []
    if wanted == "no" and len(row.cells) < len(columns):
        return []
    has = [_told(column, value) for column, value in row.cells.items() if _verdict(value) == wanted]
    return [_part(row, ", ".join(has))] if has else []


def _sides(question: Question, kind: str) -> tuple[bool, bool]:
    """Whether the names of rows answer, and whether those of columns do."""
    thing = _WHICH.search(question.standalone)
    own = {*stems(kind)}
    if thing and stem_of(thing["thing"].lower()) in own:
        return True, False
    if question.kind is Kind.WHO or (thing and stem_of(thing["thing"].lower()) in _ACTORS):
        return not own & _ACTIONS, not own & _ACTORS
    return True, True


def _settled(question: Question, asked: _Asked, table: list[_Row], columns: list[str]) -> list[Part]:
    """What stands in the row and the column that a yes/no question names."""
    found = []
    for row in table:
        mine = _stems(row.name) & asked.words
        for column in columns:
            theirs = (_stems(column) & asked.words) - mine
            covered = mine and theirs and asked.telling <= mine | theirs
            if (
                covered
                and len(mine) >= _HALF * len(_stems(row.name))
                and len(theirs) >= _HALF * len(_stems(column))
            ):
                spare = len(_stems(row.name) | _stems(column)) - len(mine | theirs)
                found.append((len(mine | theirs), -spare, row, column))
    best = max((each[:2] for each in found), default=None)
    meant = [each[2:] for each in found if each[:2] == best]
    if len(meant) != 1 or _NEGATED.search(question.standalone):
        return []
    row, column = meant[0]
    value = row.cells.get(column, "")
    said = {"yes": "Yes", "no": "No"}.get(_verdict(value))
    return [_part(row, f"{said}. {row.name}{CELLS}{column}: {value}")] if said else []


def _meant(asked: _Asked, names: list[str]) -> str | None:
    """The one name that has every telling word of the question, of which the question has most."""
    fitting = []
    for name in dict.fromkeys(names):
        own = _stems(name)
        share = len(own & asked.words) / len(own) if own else 0.0
        if share >= _HALF and asked.telling <= own and (asked.telling or share == 1):
            fitting.append((share, len(own), name))
    best = max((each[:2] for each in fitting), default=None)
    meant = [name for *score, name in fitting if tuple(score) == best]
    return meant[0] if len(meant) == 1 else None


def _tables(passages: Sequence[Passage]) -> Iterator[list[_Row]]:
    """The tables of yes and no, whichever passages they are in, the best passage's first."""
    for source in dict.fromkeys(passage.article.source for passage in passages):
        rows: dict[Span, _Row] = {}
        for passage in passages:
            if passage.article.source == source:
                rows |= _rows(passage)
        table: list[_Row] = []
        for span in sorted(rows):
            row = rows[span]
            if table and (row.kind != table[-1].kind or not row.cells.keys() & table[-1].cells.keys()):
                yield table
                table = []
            table.append(row)
        if table:
            yield table


def _rows(passage: Passage) -> dict[Span, _Row]:
    """The rows of a passage that have a yes or a no in them."""
    at, found = passage.chunk.start, {}
    for span in passage.chunk.sentences:
        text = passage.chunk.text[span[0] - at : span[1] - at]
        cells = _cells(text) if CELLS in text else []
        if len(cells) > 1 and any(_verdict(value) for _, value in cells[1:]):
            kind, name = cells[0]
            found[span] = _Row(
                name, kind, {column: value for column, value in cells[1:] if column}, passage, span
            )
    return found


def _cells(row: str) -> list[tuple[str, str]]:
    """The name of the column, "" without one, and what stands in it."""
    parts = (cell.strip().partition(": ") for cell in row.split(CELLS))
    return [(name, value.strip()) if colon else ("", name) for name, colon, value in parts]


def _verdict(value: str) -> str:
    """ "yes", "no", or "" where a cell says something else."""
    if _NO.fullmatch(value):
        return "no"
    return "yes" if _YES.fullmatch(value) else ""


def _told(name: str, value: str) -> str:
    """A name, with what limits its yes."""
    but = _YES.fullmatch(value)
    limit = but["but"].strip(" ()") if but else ""
    return f"{name} ({limit})" if limit else name


def _stems(name: str) -> frozenset[str]:
    return frozenset(stem_of(word.lower()) for word in content_words(name))


def _part(row: _Row, text: str) -> Part:
    return Part(text, quoting(row.passage.article, row.passage.chunk, row.span, 1.0))
