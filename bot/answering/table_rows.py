"""The tables in passages: their rows with what stands under each column, as `ingest.tables` told them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.answering.composing import Part, quoting
from bot.answering.question import content_words
from ingest.tables import CELLS
from vectorstore.datatypes import Passage, Span
from vectorstore.lexical import stem_of

_NEAR = 0.25  # of the retrieval score: a table in a passage farther behind is not looked up


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its own name, and what stands under each other column's."""

    kind: str  # what the first column is called, "" without a name
    name: str
    cells: dict[str, str]
    passage: Passage
    span: Span  # offsets into the article's text

    def told(self, text: str) -> Part:
        """A part of an answer that is in this row."""
        return Part(text, quoting(self.passage.article, self.passage.chunk, self.span, 1.0))


def tables(passages: Sequence[Passage]) -> Iterator[list[Row]]:
    """The tables, whichever passages their rows are in, those of the best passage's article first."""
    least = max((passage.score for passage in passages), default=0.0) - _NEAR
    near = dict.fromkeys(passage.article.source for passage in passages if passage.score >= least)
    for source in near:
        rows: dict[Span, Row] = {}
        for passage in passages:
            if passage.article.source == source:
                rows |= _rows(passage)
        table: list[Row] = []
        for span in sorted(rows):
            row = rows[span]
            if table and (row.kind != table[-1].kind or not row.cells.keys() & table[-1].cells.keys()):
                yield table
                table = []
            table.append(row)
        if table:
            yield table


def cells(sentence: str) -> list[tuple[str, str]]:
    """The name of each cell's column, "" without one, and what stands in it; [] for what is no row."""
    if CELLS not in sentence:
        return []
    parts = (cell.strip().partition(": ") for cell in sentence.split(CELLS))
    return [(name, value.strip()) if colon else ("", name) for name, colon, value in parts]


def is_cut(passage: Passage) -> bool:
    """Whether a passage begins or ends with a row, so that more of them may stand beside it."""
    chunk = passage.chunk
    ends = chunk.sentences[:: max(1, len(chunk.sentences) - 1)]
    return any(CELLS in chunk.text[a - chunk.start : b - chunk.start] for a, b in ends)


def stems_of(text: str) -> frozenset[str]:
    """The stems of the words that say something."""
    return frozenset(stem_of(word.lower()) for word in content_words(text))


def _rows(passage: Passage) -> dict[Span, Row]:
    at, found = passage.chunk.start, {}
    for span in passage.chunk.sentences:
        row = cells(passage.chunk.text[span[0] - at : span[1] - at])
        others = {column: value for column, value in row[1:] if column}
        if others:
            found[span] = Row(*row[0], others, passage, span)
    return found
