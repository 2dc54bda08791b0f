"""Which column of a table a question asks for: the one that it names, or the one that has such things."""

import re
from dataclasses import dataclass
from itertools import takewhile

from bot.answering.fit import fits
from bot.answering.question import FUNCTION_WORDS, Kind, Question
from bot.answering.table_rows import Table, stems_of
from vectorstore.lexical import stem_of, stems

_THING = re.compile(r"\b(?:which|what)(?P<things>(?:\s+[^\W\d]+){1,3})", re.IGNORECASE)
# said in a question without narrowing down what is asked for
SAYS_LITTLE = frozenset(
    stems(
        "cost costs price prices priced fee fees fare fares charge charges pay paid money amount number many "
        "called name named people person get gets take takes time times day date have has play plays run "
        "runs place go goes come comes came use uses need needs needed happen happens belong set stand "
        "stands listed table column row buy find sell sells borrow give gives make makes made meet "
        "meets usually normally typically generally currently big large game games match matches vs versus "
        "against live lives"
    )
)
_NEUTRAL = frozenset(
    stems("date day time when hour hours start starts begins out released release leaves departs")
)
_DAYS = frozenset(stems("day date"))
_MONEY = re.compile(r"\b(?:how\s+much(?!\s+off\b)|costs?|prices?|fees?|fares?|pay)\b", re.IGNORECASE)
_CLOCK = re.compile(r"\d[:.]\d\d|\d\s*[ap]\.?m\b", re.IGNORECASE)
_WHAT_TIME = re.compile(r"\b(?:what|which)\s+(?P<unit>time|day|date)\b", re.IGNORECASE)
_VERSION = re.compile(r"\d+(?:\.\d+){2}")
PRICED = frozenset(stems("price cost fee fare charge toll"))
_NO_PRICE = frozenset(stems("time hours level"))  # of charging
# "how much rye": in a table of two columns, of what has a unit
_MEASURE = re.compile(r"\bhow\s+much\b(?!.*\b(?:costs?|pay|charge|price|worth)\b)", re.IGNORECASE)
_MEASURED = re.compile(r"\d[\d.,]*\s?[^\W\d]")
SUM = re.compile(r"[$€£¥]|\b(?:free|EUR|USD|GBP|CHF|kr)\b", re.IGNORECASE)
_PLACES = frozenset(
    stems(
        "place where venue hall room location address channel town city court pitch field ground site stage "
        "studio"
    )
)
PEOPLE = frozenset(
    stems(
        "who person people name captain contact leader lead host teacher coach owner author speaker chair "
        "staff judge guide guard pilot cook"
    )
)
# "what costs 5 €": what the row is about
_WHAT = re.compile(
    r"\W*what\s+(?:costs?|needs?|takes?|gives?|sells?|uses?|runs?|has|(?:can|could|may)\s+(?:i|you|we)\s+"
    r"(?:buy|borrow|get|have|find|make|use))\b",
    re.IGNORECASE,
)
_WHO_DOES = re.compile(r"\bwho\s+(?P<verb>\w+(?:s|ed))\b", re.IGNORECASE)
_TWO = 2  # columns: a name and what it is of, a day and an hour
_HALF = 0.5  # of a name's words that must be named
_ROOT, _ENDING = 4, 3  # letters that words of one family have in common, and in which they differ


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a table, its words as stems, and what must not be left over of them."""

    question: Question
    table: Table
    words: frozenset[str]
    telling: frozenset[str]  # those that narrow down what is asked for
    beyond: frozenset[str]  # "most", "cheapest": only where a name in the table has it, too
    thing: frozenset[str]  # of "which ride": a column's name, and no ride's


def columns_for(keys: dict[str, frozenset[str]], asked: Asked) -> dict[str, frozenset[str]]:
    """The columns that may be asked for, each with the question's words that name it."""
    columns = list(dict.fromkeys(column for row in asked.table for column in (row.kind, *row.cells)))
    said = frozenset(words_of(asked.question.standalone))
    if asked.thing:
        nouns = (c for c in columns if asked.thing <= stems_of(c) and not _is_done(c, asked.thing, said))
        return {column: asked.thing for column in nouns if column not in keys}
    others = [column for column in columns if column not in keys]
    left = asked.words.difference(*keys.values())
    if asked.question.kind is Kind.WHO and (does := _WHO_DOES.search(asked.question.standalone)):
        verb = stem_of(does["verb"].lower())
        others = [c for c in others if verb not in stems_of(c) or _is_of_people(c, said)]
    named = {column: hits for column in others if (hits := _naming(asked.question, stems_of(column), left))}
    if named:
        most = max(len(hits) for hits in named.values())
        return {column: hits for column, hits in named.items() if len(hits) == most}
    of_kind = [column for column in others if _is_of_kind(asked.question, column, asked.table)]
    if len(columns) == _TWO and _MEASURE.search(asked.question.standalone):
        of_kind = [c for c in others if all(map(_MEASURED.match, _values(c, asked.table)))]
    if not of_kind and _WHAT.match(asked.question.standalone):
        of_kind = [column for column in others if column == asked.table[0].kind]
    hours = [column for column in of_kind if _is_hour(column, asked.table)]
    is_when = asked.question.kind is Kind.WHEN
    day_too = is_when and not _WHAT_TIME.search(asked.question.standalone)
    if day_too and hours == of_kind and any(stems_of(column) & _DAYS for column in others):
        return {}
    is_day_and_hour = is_when and len(of_kind) == _TWO and len(hours) == 1
    return {column: frozenset() for column in of_kind} if len(of_kind) == 1 or is_day_and_hour else {}


