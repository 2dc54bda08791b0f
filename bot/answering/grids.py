"""Tables of yes and no: who may do what, which plan has what.

Which rows have a yes in a column stands in no sentence, so no span can answer it, and a single row that
does not answer looks as if it did. Such tables are looked up: where the question names a column, and has
nothing left but words that say nothing, the answer is every row with a yes in it; where it names a row and a
column, what stands there. The same with rows and columns exchanged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.answering.composing import Part
from bot.answering.polar import is_polar
from bot.answering.question import Kind, Question
from bot.answering.table_rows import NEGATED, Row, Table, cells, of_one_table, stems_of, turned
from ingest.tables import CELLS
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
# "who cannot", "which plan has no": the rows with a no
_WANTS_NO = re.compile(
    r"\b(?:can|could|may|do|does|is|are|has|have)(?:n?[’']t\b|not\b|(?:\s+\w+){0,3}?\s+not?\b)", re.IGNORECASE
)
# what happens to somebody, has to be, or was, is not what somebody may
_ELSE = re.compile(
    r"\b(?:be|being|been|gets?)\s+\w+ed\b|\b(?:needs?|must|was|were|did|had|will|used to|(?:has|have) to)\b",
    re.IGNORECASE,
)
_WHICH = re.compile(r"\b(?:which|what)\s+(?P<thing>[^\W\d]+)", re.IGNORECASE)
# who may, what has: without such a word "who is the keeper?" asks for a name
_ABLE = re.compile(
    r"\b(?:can|may|could|able|allow\w*|permit\w*|permissions?|rights?|has|have|gets?|includ\w+|offers?|comes?|"
    r"supports?|available|lets?|given)\b",
    re.IGNORECASE,
)
_SAYS_NOTHING = frozenset(
    stems(
        "able allow allowed permit permitted permission permissions right rights get gets include includes "
        "included offer offers come comes support supports available need needs let lets given use uses work "
        "works role roles rank ranks group groups plan plans tier tiers level levels membership memberships "
        "user users people person member members everyone feature features thing things server part edition "
        "version"
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
# "who can manage roles" is not answered by "manage events"
_OBJECTS = frozenset(stems("role roles group groups member members user users people permission permissions"))
_HALF = 0.5  # of a name's words that a question must have
_FEWEST, _MOST = 2, 12  # rows of a table, and rows that are told


@dataclass(frozen=True, slots=True)
class _Asked:
    """The words of a question, as stems, and those of them that must be in the table."""

    words: frozenset[str]
    telling: frozenset[str]
    text: str

    @property
    def thing(self) -> frozenset[str]:
        """What is asked for: "role" of "which role"."""
        which = _WHICH.search(self.text)
        return frozenset([stem_of(which["thing"].lower())] if which else [])


def looked_up(question: Question, tables: Sequence[Table]) -> list[Part]:
    """The answer from the best passage's table of yes and no that has one; [] where none does."""
    if not _asks(question) or _ELSE.search(question.standalone):
        return []
    return of_one_table(question, tables, _answer)


def is_looked_up(question: Question, sentence: str) -> bool:
    """Whether a sentence is a row of yes and no, which does not answer such a question by itself."""
    row = cells(sentence)
    return len(row) > 1 and all(_verdict(value) for _, value in row[1:]) and _asks(question)


def _asks(question: Question) -> bool:
    """Whether it is asked who or what has something, or whether."""
    text = question.standalone
    which = question.kind in {Kind.WHO, Kind.OTHER} and re.search(
        r"\b(?:who|which|what)\b", text, re.IGNORECASE
    )
    return is_polar(text) or bool(which and _ABLE.search(text))


def _answer(question: Question, table: Table) -> list[Part]:
    columns = list(dict.fromkeys(name for row in table for name in row.cells))
    article = table[0].passage.article
    words = stems_of(question.standalone)
    about = {*stems(article.title), *stems(table[0].passage.chunk.section), *stems(table[0].kind)}
    named = {each for name in columns for each in stems_of(name) if len(stems_of(name)) == 1}
    asked = _Asked(words, words - (_SAYS_NOTHING - named) - about, question.standalone)
    if is_polar(question.standalone):
        return _settled(question, asked, table, columns)
    negations = NEGATED.findall(question.standalone)
    wanted = "no" if len(negations) == 1 and _WANTS_NO.search(question.standalone) else "yes"
    if negations and wanted == "yes":
        return []
    of_rows, of_columns = _sides(question, table[0].kind)
    if of_rows and (column := _meant(asked, columns)):
        return _rows_with(wanted, column, table)
    if of_columns and (name := _meant(asked, [row.name for row in table])):
        return _columns_with(wanted, next(row for row in table if row.name == name), columns)
    return []


