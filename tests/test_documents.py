"""PDF and Word files in, articles or reasons out, and no harm done."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from documents import NOTE, burning_pdf, docx, heavy_docx, item, lines, paragraph, pdf, table, zip_bomb
from fakes import store_all

from ingest.article import Article
from ingest.document import Limits, read_document
from ingest.pipeline import State
from vectorstore.datatypes import UserError
from vectorstore.library import Library

ROOT = Path(__file__).parent.parent


def read(raw: bytes, suffix: str, limits: Limits | None = None) -> Article:
    """The article of a document."""
    return read_document(raw, suffix, source=f"a{suffix}", name="the file", limits=limits)


def shown(article: Article) -> list[str]:
    """The blocks, headings marked."""
    return [f"{'# ' if b.heading else ''}{article.text[b.start : b.end]}" for b in article.blocks]


def test_a_word_file_is_read_as_a_reader_sees_it() -> None:
    """Title, byline, styled headings, rows, notes; no marks of Word's, and nothing that nobody sees."""
    article = read(
        docx(
            paragraph("The ferry", "Title"),
            paragraph("By Ann Lee, 3 March 2026"),
            paragraph("Timetable", "heading1"),
            paragraph("The ferry sails\u200b at nine.", more=NOTE),
            table(("Day", "Boats"), ("Monday", "4")),
            paragraph("Fares", "heading2"),
            paragraph("A ticket costs 5 euros."),
            footnote="Not in winter.",
        ),
        ".docx",
    )
    assert (article.info.title, article.info.author, article.info.date) == (
        "The ferry",
        "Ann Lee",
        "2026-03-03",
    )
    assert shown(article) == [
        "The ferry",
        "By Ann Lee, 3 March 2026",
        "# Timetable",
        "The ferry sails at nine.",
        "Day | Boats",
        "Monday | 4",
        "# Fares",
        "A ticket costs 5 euros.",
        "Not in winter.",
    ]


def test_the_items_of_a_word_files_lists_have_their_marks() -> None:
    """As in plain text; a number that Word counts on, or writes as a letter, is not known."""
    items = (item("Be kind"), item("Be on time"), paragraph("To join:"), item("Ask.", numbered=True))
    article = read(docx(paragraph("Rules", "Title"), *items, item("Wait.", numbered=True)), ".docx")
    assert shown(article) == ["Rules", "- Be kind", "- Be on time", "To join:", "- Ask.", "- Wait."]


def test_bold_lines_are_the_headings_of_those_who_use_no_styles() -> None:
    """And a file that begins with a table or a date is called by its name."""
    body = (table(("a", "b")), paragraph("Fares", bold=True), paragraph("A ticket costs 5 euros."))
    article = read(docx(*body), ".docx")
    assert shown(article) == ["a | b", "# Fares", "A ticket costs 5 euros."]
    assert article.info.title == "Fares"
    assert read(docx(table(("a", "b")), paragraph("It sails.")), ".docx").info.title == "the file"
    venue = table(("Venue", "Town hall"), bold=True)
    article = read(docx(venue, paragraph("It sails."), venue, paragraph("It stops.")), ".docx")
    assert shown(article) == ["Venue: Town hall", "It sails.", "Venue: Town hall", "It stops."]
    assert article.info.title == "the file"
    assert read(docx(paragraph("3 March 2026"), paragraph("It sails.")), ".docx").info.title == "the file"


def test_a_pdfs_lines_become_paragraphs_again() -> None:
    """Lines joined, divided words mended, page numbers and running heads left out, large lines headings."""
    pages = [
        lines("The Farwell Courier", top=760)
        + lines("The ferry of Farwell", size=20)
        + lines("The ferry sails at nine on weekdays, and the har-", "bour office sells the tickets.", top=660)
        + lines("A ticket costs 5 euros. Children under six", top=610)
        + lines("1", top=40),
        lines("The Farwell Courier", top=760) + lines("sail free of charge.") + lines("2", top=40),
        lines("The Farwell Courier", top=760) + lines("- Dogs pay half.", "- Cats stay at home.") + lines("3", top=40),
    ]  # fmt: skip
    article = read(pdf(*pages), ".pdf")
    assert article.info.title == "The ferry of Farwell"
    assert shown(article) == [
        "The ferry of Farwell",
        "The ferry sails at nine on weekdays, and the harbour office sells the tickets.",
        "A ticket costs 5 euros. Children under six sail free of charge.",
        "- Dogs pay half.",
        "- Cats stay at home.",
    ]


