"""What stands in a table: the cell in the row and the column that a question names.

A row of five cells is hard to read for a small model: it finds the row, and holds back or takes the wrong
cell. Where a question names what stands in one or more cells of a row, and another column, and has nothing
left but words that say little, the answer is what stands in that column; of all rows, where several have what
is named.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.answering.composing import Part
from bot.answering.fit import fits
from bot.answering.polar import is_polar
from bot.answering.question import Kind, Question
from bot.answering.table_rows import Row, cells, stems_of, tables
from vectorstore.datatypes import Passage
from vectorstore.lexical import stem_of, stems

_NEGATED = re.compile(r"\b(?:not|never|cannot|without|except|besides|nobody)\b|n[’']t\b", re.IGNORECASE)
_THING = re.compile(r"\b(?:which|what)\s+(?P<thing>[^\W\d]+)", re.IGNORECASE)
# said in a question without narrowing down what is asked for
_SAYS_LITTLE = frozenset(
    stems(
        "cost costs price prices priced fee fees fare fares charge charges pay paid money amount number many "
        "called name named people person get gets take takes time times day date have has play plays run "
        "runs place go goes use uses need needs needed happen happens belong set stand stands listed table "
        "column row"
    )
)
_MONEY = re.compile(r"\b(?:how\s+much|costs?|prices?|fees?|fares?|charges?|pay)\b", re.IGNORECASE)
_SUM = re.compile(r"[$€£¥]|\b(?:free|EUR|USD|GBP|CHF|kr)\b", re.IGNORECASE)
_PLACES = frozenset(
    stems(
        "place where venue hall room location address channel town city court pitch field ground site stage "
        "studio"
    )
)
_PEOPLE = frozenset(
    stems("who person people name captain contact leader host teacher coach owner author speaker chair staff")
)
_NO_TIME = re.compile(r"\bwho\b|\bwhat\s+(?:did|does|do|has|have)\b", re.IGNORECASE)
_SUPERLATIVE = re.compile(
    r"\b(?:most|least|fewest|highest|lowest|biggest|largest|smallest|cheapest|dearest|longest|shortest|oldest|"
    r"youngest|newest|latest|earliest|first|last|best|worst|tallest|fastest|slowest|nearest|strongest|heaviest|"
    r"lightest|more|less|fewer|cheaper|than|total|altogether|average)\b",
    re.IGNORECASE,
)
_TYPED = (Kind.WHEN, Kind.NUMBER, Kind.WHO)
_TWO = 2  # columns: beside the name there is but one
_HALF = 0.5  # of a cell's words that must be named, where no other row has them
_LONGEST_KEY = 6  # words of a cell that a question names
_ROOT, _ENDING = 4, 3  # letters that words of one family have in common, and in which they differ
_MOST = 8  # rows that are told


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question of a table, its words as stems, and what must not be left over of them."""

    question: Question
    table: list[Row]
    words: frozenset[str]
    telling: frozenset[str]  # those that narrow down what is asked for
    beyond: frozenset[str]  # "most", "cheapest": only where a name in the table has it, too


@dataclass(frozen=True, slots=True)
class _Found:
    """A row that a question names by some of its cells, and the column that is asked for."""

    row: Row
    column: str
    value: str
    hits: frozenset[str]  # the question's words that name the column
    rank: tuple[int, bool]  # how many of them name something here; whether they name the row by its own name


def looked_up(question: Question, passages: Sequence[Passage]) -> list[Part]:
    """The answer from the best passage's table that has one; [] where none does."""
    text = question.standalone
    if is_polar(text) or question.kind is Kind.WHY or _NEGATED.search(text):
        return []
    found = (_answer(question, table) for table in tables(passages))
    return next((parts for parts in found if parts), [])


def is_out_of_place(question: Question, sentence: str, title: str) -> bool:
    """Whether a row answers by itself neither which is the most, nor what has none of its words."""
    if not cells(sentence):
        return False
    told = frozenset(stems(sentence))
    beyond = {word.lower() for word in _SUPERLATIVE.findall(question.standalone)}
    asked = stems_of(question.standalone) - _SAYS_LITTLE - frozenset(stems(title))
    return (bool(beyond) and not beyond & set(_words(sentence))) or (bool(asked) and not asked & told)


def _answer(question: Question, table: list[Row]) -> list[Part]:
    words = stems_of(question.standalone)
    passage = table[0].passage
    about = stems(f"{passage.article.title} {passage.chunk.section} {table[0].kind}")
    beyond = frozenset(word.lower() for word in _SUPERLATIVE.findall(question.standalone))
    asked = _Asked(question, table, words, words - _SAYS_LITTLE - frozenset(about), beyond)
    rows = [(row, keys) for row in table if (keys := _keys(row, asked))]
    found = [each for row, keys in rows for each in _targets(row, keys, asked)]
    of_keys = _about(frozenset(column for _, keys in rows for column in keys), asked)
    if any(each.hits and each.hits <= of_keys for each in found):
        return []  # "who do the Owls play at home": at theirs, or which home side
    best = max((each.rank for each in found), default=None)
    meant = [each for each in found if each.rank == best]
    if not meant or len({each.column for each in meant}) > 1 or len(meant) > _MOST:
        return []
    if len(meant) == 1 or meant[0].column == meant[0].row.kind:
        return [each.row.told(each.value) for each in meant]
    return [each.row.told(f"{each.row.name}: {each.value}") for each in meant]