def naming_columns(columns: frozenset[str], asked: Asked) -> frozenset[str]:
    """The question's words that are of the names of columns."""
    own = {each for column in columns for each in stems_of(column)}
    return frozenset(
        word for word in asked.words if any(word == each or _derived(word, each) for each in own)
    )


def things(question: Question) -> list[str]:
    """The stems of what is asked for: "team" of "which hockey team has"."""
    which = _THING.search(question.standalone)
    words = words_of(which["things"]) if which else []
    return [stem_of(word) for word in takewhile(lambda word: word not in FUNCTION_WORDS, words)]


def words_of(text: str) -> list[str]:
    """In lower case, as written."""
    return re.findall(r"\w+", text.lower())


# ---- inside


def _naming(question: Question, own: frozenset[str], words: frozenset[str]) -> frozenset[str]:
    """The question's words that name a column, if they name enough of it; who teaches is the teacher."""
    apart = SAYS_LITTLE.union(things(question))  # an exam is no examiner
    same = {
        word: each
        for word in words
        for each in own
        if word == each or (word not in apart and _derived(word, each))
    }
    share = 0.0 if question.kind is Kind.WHEN else _HALF
    named = set(same.values())
    enough = len(named) >= share * len(own) and (named == own or not named <= SAYS_LITTLE)
    return frozenset(same) if named and enough else frozenset()


def _is_done(column: str, thing: frozenset[str], said: frozenset[str]) -> bool:
    """Whether a column tells when or how it was done, and not what: "Released" is no release."""
    return any(w.endswith("ed") and stem_of(w) in thing and w not in said for w in words_of(column))


def _is_of_people(column: str, said: frozenset[str]) -> bool:
    """Whether who does it may stand there: who packages it is no package, but may be the packager."""
    words = words_of(column)
    return bool(stems_of(column) & PEOPLE or said.intersection(words)) or words[-1].endswith(
        ("er", "or", "by")
    )


def _derived(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    return len(short) >= _ROOT and long.startswith(short) and len(long) - len(short) <= _ENDING


def _is_of_kind(question: Question, column: str, table: Table) -> bool:
    """Whether a column has what the question asks for, by its name or by what stands in it."""
    values = _values(column, table)
    own = stems_of(column)
    match question.kind:
        case Kind.WHERE:
            return bool(own & _PLACES)
        case Kind.WHO:
            return bool(own & PEOPLE)
        case Kind.WHEN:
            dated = all(fits(Kind.WHEN, f"of {value}", "") and not _VERSION.search(value) for value in values)
            of_day = _WHAT_TIME.search(question.standalone)
            other = of_day and (of_day["unit"].lower() == "time") is not _is_hour(column, table)
            return bool(values) and dated and not other and bool(_NEUTRAL.intersection(stems(column)))
        case _:
            asked = _MONEY.search(question.standalone)
            priced = own & PRICED and not own & _NO_PRICE
            return bool(asked) and bool(priced or (values and all(map(SUM.search, values))))


def _is_hour(column: str, table: Table) -> bool:
    """Whether hours stand in a column, and not days."""
    return all(_CLOCK.search(value) for row in table if (value := row.value(column)))


def _values(column: str, table: Table) -> list[str]:
    return [value for row in table if (value := row.value(column))]
