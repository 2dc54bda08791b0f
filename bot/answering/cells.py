"""What stands in a table: the cell in the row and the column that a question names.

A row of five cells is hard to read for a small model: it finds the row, and holds back or takes the wrong
cell. Where a question names what stands in one or more cells of a row, and another column, and has nothing
left but words that say little, the answer is what stands in that column; of all rows, where several have what
is named.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.answering.columns import (
    PEOPLE,
    PRICED,
    SAYS_LITTLE,
    SUM,
    Asked,
    columns_for,
    naming_columns,
    things,
    words_of,
)
from bot.answering.composing import Part
from bot.answering.fit import fits
from bot.answering.polar import is_polar
from bot.answering.question import FUNCTION_WORDS, Kind, Question
from bot.answering.table_rows import NEGATED, Row, Table, cells, of_one_table, stems_of, turned
from vectorstore.datatypes import Span
from vectorstore.lexical import stem_of, stems

# nor do these narrow it down, where no column is called so: there is but one time, which is when it begins
_OF_TIME = frozenset(stems("start starts begin begins leave leaves depart departure departures"))
_ENDS = frozenset(stems("open opens close closes end ends finish arrive arrives arrival"))
# who does it is asked for, and not a name in the table
_DONE = frozenset(
    stems("pay pays paid take takes play plays buy sell sells give gives make makes use uses live lives")
)
_NAMES = re.compile(r"(?<=[a-z] )[A-Z]\w+")  # "the Nuit des Ours" is not ours
_UNIT = re.compile(
    r"\b(?:per|an?|each|every|how many)\s+(?P<unit>(?:hour|day|night|week|month|year|person|time)s?)\b",
    re.IGNORECASE,
)
_UNITS = frozenset(stems("hour day night week month year person"))
_HOW_MANY_ARE = re.compile(r"\bhow\s+many\b.*\b(?:are|were)\s+there\W*$", re.IGNORECASE)
_NO_VALUE = frozenset(("-", "–", "—", "?", "tba", "tbd", "tbc", "n/a"))
_NO_TIME = re.compile(r"\bwho\b|\bwhat\s+(?:did|does|do|has|have)\b", re.IGNORECASE)
_SUPERLATIVE = re.compile(
    r"\b(?:most|least|fewest|highest|lowest|biggest|largest|smallest|cheapest|dearest|longest|shortest|oldest|"
    r"youngest|newest|latest|earliest|first|last|best|worst|tallest|fastest|slowest|nearest|strongest|heaviest|"
    r"lightest|more|less|fewer|cheaper|than|total|altogether|average)\b",
    re.IGNORECASE,
)
_AND = re.compile(r",|\b(?:and|plus)\b", re.IGNORECASE)
_TYPED = (Kind.WHEN, Kind.NUMBER, Kind.WHO)
_BETWEEN = re.compile(r"\s*(?:[,;/&]|\band\b)\s*")  # items of a cell
_HALF = 0.5  # of a cell's words that must be named, where no other row has them
_LONGEST_KEY = 6  # words of a cell that a question names
_MOST = 8  # rows that are told


@dataclass(frozen=True, slots=True)
class _Found:
    """A row that a question names by some of its cells, and the column that is asked for."""

    row: Row
    column: str
    value: str
    hits: frozenset[str]  # the question's words that name the column
    rank: tuple[int, bool]  # how many of them name something here; whether they name the row by its own name


def looked_up(question: Question, tables: Sequence[Table]) -> list[Part]:
    """The answer from the best passage's table that has one; [] where none does."""
    text = question.standalone
    if is_polar(text) or question.kind is Kind.WHY or NEGATED.search(text):
        return []
    return of_one_table(question, tables, _answer)


