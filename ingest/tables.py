"""Tables: each row is told with the names of its columns, since it is retrieved and quoted by itself.

`25 | 6 weeks` says nothing, `Who: Postgraduates | Books: 25 | Loan period: 6 weeks` does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

CELLS = " | "
"""Between the cells of a table's row."""
LONGEST_ROW = 600
"""Characters: a longer row is layout, and no table's."""
_LONGEST_NAME = 60  # of a column
_DIGIT = re.compile(r"\d")
_INLINE = frozenset("a abbr b cite code del em font i ins mark q s small span strong sub sup u".split())
_UNSEEN = frozenset(("script", "style", "template"))


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A cell's text on one line, and whether the layout says that it names its column or row.

    A merged cell stands in each of its places.
    """

    text: str
    head: bool = False


Rows = Sequence[Sequence[Cell]]


def told(rows: Rows) -> list[str]:
    """A line for each row; "" for a header, and for a row without text."""
    if not _has_names(rows):
        return [_property(row) or _joined(row) for row in rows]
    names = [cell.text.rstrip(" :") for cell in rows[0]]
    return ["", *(_named(names, row) for row in rows[1:])]


def rows_of(table: Any) -> Rows:
    """The cells of an HTML table, of lxml's, merged ones in all their places; [] if tables are in it."""
    if any(inner is not table for inner in table.iter("table")):
        return []
    rows: list[list[Cell]] = []
    merged: dict[int, tuple[Cell, int]] = {}  # column -> a cell that goes on, and for how many rows
    for row in table.iter("tr"):
        cells: list[Cell] = []
        below: dict[int, tuple[Cell, int]] = {}
        for place in _placed(row):
            while len(cells) in merged:
                _go_on(cells, merged, below)
            if place is None:
                break
            cell, columns, deep = place
            for _ in range(columns):
                if deep > 1:
                    below[len(cells)] = (cell, deep - 1)
                cells.append(cell)
        rows.append(cells)
        merged = below
    return rows


def _placed(row: Any) -> Iterator[tuple[Cell, int, int] | None]:
    """Each cell of a row with the columns and rows that it takes, and at last None."""
    for cell in row.iterchildren("td", "th"):
        text = " ".join(_text(cell).split())
        bold = " ".join("".join(part.itertext()) for part in cell.iter("strong", "b"))
        head = cell.tag == "th" or (bool(text) and text == " ".join(bold.split()))
        yield Cell(text, head), _span(cell, "colspan"), _span(cell, "rowspan")
    yield None


def _go_on(
    cells: list[Cell], merged: dict[int, tuple[Cell, int]], below: dict[int, tuple[Cell, int]]
) -> None:
    """Put the cell that goes on in the next column there."""
    cell, rows = merged[len(cells)]
    if rows > 1:
        below[len(cells)] = (cell, rows - 1)
    cells.append(cell)


def _span(cell: Any, name: str) -> int:
    told_of = cell.get(name, "1").strip()
    return min(max(1, int(told_of)), 100) if told_of.isascii() and told_of.isdigit() else 1


def _text(element: Any) -> str:
    text = element.text or ""
    for child in element:
        inner = _text(child) if isinstance(child.tag, str) and child.tag not in _UNSEEN else ""
        gap = "" if child.tag in _INLINE or not isinstance(child.tag, str) else " "
        text += f"{gap}{inner}{gap}{child.tail or ''}"
    return text


def _has_names(rows: Rows) -> bool:
    """Whether the first row names the columns."""
    first = rows[0] if len(rows) > 1 else ()
    texts = [cell.text for cell in first]
    if len(first) < 2 or not any(texts[1:]) or max(map(len, texts)) > _LONGEST_NAME or len(set(first)) == 1:
        return False
    if any(cell.head for row in rows for cell in row):
        return all(cell.head for cell in first if cell.text) and not all(cell.head for cell in rows[1])
    # where the layout does not tell: no figure, above a column of nothing but figures
    below = [row for row in rows[1:] if len(row) == len(first)]
    figures = ([_DIGIT.search(row[column].text) for row in below] for column in range(len(first)))
    return all(texts[1:]) and not _DIGIT.search("".join(texts)) and len(below) > 1 and any(map(all, figures))


def _named(names: Sequence[str], row: Sequence[Cell]) -> str:
    """With the names of the columns, unless there are not as many, or one cell takes all of them."""
    if len(row) != len(names) or len(set(row)) == 1:
        return _joined(row)
    parts = []
    for cell, places in groupby(range(len(row)), key=row.__getitem__):
        name = ", ".join(filter(None, dict.fromkeys(names[place] for place in places)))
        if cell.text:
            parts.append(f"{name}: {cell.text}" if name and name != cell.text else cell.text)
    return CELLS.join(parts)


def _joined(row: Sequence[Cell]) -> str:
    return CELLS.join(cell.text for cell in dict.fromkeys(row) if cell.text)


def _property(row: Sequence[Cell]) -> str:
    """A name and what it stands for: `Price: 5 euros`."""
    if len(row) == 2 and row[0].head and not row[1].head and row[0].text and row[1].text:
        return f"{row[0].text.rstrip(' :')}: {row[1].text}"
    return ""