def test_what_stands_at_the_edges_of_pages_and_is_no_running_head_stays() -> None:
    """A day's heading in large type, and a page's total; the foot that counts the pages goes."""
    pages = [
        lines(f"Day {day}", top=760, size=20)
        + lines(f"We walk {walk} miles along the river and sleep in a barn.")
        + lines(f"Total: {total} euros", top=80)
        + lines(f"Tour book, page {day} of 3", top=40)
        for day, walk, total in ((1, "nine", 45), (2, "ten", 60), (3, "two", 12))
    ]
    told = shown(read(pdf(*pages), ".pdf"))
    assert [line for line in told if "Day" in line] == ["Day 1", "# Day 2", "# Day 3"]
    assert "Total: 60 euros" in told
    assert not any("Tour book" in line for line in told)


@pytest.mark.parametrize(
    ("suffix", "raw", "reason"),
    [
        (".docx", b"hello", "it is broken, or no Word file"),
        (".docx", b"PK\x03\x04 cut off", "it is broken, or no Word file"),
        (".docx", docx(document="<w:document"), "it is broken, or no Word file"),
        (".docx", docx("<w:tbl><w:tr><w:tc>" * 5000), "it is broken, or no Word file"),
        (".docx", docx(paragraph(" ")), "there is no text in it"),
        (".docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "it is in Word's old format"),
        (
            ".docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "it is protected by a password",
        ),
        (".pdf", b"hello", "it is broken, or no PDF file"),
        (".pdf", pdf(lines("x"))[:200], "it is broken, or no PDF file"),
        (".pdf", pdf("0 0 100 100 re f"), "there is no text in it, only pictures"),
        (".pdf", pdf(lines("\\001\\002 \\003")), "there is no text in it, only pictures"),
        (".pdf", pdf(*[""] * 2001), "its 2,001 pages are more than 2,000"),
    ],
    ids="text cut xml nested empty old password text cut scan garbled long".split(),
)
def test_a_document_that_cannot_be_read_says_why(suffix: str, raw: bytes, reason: str) -> None:
    """One line for the user, whatever the converter ran into."""
    with pytest.raises(UserError, match="^" + reason) as caught:
        read(raw, suffix)
    assert "\n" not in str(caught.value)


def test_a_pdf_behind_a_password_is_told_from_a_broken_one() -> None:
    """Encrypted with a password that is not the empty one."""
    hidden = pdf(lines("x")).replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">>>",
    )  # fmt: skip
    with pytest.raises(UserError, match="protected by a password"):
        read(hidden, ".pdf")


def test_no_file_of_the_operators_comes_in_with_a_document() -> None:
    """External entities are not followed."""
    whole = (
        f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x SYSTEM "{(ROOT / "LICENSE").as_uri()}">]>'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        "<w:p><w:r><w:t>Before &x; after.</w:t></w:r></w:p></w:body></w:document>"
    )
    assert read(docx(document=whole), ".docx").text == "Before after."


@pytest.mark.parametrize(
    ("suffix", "raw", "limits", "reason"),
    [
        (".docx", zip_bomb, Limits(), r"it unpacks to 20,\d{3},\d{3} bytes"),
        (".docx", heavy_docx, Limits(seconds=1), "too much memory or time"),
        (".docx", heavy_docx, Limits(megabytes=150), "too much memory or time"),
        (".pdf", burning_pdf, Limits(megabytes=500), "too much memory or time"),
        (".pdf", burning_pdf, Limits(seconds=1), "too much memory or time"),
        (".pdf", burning_pdf, Limits(wall=0.5), "too long"),
    ],
    ids="zip-bomb docx-time docx-memory pdf-memory pdf-time pdf-wall".split(),
)
def test_a_hostile_document_ends_its_own_process_only(
    suffix: str, raw: object, limits: Limits, reason: str
) -> None:
    """Within its limits, with a reason."""
    began = time.monotonic()
    with pytest.raises(UserError, match=reason):
        read(raw(), suffix, limits)  # type: ignore[operator]
    assert time.monotonic() - began < 60


def test_a_bad_document_does_not_stop_the_others(tmp_path: Path, library: Library) -> None:
    """It is an outcome; what is stored of the good one stands verbatim in its text."""
    good, bad = tmp_path / "good.pdf", tmp_path / "bad.pdf"
    good.write_bytes(pdf(lines("The ferry sails at nine from the old", "harbour. It is blue.")))
    bad.write_bytes(burning_pdf()[:900])
    outcomes = store_all(library, [bad, good])
    assert [outcome.state for outcome in outcomes] == [State.FAILED, State.NEW]
    (passage,) = library.retriever.retrieve("when does the ferry sail").passages
    text = read(good.read_bytes(), ".pdf").text
    assert text[passage.chunk.start : passage.chunk.end] == passage.chunk.text
    assert "sails at nine from the old harbour." in passage.chunk.text


def test_ingest_without_a_document_imports_no_converter() -> None:
    """Nor does the process that ingests one: they live in a process of their own."""
    program = (
        "import sys, ingest.__main__; print({'mammoth', 'pypdfium2', 'ingest.pdf'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
