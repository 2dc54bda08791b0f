"""The picture in the README is drawn from the messages that are sent, and nothing runs out of it."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from fakes import answer

from docs.draw_discord import RIGHT, Sheet, draw

LONG = "It is said that the *ferry* [opens] in May, and that nobody knows why not before. " * 12


def drawn(**fields: str | bool) -> tuple[list[tuple[float, float, str]], str]:
    """Where each piece of text begins and ends, and all of the text."""
    sheet = Sheet()
    draw(sheet, replace(answer(**fields), question="When does it open?"))  # type: ignore[arg-type]
    pieces = [
        (
            float(each.get("x", "")),
            float(each.get("x", "")) + float(each.get("textLength", "")),
            each.text or "",
        )
        for each in ElementTree.fromstring(sheet.svg()).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314
    ]
    return pieces, " ".join(" ".join(text for *_, text in pieces).split())


@pytest.mark.parametrize("source", ["a/ferry.txt", "https://example.org/ferry"], ids=["file", "link"])
def test_all_of_an_answer_is_drawn_inside_the_picture(source: str) -> None:
    """Question, answer, footnote and buttons, without the marks of Markdown."""
    pieces, text = drawn(text=LONG.strip(), source=source)
    for told in (
        "When does it open?",
        LONG.strip(),
        "[1] Ferry",
        "3 March 2026",
        "It opens in May.",
        "Sources Why 👍 👎 Delete",
    ):
        assert re.sub(r"\s", "", told) in re.sub(r"\s", "", text)
    assert "\\" not in text
    assert "](" not in text
    assert all(end <= RIGHT + 0.5 for _, end, _ in pieces)


def test_an_abstention_has_its_closest_articles_and_no_sources() -> None:
    """As in Discord."""
    _, text = drawn(text="I could not find that in the articles.", abstained=True)
    assert "I could not find that in the articles. closest articles: Ferry" in text
    assert "Sources" not in text
