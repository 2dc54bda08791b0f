"""A row of a table says what its cells are, in whichever format the table comes."""

from pathlib import Path

import pytest
from documents import docx, paragraph, table
from lxml import html as lxml_html

from ingest.load import load
from ingest.tables import Cell, rows_of, told

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
    """Which of its cells is missing, nobody can say."""
    rows = told(cells(("a", "b"), ("1", "2", "3"), ("4",), ("", ""), heads=1))
    assert rows == ["", "1 | 2 | 3", "4", ""]


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
    assert told(cells(*rows))[0] == first


def test_a_name_beside_its_value() -> None:
    """Heads in the first column only, as in the boxes of an encyclopaedia."""
    rows = [[Cell("Height", head=True), Cell("120 m")], [Cell("Opened:", head=True), Cell("1901")]]
    assert told(rows) == ["Height: 120 m", "Opened: 1901"]


def of_html(rows: str) -> list[str]:
    """What the rows of an HTML table tell."""
    return told(rows_of(lxml_html.fragment_fromstring(f"<table>{rows}</table>")))


WEEK = "<tr><th>Day<th>From<th>To<th>Room</tr>"


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        (
            "<tr><td rowspan=2>Monday<td>9<td>10<td>A</tr><tr><td>10<td>11<td>B</tr>",
            ["Day: Monday | From: 9 | To: 10 | Room: A", "Day: Monday | From: 10 | To: 11 | Room: B"],
        ),
        (
            "<tr><td>Tuesday<td colspan=2>closed<td>A</tr>",
            ["Day: Tuesday | From, To: closed | Room: A"],
        ),
        ("<tr><td colspan=4>Holidays</tr>", ["Holidays"]),
        (
            "<tr><!-- x --><td>Friday<td>9<td>10<td><p>A</p><p>B</p></tr>",
            ["Day: Friday | From: 9 | To: 10 | Room: A B"],
        ),
        ("<tr><td>H<sub>2</sub>O<td>1,<b>000</b><td>5<br>6<td></tr>", ["Day: H2O | From: 1,000 | To: 5 6"]),
        (
            "<tr><td>9<td rowspan=3>x<td>y<td rowspan=2>z</tr><tr><td>8<td>w</tr>",
            ["Day: 9 | From: x | To: y | Room: z", "Day: 8 | From: x | To: w | Room: z"],
        ),
        ("<tr><td colspan=0>a<td colspan=x>b<td>c<td>d</tr>", ["Day: a | From: b | To: c | Room: d"]),
    ],
)
def test_merged_cells_keep_their_places(row: str, lines: list[str]) -> None:
    """A cell over several columns or rows is told once in each row, with all its columns' names."""
    assert of_html(WEEK + row) == ["", *lines]


def test_a_table_of_tables_is_layout() -> None:
    """Nothing is told of it."""
    assert of_html("<tr><td><table><tr><td>a</td></tr></table></td></tr>") == []
    assert told([]) == []


def test_a_long_row_costs_the_others_nothing(tmp_path: Path) -> None:
    """Its cells stay apart; the others have their names."""
    text = "Many words. " * 60
    rows = f"<tr><th>Name</th><th>About</th></tr><tr><td>Ann</td><td>{text}</td></tr><tr><td>Bo</td><td>none</td></tr>"
    page = f"<html><body><main><h1>Staff</h1><p>{text}</p><table>{rows}</table></main></body></html>"
    found = blocks(tmp_path, "a.html", page.encode())
    assert any(block.startswith("Ann | Many") for block in found)
    assert "Name: Bo | About: none" in found


MARKDOWN = """1. First:

   | | Free | Plus |
   |---|---|---|
   | # of seats | 5 | 10 |
   | `<!-- x -->` | 1 | a\\|b |
   | [Note] | H<sub>2</sub>O | |

   More of first.
2. Second.

```
| not | a |
|---|---|
| table | here |
```
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_rows_tell_is_no_markdown(tmp_path: Path, end: str) -> None:
    """It is not read again; and what stands around them is where it was."""
    found = blocks(tmp_path, "a.md", MARKDOWN.replace("\n", end).encode())
    assert found[:6] == [
        "First:",
        "# of seats | Free: 5 | Plus: 10",
        "<!-- x --> | Free: 1 | Plus: a|b",
        "[Note] | Free: H2O",
        "More of first.",
        "Second.",
    ]
    assert found[6].startswith("| not | a |")


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