def of_other_rows(question: Question, tables: Sequence[Table]) -> frozenset[tuple[str, Span]]:
    """The rows, as source and place, beside one in the same table that the question names by a whole cell."""
    found: set[tuple[str, Span]] = set()
    for table in tables:
        asked = _asked(question, table)
        meant = [row for row in table if any(_is_named(row, column, asked) for column in _keys(row, asked))]
        if meant:
            found |= {(row.passage.article.source, row.span) for row in table if row not in meant}
    return frozenset(found)


def is_out_of_place(question: Question, sentence: str, title: str) -> bool:
    """Whether a row is no answer by itself: to which is the most, how many there are, another unit."""
    if not cells(sentence):
        return False
    told = frozenset(stems(sentence))
    units = {stem_of(unit.lower()) for unit in _UNIT.findall(question.standalone)}
    if _HOW_MANY_ARE.search(question.standalone) or (units and not units & told and told & _UNITS):
        return True
    beyond = {word.lower() for word in _SUPERLATIVE.findall(question.standalone)}
    asked = stems_of(question.standalone) - SAYS_LITTLE - frozenset(stems(title))
    return (bool(beyond) and not beyond & set(words_of(sentence))) or (bool(asked) and not asked & told)


def _joined(found: list[_Found]) -> list[_Found]:
    """Day and hour of each row as one."""
    of_row: dict[Span, list[_Found]] = {}
    for each in found:
        of_row.setdefault(each.row.span, []).append(each)
    return [
        replace(some[0], column="", value=", ".join(each.value for each in some)) for some in of_row.values()
    ]


def _asked(question: Question, table: Table) -> Asked:
    words = stems_of(question.standalone) | {
        stem_of(name.lower()) for name in _NAMES.findall(question.standalone)
    }
    passage = table[0].passage
    about = stems(f"{passage.article.title} {passage.chunk.section} {table[0].kind}")
    of_columns = {each for row in table for column in row.cells for each in stems_of(column)}
    little = SAYS_LITTLE if of_columns & (_OF_TIME | _ENDS) else SAYS_LITTLE | _OF_TIME
    if question.kind in {Kind.WHO, Kind.WHERE}:
        little -= _DONE if question.kind is Kind.WHO else frozenset(stems("live lives"))
    little -= {stem_of(unit.lower()) for unit in _UNIT.findall(question.standalone)}
    beyond = frozenset(word.lower() for word in _SUPERLATIVE.findall(question.standalone))
    named = (each for each in things(question) if each in of_columns | stems_of(table[0].kind))
    thing = frozenset(list(named)[:1])
    return Asked(question, table, words, words - little - frozenset(about), beyond, thing)


def _is_half_named(row: Row, asked: Asked) -> bool:
    """Whether a row is known by a part of its name: "heron" may be another one than the Grey Heron."""
    named = {stem_of(word) for word in words_of(row.name) if word not in FUNCTION_WORDS}
    return bool(named & asked.words) and not named <= asked.words


def _is_named(row: Row, column: str, asked: Asked) -> bool:
    """Whether the question has all words of a cell."""
    return stems_of(row.value(column)) <= asked.words


def _answer(question: Question, table: Table) -> list[Part]:
    asked = _asked(question, table)
    rows = [(row, keys) for row in table if (keys := _keys(row, asked))]
    found = [each for row, keys in rows for each in _targets(row, keys, asked)]
    of_keys = naming_columns(frozenset(column for _, keys in rows for column in keys), asked)
    if any(each.hits and each.hits <= of_keys for each in found):
        return []  # "who do the Owls play at home": at theirs, or which home side
    best = max((each.rank for each in found), default=None)
    meant = [each for each in found if each.rank == best]
    if question.kind is Kind.WHEN and all(_fits(question, each) and not each.hits for each in meant):
        meant = _joined(meant)
    elif not all(_fits(question, each) for each in meant):
        return []
    if not meant or len({each.column for each in meant}) > 1 or len(meant) > _MOST:
        return []
    if (
        _is_other_price(meant, asked)
        or _asks_for_more(asked, {column for _, keys in rows for column in keys}, meant)
        or _is_part(meant, rows)
    ):
        return []
    of_name = meant[0].column == meant[0].row.kind
    if of_name or (len(meant) == 1 and not _is_half_named(meant[0].row, asked)) or meant[0].column == "":
        return [each.row.told(each.value) for each in meant]
    return [each.row.told(f"{each.row.name}: {each.value}") for each in meant]


