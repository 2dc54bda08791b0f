"""Tables: each row is told with the names of its columns, since it is retrieved and quoted by itself.

`25 | 6 weeks` says nothing, `Who: Postgraduates | Books: 25 | Loan period: 6 weeks` does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

CELLS = " | "
"""Between the cells of a table's row."""
_LONGEST_ROW = 600  # characters: a longer one is layout, not a table
_LONGEST_NAME = 60  # of a column
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text on one line, and whether the layout says that it names its column or row."""

    text: str
    head: bool = False


Rows = Sequence[Sequence[Cell]]


def told(rows: Rows) -> list[str] | None:
    """A line for each row, empty for a header and for a row without text; None for what is no table."""
    lines = [CELLS.join(cell.text for cell in row if cell.text) for row in rows]
    if max(map(len, lines), default=0) > _LONGEST_ROW:
        return None
    if _has_names(rows):
        names = [cell.text.rstrip(" :") for cell in rows[0]]
        return ["", *(_named(names, row) for row in rows[1:])]
    return [_property(row) or line for row, line in zip(rows, lines, strict=True)]


def _has_names(rows: Rows) -> bool:
    """Whether the first row names the columns."""
    first = rows[0] if len(rows) > 1 else ()
    texts = [cell.text for cell in first]
    if len(first) < 2 or not any(texts[1:]) or max(map(len, texts)) > _LONGEST_NAME:
        return False
    if any(cell.head for row in rows for cell in row):
        return all(cell.head for cell in first if cell.text) and not all(cell.head for cell in rows[1])
    # where the layout does not tell: no figure, above a column of nothing but figures
    below = [row for row in rows[1:] if len(row) == len(first)]
    figures = ([_DIGIT.search(row[column].text) for row in below] for column in range(len(first)))
    return all(texts[1:]) and not _DIGIT.search("".join(texts)) and len(below) > 1 and any(map(all, figures))


def _named(names: Sequence[str], row: Sequence[Cell]) -> str:
    """A row with more cells than there are names is told without them."""
    fits = len(row) <= len(names)
    pairs = zip(names if fits else [""] * len(row), (cell.text for cell in row), strict=False)
    return CELLS.join(f"{name}: {text}" if name and name != text else text for name, text in pairs if text)


def _property(row: Sequence[Cell]) -> str:
    """A name and what it stands for: `Price: 5 euros`."""
    if len(row) == 2 and row[0].head and not row[1].head and row[0].text and row[1].text:
        return f"{row[0].text.rstrip(' :')}: {row[1].text}"
    return ""
