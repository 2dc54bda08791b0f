"""The tables in passages: their rows with what stands under each column, as `ingest.tables` told them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.answering.composing import Part, quoting
from bot.answering.question import Question, content_words
from ingest.tables import CELLS
from vectorstore.datatypes import Passage, Span
from vectorstore.lexical import stem_of

NEGATED = re.compile(
    r"\b(?:no|not|never|nobody|none|nor|neither|without|except|besides|lacks?|cannot|only)\b|n[’']t\b",
    re.IGNORECASE,
)
"""A question with one of these asks for something else than what it names."""
# little words that turn what is named into something else; in a table's own names they are of the name
_TURNS = re.compile(
    r"\b(?:before|after|until|since|till|under|over|above|below|between|within|up to|more|less|others?|else|"
    r"own|any|anyone|anybody|all|every|everyone|everybody|both|or|longer)\b",
    re.IGNORECASE,
)
_WON = re.compile(r"\bwon\b(?![’']t)", re.IGNORECASE)
_NEAR = 0.25  # of the retrieval score: a table in a passage farther behind is not looked up


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its own name, and what stands under each other column's."""

    kind: str  # what the first column is called, "" without a name
    name: str
    cells: dict[str, str]
    passage: Passage
    span: Span  # offsets into the article's text

    def value(self, column: str) -> str:
        """What stands under a column, the first one's too; "" if nothing."""
        return self.name if column == self.kind else self.cells.get(column, "")

    def told(self, text: str) -> Part:
        """A part of an answer that is in this row."""
        return Part(text, quoting(self.passage.article, self.passage.chunk, self.span, 1.0))


Table = list[Row]
"""Rows with the same columns, in their order."""


def tables(passages: Sequence[Passage]) -> Iterator[Table]:
    """The tables, whichever passages their rows are in, those of the best passage's article first."""
    for source in dict.fromkeys(passage.article.source for passage in _near(passages)):
        rows: dict[Span, Row] = {}
        for passage in passages:
            if passage.article.source == source:
                rows |= _rows(passage)
        table: Table = []
        for span in sorted(rows):
            row = rows[span]
            goes_on = table and row.kind in table[0].cells  # its first cell is empty
            if table and not goes_on and not any(_go_together(other, row) for other in table):
                if _is_whole(table):
                    yield table
                table = []
            table.append(row)
        if _is_whole(table):
            yield table


def of_one_table(
    question: Question, found: Sequence[Table], answer: Callable[[Question, Table], list[Part]]
) -> list[Part]:
    """What a table of the best article says that has an answer; [] where another of its tables differs."""
    told: dict[str, list[list[Part]]] = {}
    for table in found:
        if parts := answer(question, table):
            told.setdefault(table[0].passage.article.source, []).append(parts)
    answers: list[list[Part]] = next(iter(told.values()), [[]])
    texts = [[part.text for part in parts] for parts in answers]
    return answers[0] if all(each == texts[0] for each in texts) else []


def turned(question: str, names: str) -> bool:
    """Whether a question has a little word that turns it, and that the names in the table do not have."""
    said = {word.lower() for word in _TURNS.findall(question)}
    return not said <= {word.lower() for word in _TURNS.findall(names)}


def _go_together(other: Row, row: Row) -> bool:
    """Whether two rows are of one table."""
    same_section = other.passage.chunk.section == row.passage.chunk.section
    return other.kind == row.kind and same_section and bool(other.cells.keys() & row.cells.keys())


def _is_whole(table: Table) -> bool:
    """Whether there is a table, and each of its rows has a name."""
    return bool(table) and all(row.kind == table[0].kind for row in table)


def cells(sentence: str) -> list[tuple[str, str]]:
    """The name of each cell's column, "" without one, and what stands in it; [] for what is no row."""
    if CELLS not in sentence:
        return []
    parts = (cell.strip().partition(": ") for cell in sentence.split(CELLS))
    return [(name, value.strip()) if colon else ("", name) for name, colon, value in parts]


def cut_off(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Those that are looked up and begin or end with a row, so that more of them may stand beside them."""
    return tuple(passage for passage in _near(passages) if _is_cut(passage))


def _is_cut(passage: Passage) -> bool:
    chunk = passage.chunk
    ends = chunk.sentences[:: max(1, len(chunk.sentences) - 1)]
    return any(CELLS in chunk.part(span) for span in ends)


def _near(passages: Sequence[Passage]) -> list[Passage]:
    """Those about as near to the question as the best one."""
    least = max((passage.score for passage in passages), default=0.0) - _NEAR
    return [passage for passage in passages if passage.score >= least]


def stems_of(text: str) -> frozenset[str]:
    """The stems of the words that say something."""
    words = content_words(text) + _WON.findall(text)  # which content_words take for a part of "won't"
    return frozenset(stem_of(word.lower()) for word in words)


def _rows(passage: Passage) -> dict[Span, Row]:
    at, found = passage.chunk.start, {}
    for span in passage.chunk.sentences:
        row = cells(passage.chunk.text[span[0] - at : span[1] - at])
        others = {column: value for column, value in row[1:] if column}
        if others:
            found[span] = Row(*row[0], others, passage, span)
    return found