def _is_other_price(meant: list[_Found], asked: Asked) -> bool:
    """Whether the price of something is asked for that only has a word of the row: "share price"."""
    priced = asked.words & PRICED - stems_of(meant[0].column)
    no_sum = not all(SUM.search(each.value) for each in meant)
    return bool(priced) and no_sum and any(_is_half_named(each.row, asked) for each in meant)


def _is_part(meant: list[_Found], rows: list[tuple[Row, dict[str, frozenset[str]]]]) -> bool:
    """Whether what names these rows names another one, too."""
    told = [each.row for each in meant]
    least = set.intersection(*(set(keys) for row, keys in rows if row in told))
    return any(least <= keys.keys() for row, keys in rows if row not in told)


def _asks_for_more(asked: Asked, used: set[str], meant: list[_Found]) -> bool:
    """Whether something beside the column that was found is asked for: "price and noise of the mopsy"."""
    if not _AND.search(asked.question.standalone):
        return False
    own = stems_of(meant[0].column)
    columns = {column for row in asked.table for column in (row.kind, *row.cells)} - used - {meant[0].column}
    others = {each for column in columns for each in stems_of(column)} | PRICED
    return bool((others - own) & (asked.words - meant[0].hits)) or not own <= asked.words


def _keys(row: Row, asked: Asked) -> dict[str, frozenset[str]]:
    """The columns whose cell in a row the question names, with its words there."""
    keys = {}
    for column, value in [(row.kind, row.name), *row.cells.items()]:
        several = _BETWEEN.split(value)
        is_one = column == row.kind and any(item[:1].islower() for item in several[1:])  # "Stick and puck"
        items = [stems_of(item) for item in ([value] if is_one else several)]
        own = next((item for item in items if item and item <= asked.words - asked.thing), stems_of(value))
        hit = own & (asked.words - asked.thing)
        if not hit - SAYS_LITTLE or len(own) > _LONGEST_KEY:
            continue
        written = not value.isdigit() and value in asked.question.standalone  # a version, a date
        if all(word.isdigit() for word in own) and not written and not stems_of(column) & asked.words:
            continue  # any 4 would do
        others = {other.value(column) for other in asked.table} - {value}
        alone = not any(hit <= stems_of(other) for other in others)
        if hit == own or (alone and not is_one and len(hit) >= _HALF * len(own)):
            keys[column] = hit
    return keys


def _targets(row: Row, keys: dict[str, frozenset[str]], asked: Asked) -> Iterator[_Found]:
    """What a row says in the columns that may be asked for, where nothing of the question is left over."""
    said = frozenset().union(*keys.values())
    named = {word for key in keys for word in words_of(row.value(key))}
    about_keys = naming_columns(frozenset(keys), asked)
    for column, hits in columns_for(keys, asked).items():
        value = row.value(column)
        if not value or value.lower() in _NO_VALUE or not asked.telling <= said | about_keys | hits:
            continue
        if turned(asked.question.standalone, " ".join((column, *keys, *named))):
            continue
        if not asked.beyond <= {*words_of(column), *named}:
            continue
        yield _Found(row, column, value, hits, (len(said | hits | about_keys), row.kind in keys))


def _fits(question: Question, found: _Found) -> bool:
    """Whether a cell holds the type of answer that is asked for; who somebody is may be any handle."""
    kind, text = question.kind, question.standalone
    if fits(Kind.WHEN, found.value, "") and _NO_TIME.search(text):
        return False
    of_people = kind is Kind.WHO and stems_of(found.column) & PEOPLE
    return bool(of_people) or kind not in _TYPED or fits(kind, f"of {found.value}", text) is not False