def _rows_with(wanted: str, column: str, table: Table) -> list[Part]:
    """The rows that have it in a column of yes and no."""
    below = [(row, row.cells[column]) for row in table if column in row.cells]
    if len(below) < _FEWEST or not all(_verdict(value) for _, value in below):
        return []
    if wanted == "no" and len(below) < len(table):  # an empty cell most likely means it, but does not say so
        return []
    having = [(row, value) for row, value in below if _verdict(value) == wanted]
    return [row.told(_told(row.name, value)) for row, value in having] if len(having) <= _MOST else []


def _columns_with(wanted: str, row: Row, columns: list[str]) -> list[Part]:
    """The columns in which a row of yes and no has it, in one part."""
    if not all(map(_verdict, row.cells.values())):  # "5 calendars" is included as well
        return []
    if wanted == "no" and len(row.cells) < len(columns):
        return []
    has = [_told(column, value) for column, value in row.cells.items() if _verdict(value) == wanted]
    return [row.told(", ".join(has))] if has else []


def _sides(question: Question, kind: str) -> tuple[bool, bool]:
    """Whether the names of rows answer, and whether those of columns do."""
    thing = _WHICH.search(question.standalone)
    own = {*stems(kind)}
    if thing and stem_of(thing["thing"].lower()) in own:
        return True, False
    if question.kind is Kind.WHO or (thing and stem_of(thing["thing"].lower()) in _ACTORS):
        return not own & _ACTIONS, not own & _ACTORS
    return True, True


def _settled(question: Question, asked: _Asked, table: Table, columns: list[str]) -> list[Part]:
    """What stands in the row and the column that a yes/no question names."""
    found = []
    for row in table:
        mine = stems_of(row.name) & asked.words
        for column in columns:
            theirs = (stems_of(column) & asked.words) - mine
            covered = mine and theirs and asked.telling <= mine | theirs
            if _is_another(f"{row.name} {column}", asked) or _is_said_of(row.name, asked):
                continue
            if (
                covered
                and len(mine) >= _HALF * len(stems_of(row.name))
                and len(theirs) >= _HALF * len(stems_of(column))
            ):
                spare = len(stems_of(row.name) | stems_of(column)) - len(mine | theirs)
                found.append((len(mine | theirs), -spare, row, column))
    best = max((each[:2] for each in found), default=None)
    meant = [each[2:] for each in found if each[:2] == best]
    if len(meant) != 1 or NEGATED.search(question.standalone):
        return []
    row, column = meant[0]
    value = row.cells.get(column, "")
    said = {"yes": "Yes", "no": "No"}.get(_verdict(value))
    return [row.told(f"{said}. {row.name}{CELLS}{column}: {value}")] if said else []


def _meant(asked: _Asked, names: list[str]) -> str | None:
    """The one name that has every telling word of the question, of which the question has most."""
    fitting = []
    for name in dict.fromkeys(names):
        own = stems_of(name)
        share = len(own & asked.words) / len(own) if own else 0.0
        if _is_another(name, asked) or (share < 1 and (asked.words & _OBJECTS) - own - asked.thing):
            continue
        if share >= _HALF and asked.telling <= own and (asked.telling or share == 1):
            fitting.append((share, len(own), name))
    best = max((each[:2] for each in fitting), default=None)
    meant = [name for *score, name in fitting if tuple(score) == best]
    return meant[0] if len(meant) == 1 else None


def _is_another(names: str, asked: _Asked) -> bool:
    """Whether a little word makes what is named in the table, or in the question, another thing."""
    return bool(NEGATED.search(names)) or turned(asked.text, names)


def _is_said_of(name: str, asked: _Asked) -> bool:
    """Whether a plan's name is what a question says of something else: "are backups free?"."""
    return name.lower() == "free" and bool(
        re.search(r"^\W*(?:is|are)\b.*\bfree\W*$", asked.text, re.IGNORECASE)
    )


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
