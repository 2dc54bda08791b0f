"""A row of a table says what its cells are, in whichever format the table comes."""

from pathlib import Path

import pytest
from documents import docx, paragraph, table

from ingest.load import load
from ingest.tables import Cell, told

HEAD, ROW = ("Who", "Books", "Fine"), ("Staff", "40", "none")


def cells(*rows: tuple[str, ...], heads: int = 0) -> list[list[Cell]]:
    """Rows of cells, of which the first `heads` rows are marked as heads."""
    return [[Cell(text, i < heads) for text in row] for i, row in enumerate(rows)]


def blocks(folder: Path, name: str, raw: bytes) -> list[str]:
    """The blocks of a file."""
    (folder / name).write_bytes(raw)
    article = load(folder / name, source=name, max_bytes=10**6)
    return [article.text[b.start : b.end] for b in article.blocks]


def test_cells_are_told_with_the_names_of_their_columns() -> None:
    """An empty cell is not told, nor a name that is missing or said anyway."""
    rows = cells(HEAD, ROW, ("Guests", "", "1 euro"), heads=1)
    assert told(rows) == ["", "Who: Staff | Books: 40 | Fine: none", "Who: Guests | Fine: 1 euro"]
    assert told(cells(("", "Free:", "Plus"), ("Price", "0", "8"), heads=1)) == [
        "",
        "Price | Free: 0 | Plus: 8",
    ]
    assert told(cells(("a", "b"), ("a", "1"), heads=1)) == ["", "a | b: 1"]


def test_a_row_that_does_not_fit_the_names_is_told_without_them() -> None:
    """A shorter one lacks its last cells."""
    rows = told(cells(("a", "b"), ("1", "2", "3"), ("4",), ("", ""), heads=1))
    assert rows == ["", "1 | 2 | 3", "a: 4", ""]


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        ([HEAD, ROW, ("Guests", "2", "1 euro")], ""),
        ([HEAD, ROW], "Who | Books | Fine"),  # one row below: anything may be a figure
        ([("Ann", "Bob"), ("Cy", "Dee"), ("Eve", "Flo")], "Ann | Bob"),
        ([("May 3", "4"), ("May 4", "5"), ("May 5", "6")], "May 3 | 4"),
        ([("Team", ""), ("Ravens", "5"), ("Owls", "6")], "Team"),
    ],
)
def test_where_the_layout_does_not_tell_figures_below_words_do(
    rows: list[tuple[str, ...]], first: str
) -> None:
    """Without a figure in the first row and with a column of nothing but figures below it, it is a header."""
    lines = told(cells(*rows))
    assert lines is not None
    assert lines[0] == first


def test_a_name_beside_its_value() -> None:
    """Heads in the first column only, as in the boxes of an encyclopaedia."""
    rows = [[Cell("Height", head=True), Cell("120 m")], [Cell("Opened:", head=True), Cell("1901")]]
    assert told(rows) == ["Height: 120 m", "Opened: 1901"]


def test_layout_is_no_table() -> None:
    """Nor is nothing."""
    assert told(cells(("x" * 700, "b"), ("c", "d"))) is None
    assert told([]) == []


HTML = """<html><head><title>Borrowing books here</title></head><body><article><h1>Borrowing books here</h1>
<p>{text}</p><table><tr><th>Who</th><th>Books</th><th>Fine</th></tr>
<tr><td><p>Staff</p></td><td>40</td><td>none</td></tr></table><p>{text}</p></article></body></html>"""


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.html", HTML.format(text="Books may be borrowed by all who work or study here. " * 5).encode()),
        ("short.html", HTML.format(text="Books may be borrowed.").encode()),
        (
            "a.md",
            b"# Books\n\n> | Who | **Books** | Fine |\n> |:--|--:|---|\n> | [Staff](x) | `40` | none |\n\nText.",
        ),
        ("a.docx", docx(paragraph("Books", "Title"), table(HEAD, ROW, ("Guests", "2", "1")))),
    ],
)
def test_each_format_tells_its_rows(tmp_path: Path, name: str, raw: bytes) -> None:
    """In a block of its own, without the header's row."""
    found = blocks(tmp_path, name, raw)
    assert "Who: Staff | Books: 40 | Fine: none" in found
    assert not any("Who | Books" in block for block in found)