def _keys(row: Row, asked: _Asked) -> dict[str, frozenset[str]]:
    """The columns whose cell in a row the question names, with its words there."""
    keys = {}
    for column, value in [(row.kind, row.name), *row.cells.items()]:
        own = stems_of(value)
        hit = own & asked.words
        if not hit - _SAYS_LITTLE or len(own) > _LONGEST_KEY:
            continue
        if all(word.isdigit() for word in own) and not stems_of(column) & asked.words:
            continue  # any 4 would do
        elsewhere = (other for other in asked.table if other is not row)
        alone = not any(hit <= stems_of(_value(other, column)) for other in elsewhere)
        if hit == own or (alone and len(hit) >= _HALF * len(own)):
            keys[column] = hit
    return keys


def _targets(row: Row, keys: dict[str, frozenset[str]], asked: _Asked) -> Iterator[_Found]:
    """What a row says in the columns that may be asked for, where nothing of the question is left over."""
    said = frozenset().union(*keys.values())
    named = {word for key in keys for word in _words(_value(row, key))}
    about_keys = _about(frozenset(keys), asked)
    kind, text = asked.question.kind, asked.question.standalone
    for column, hits in _columns(keys, asked).items():
        value = _value(row, column)
        if not value or not asked.telling <= said | about_keys | hits:
            continue
        if not asked.beyond <= {*_words(column), *named}:
            continue
        is_time = fits(Kind.WHEN, value, "") and _NO_TIME.search(text)
        if not is_time and not (kind in _TYPED and fits(kind, f"of {value}", text) is False):
            yield _Found(row, column, value, hits, (len(said | hits | about_keys), row.kind in keys))


def _about(columns: frozenset[str], asked: _Asked) -> frozenset[str]:
    """The question's words that are of the names of columns."""
    own = {each for column in columns for each in stems_of(column)}
    return frozenset(
        word for word in asked.words if any(word == each or _derived(word, each) for each in own)
    )


def _columns(keys: dict[str, frozenset[str]], asked: _Asked) -> dict[str, frozenset[str]]:
    """The columns that may be asked for, each with the question's words that name it."""
    columns = list(dict.fromkeys(column for row in asked.table for column in (row.kind, *row.cells)))
    if thing := _THING.search(asked.question.standalone):
        wanted = stem_of(thing["thing"].lower())
        if own := [column for column in columns if wanted in stems_of(column)]:
            return {column: frozenset([wanted]) for column in own if column not in keys}
    others = [column for column in columns if column not in keys]
    left = asked.words.difference(*keys.values())
    named = {column: hits for column in others if (hits := _naming(asked.question, stems_of(column), left))}
    if named:
        most = max(len(hits) for hits in named.values())
        return {column: hits for column, hits in named.items() if len(hits) == most}
    of_kind = [c for c in others if len(columns) == _TWO or _is_of_kind(asked.question, c, asked.table)]
    return {of_kind[0]: frozenset()} if len(of_kind) == 1 else {}


def _naming(question: Question, own: frozenset[str], words: frozenset[str]) -> frozenset[str]:
    """The question's words that name a column, if they name enough of it; who teaches is the teacher."""
    thing = _THING.search(question.standalone)
    apart = _SAYS_LITTLE | ({stem_of(thing["thing"].lower())} if thing else set())  # an exam is no examiner
    same = {
        word: each
        for word in words
        for each in own
        if word == each or (word not in apart and _derived(word, each))
    }
    share = 0.0 if question.kind is Kind.WHEN else _HALF
    named = set(same.values())
    enough = len(named) >= share * len(own) and (named == own or not named <= _SAYS_LITTLE)
    return frozenset(same) if named and enough else frozenset()


def _derived(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    return len(short) >= _ROOT and long.startswith(short) and len(long) - len(short) <= _ENDING


def _is_of_kind(question: Question, column: str, table: list[Row]) -> bool:
    """Whether a column has what the question asks for, by its name or by what stands in it."""
    values = [value for row in table if (value := _value(row, column))]
    own = stems_of(column)
    match question.kind:
        case Kind.WHERE:
            return bool(own & _PLACES)
        case Kind.WHO:
            return bool(own & _PEOPLE)
        case Kind.WHEN:
            return bool(values) and all(fits(Kind.WHEN, f"of {value}", "") for value in values)
        case _:
            asked = _MONEY.search(question.standalone)
            return bool(asked) and bool(values) and all(_SUM.search(value) for value in values)


def _value(row: Row, column: str) -> str:
    return row.name if column == row.kind else row.cells.get(column, "")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
