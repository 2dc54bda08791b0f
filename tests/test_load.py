"""Files in, articles or reasons out."""

from pathlib import Path

import pytest

from ingest.load import find_files, load
from ingest.split import split
from vectorstore.datatypes import UserError

SAMPLE = Path(__file__).parent.parent / "articles" / "coalition-of-the-willing.txt"


def read(path: Path, max_bytes: int = 10**6) -> str:
    """The text of a file's article."""
    return load(path, source=path.name, max_bytes=max_bytes).text


def test_the_sample_article_says_who_wrote_it_and_when() -> None:
    """Title, author, date and headings are those that a reader sees."""
    article = load(SAMPLE, source="x", max_bytes=10**6)
    assert article.info.title.startswith("Virtual Conference of ‘Coalition of the Willing’")
    assert (article.info.author, article.info.date) == ("Venkat Raman", "2025-03-16")
    headings = [article.text[b.start : b.end] for b in article.blocks if b.heading]
    assert headings[0] == "Three Main Goals"
    assert article.text == SAMPLE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252"]
)
def test_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    """Umlauts and quotation marks survive."""
    text = "Die Brücke\n\nDer Bürgermeister sagte: “Wir öffnen die Brücke für Fußgänger.” Das gefällt vielen Älteren.\n"
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert read(tmp_path / "a.txt") == text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "the file is empty"),
        ("blank.md", b" \n\t \n", "the file is empty"),
        ("binary.txt", bytes(range(256)) * 40, "this is not text but a binary file"),
        ("picture.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", "this is not text but a binary file"),
        ("broken.txt", b"\xef\xbb\xbfcaf\xe9 au lait", "it is not valid utf-8-sig"),
        ("report.xyz", b"some text", "files of type .xyz cannot be read"),
        ("large.txt", b"x" * 2000, "2,000 bytes are more than INGEST_MAX_BYTES"),
        ("script.html", b"<html><script>alert(1)</script></html>", "there is no text in this page"),
        ("head.md", b"---\ntitle: Rules\n---\n# Only a heading\n", "there is no text in it beside headings"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_a_bad_file_is_refused_with_a_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """The reason says what is wrong; the caller names the file."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match="^" + reason.replace("(", r"\(")):
        read(tmp_path / name, max_bytes=1000 if "large" in name else 20000)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A missing path and a folder are told apart."""
    with pytest.raises(UserError, match="there is no such file"):
        read(tmp_path / "none.txt")
    with pytest.raises(UserError, match="this is not a file"):
        read(tmp_path)


def test_a_folder_is_searched_without_its_hidden_parts(tmp_path: Path) -> None:
    """Known types only, each file once, in order; a named file is kept whatever it is."""
    for name in ("b.txt", "a.md", "notes.rtf", ".git/c.txt", "deep/d.HTML"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    found = find_files([tmp_path, tmp_path / "b.txt", tmp_path / "notes.rtf"])
    assert [f.relative_to(tmp_path).as_posix() for f in found] == [
        "a.md",
        "b.txt",
        "deep/d.HTML",
        "notes.rtf",
    ]


MARKDOWN = """---
title: "The New Rules"
author: Ann Lee
date: 2026-02-03
---

# The New Rules

Post links in #links only. Ask a moderator first.

## Fines

- first offence: a warning
- second offence: a day's silence

| offence | fine |
|---|---|
| spam | 5 coins |

```python
print("kept")
```
<!-- not for readers -->
"""


def test_markdown_keeps_its_text_and_loses_its_marks(tmp_path: Path) -> None:
    """Blocks are the words between the marks, at their places in the file, unchanged but for tables."""
    (tmp_path / "rules.md").write_text(MARKDOWN, encoding="utf-8")
    article = load(tmp_path / "rules.md", source="rules.md", max_bytes=10**6)
    assert (article.info.title, article.info.author, article.info.date) == (
        "The New Rules",
        "Ann Lee",
        "2026-02-03",
    )
    blocks = [article.text[b.start : b.end] for b in article.blocks]
    assert blocks == [
        "The New Rules",
        "Post links in #links only. Ask a moderator first.",
        "Fines",
        "first offence: a warning",
        "second offence: a day's silence",
        "offence: spam | fine: 5 coins",
        'print("kept")',
    ]
    assert [article.text[b.start : b.end] for b in article.blocks if b.heading] == ["Fines"]
    before, _, after = MARKDOWN.partition("| offence | fine |\n|---|---|\n| spam | 5 coins |\n")
    assert article.text.startswith(before)
    assert article.text.endswith(after)


@pytest.mark.parametrize(
    "paragraph",
    [
        "1.5 million people attended.",
        "-5 °C were measured.",
        "10.30 a.m. is when it opens.",
        "12.03.2024 was the day.",
        "**Bold** is how it starts.",
        "#hashtag is what they wrote.",
    ],
)
def test_what_only_looks_like_a_mark_stays(tmp_path: Path, paragraph: str) -> None:
    """A number, a minus or an emphasis at the start of a paragraph, or of a list's item."""
    (tmp_path / "a.md").write_text(f"{paragraph}\n\n- {paragraph}\n", encoding="utf-8")
    article = load(tmp_path / "a.md", source="a.md", max_bytes=10**6)
    assert [article.text[b.start : b.end] for b in article.blocks] == [paragraph, paragraph]


def test_two_lines_across_the_page_are_no_front_matter(tmp_path: Path) -> None:
    """What stands between them is the article's."""
    (tmp_path / "a.md").write_text("---\n\nThe intro.\n\n---\n\nThe rest.\n", encoding="utf-8")
    article = load(tmp_path / "a.md", source="a.md", max_bytes=10**6)
    assert [article.text[b.start : b.end] for b in article.blocks] == ["The intro.", "The rest."]


def test_a_page_that_declares_no_real_encoding_is_read_all_the_same(tmp_path: Path) -> None:
    """Python has a codec that decodes nothing."""
    raw = PAGE.replace("<head>", '<head><meta charset="undefined">').replace("Farwell", "Färwell")
    (tmp_path / "a.html").write_bytes(raw.encode("cp1252"))
    assert "Färwell" in read(tmp_path / "a.html")


PAGE = """<!doctype html><html><head><title>Bridge opens - The Daily</title>
<meta name="author" content="Ann Lee"><meta property="article:published_time" content="2026-02-03T08:00:00Z">
</head><body><nav><a href="/">Home</a> <a href="/sport">Sport</a></nav><article><h1>Bridge opens</h1>
<p>The council of Farwell opened the new bridge on Tuesday after two years of work, and thousands came to see it.</p>
<h2>Who paid</h2><p>The bridge cost 3.4 million euros, of which the state paid half, the mayor said on the day.</p>
<ul><li>The old bridge is closed to cars from now on.</li><li>The ferry runs until the end of March at least.</li></ul>
</article><script>track("secret")</script><footer>Imprint and cookies</footer></body></html>"""


def test_a_web_page_gives_its_article_and_not_its_menu(tmp_path: Path) -> None:
    """Navigation, scripts and footer are left out; title and date are those of the page."""
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    article = load(tmp_path / "page.html", source="page.html", max_bytes=10**6)
    assert article.info.title.startswith("Bridge opens")
    assert (article.info.date, article.info.author) == ("2026-02-03", "Ann Lee")
    assert "3.4 million euros" in article.text
    assert "from now on.\n\n- The ferry runs until" in article.text
    assert not any(word in article.text for word in ("Sport", "track", "Imprint"))


@pytest.mark.parametrize(
    ("lines", "title", "date", "author"),
    [
        (
            "Storm closes harbour\nBy Jo Park | 3 March 2026\n\nShips waited.",
            "Storm closes harbour",
            "2026-03-03",
            "Jo Park",
        ),
        (
            "Storm closes harbour\n2026-03-03\n\nShips waited for hours.",
            "Storm closes harbour",
            "2026-03-03",
            None,
        ),
        ("Ships waited for hours. Nobody was hurt.\n", "a", None, None),
        ("- one\n- two\n", "a", None, None),
    ],
    ids=["byline", "date-line", "no-title", "list"],
)
def test_plain_text_says_what_its_first_lines_are(
    tmp_path: Path, lines: str, title: str, date: str | None, author: str | None
) -> None:
    """Title, date and author where the text shows them, and the file's name where it does not."""
    (tmp_path / "a.txt").write_text(lines, encoding="utf-8")
    info = load(tmp_path / "a.txt", source="a.txt", max_bytes=10**6).info
    assert (info.title, info.date, info.author) == (title, date, author)


@pytest.mark.parametrize(
    ("text", "title", "date", "author"),
    [
        ("Trip\n\nBy bus: line 5 from the station\n\nIt is far.", "Trip", None, None),
        ("Plan\n\nBy 2030 all buses will be electric.\n\nIt is far.", "Plan", None, None),
        ("Trip\n\nRegistration closes on 30 June 2026\n\nIt is far.", "Trip", None, None),
        ("Trip\n\nPosted on Friday, 3 May 2024 by Ann Lee\n\nIt is far.", "Trip", "2024-05-03", None),
        ("Trip\n\nBy Ann Lee, 3 May 2024, updated 2025-01-02\n\nIt is far.", "Trip", "2024-05-03", "Ann Lee"),
        ("3 March 2026\nMinutes of the board\n\nIt was short.", "Minutes of the board", "2026-03-03", None),
    ],
)
def test_the_first_lines_name_an_author_and_a_date_only_where_they_do(
    tmp_path: Path, text: str, title: str, date: str | None, author: str | None
) -> None:
    """How to get there, and until when, is something else; a date above the title is the article's."""
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    info = load(tmp_path / "a.txt", source="a.txt", max_bytes=1000).info
    assert (info.title, info.date, info.author) == (title, date, author)


def test_a_line_break_in_a_web_page_keeps_words_apart(tmp_path: Path) -> None:
    """In paragraphs and items; and what cannot be written into a tree is no reason to end."""
    text = "<p>Mon to Fri 9 to 17<br>Sat 10 to 14</p><ul><li>Bread<br>and cakes</li></ul>"
    more = "<p>The shop is by the old harbour, where the ferry leaves for the islands every day.</p>" * 5
    table = "<table><tr><th>Day</th><th>Hour</th></tr><tr><td>a&#2;b</td><td>9</td></tr></table>"
    page = f"<html><head><title>Shop</title></head><body><article><h1>Shop</h1>{text}{more}{table}</article></body></html>"
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    found = read(tmp_path / "a.html")
    assert "9 to 17 Sat" in found
    assert "Bread and cakes" in found


def test_a_page_that_says_latin_1_is_read_as_browsers_do(tmp_path: Path) -> None:
    """With the quotation marks that Windows has there."""
    body = "“It’s open” until nine … and closed on Sundays. " * 8
    page = f'<html><head><meta charset="iso-8859-1"></head><body><p>{body}</p></body></html>'
    (tmp_path / "a.html").write_bytes(page.encode("cp1252"))
    assert "“It’s open” until nine …" in read(tmp_path / "a.html")


def test_a_heading_keeps_its_number_and_its_underscores(tmp_path: Path) -> None:
    """Who asks for rule 2, or for LOG_LEVEL, must find it; two comments hide nothing between them."""
    text = "# The __rules__\n\n### 2. No spam\n\nNone.\n\n## LOG_LEVEL\n\nLow.\n\n<!-- x --> Open 9 to 5 <!-- y -->\n\nEnd.\n"
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    article = load(tmp_path / "a.md", source="a.md", max_bytes=1000)
    told = [article.text[b.start : b.end] for b in article.blocks]
    assert article.info.title == "The rules"
    assert "2. No spam" in told
    assert "<!-- x --> Open 9 to 5 <!-- y -->" in told
    sections = {c.section for c in split(article, count_tokens=lambda texts: [9] * len(texts), max_tokens=90)}
    assert {"2. No spam", "LOG_LEVEL"} <= sections


def test_wrapped_lines_are_one_paragraph(tmp_path: Path) -> None:
    """A sentence that a mail program broke into lines is still one sentence."""
    text = (
        "The council met on Tuesday evening to discuss the repair of the old\n"
        "bridge, which has been closed to all traffic since the flood of last\n"
        "winter. It decided nothing.\n"
    )
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    article = load(tmp_path / "a.txt", source="a.txt", max_bytes=10**6)
    assert [article.text[b.start : b.end] for b in article.blocks] == [text.strip()]


MINUTES = """Minutes of the running club

Present: Ann Lee (chair), Bo Park (treasurer), Cy Dun (secretary), Eve Stone
(juniors), Flo Hill
Apologies: Gus Wood, Hal Yeo

1. Finances
The treasurer reported a balance of 3,412 euros.

2. Kit
New vests are to be bought.

Day 2: The lake, the hut
Note: it is cold there.

Rules
1. Be kind
2. Be on time
"""


def test_names_with_what_stands_for_them_are_no_headings(tmp_path: Path) -> None:
    """Who sent apologies is text; a numbered day is a heading."""
    (tmp_path / "m.txt").write_text(MINUTES, encoding="utf-8")
    article = load(tmp_path / "m.txt", source="m.txt", max_bytes=10**6)
    headings = [article.text[b.start : b.end] for b in article.blocks if b.heading]
    assert headings == ["Day 2: The lake, the hut", "Rules"]
    assert [article.text[b.start : b.end].partition(":")[0] for b in article.blocks[1:3]] == [
        "Present",
        "Apologies",
    ]
