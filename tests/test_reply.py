"""Answers as Discord messages: within the limits, nothing lost, nothing that pings, unfurls or hides."""

import re
from dataclasses import replace

import pytest
from fakes import answer
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reply import LIMIT, link_to, plain, render, shortened, split


def squeezed(text: str) -> str:
    """What is left to read when space, fences and quote marks are taken out."""
    return re.sub(r"\s|```[^\n]*|^> ", "", text, flags=re.MULTILINE)


TEXTS = st.lists(
    st.sampled_from(
        [
            "word",
            "a longer piece of text",
            "\n",
            "\n\n",
            "> quoted",
            "- item",
            "\n```py\nx = 1\n```\n",
            "[a link](<https://example.com/x>)",
            "x" * 90,
            "é🎉",
            "**bold**",
            "  ",
        ]
    ),
    max_size=80,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(60, 300))
def test_split_keeps_every_character_and_the_limit(text: str, limit: int) -> None:
    """Every part fits and is not empty; only space is lost at the cuts."""
    parts = split(text, limit)
    assert all(0 < len(part) <= limit for part in parts)
    kept = squeezed("\n".join(parts)).replace(">", "")
    assert kept == squeezed(text).replace(">", "")


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_split_keeps_links_and_fences_whole(text: str) -> None:
    """A link is in one part; fences are closed in the part that opens them."""
    parts = split(text, 200)
    assert sum(part.count("[a link](<https://example.com/x>)") for part in parts) == text.count(
        "[a link](<https://example.com/x>)"
    )


def test_a_long_fence_is_closed_and_opened_again() -> None:
    """Each part is a fence of its own, in the same language."""
    code = "\n".join(f"line {i} of the program" for i in range(200))
    parts = split(f"Look:\n```py\n{code}\n```\nThat is all.", 500)
    fenced = [part for part in parts if "line " in part]
    assert len(fenced) > 5
    assert all(part.count("```") == 2 and "```py\n" in part for part in fenced)
    assert "\n".join(re.findall(r"line \d+ of the program", "\n".join(parts))) == code


def test_a_cut_quote_goes_on_as_a_quote() -> None:
    """Every part of it begins with the mark."""
    parts = split("> " + "word " * 400, 300)
    assert all(part.startswith("> ") for part in parts)


def test_an_answer_has_its_footnote_below() -> None:
    """Short answer, number, title, date, quote."""
    (message,) = render(answer("On Monday.", quote="It opens on Monday.")).messages
    assert message == "On Monday.\n\n-# [1] Ferry, 3 March 2026\n> It opens on Monday."


def test_a_quote_that_is_the_answer_is_not_said_twice() -> None:
    """The answer stands above it word for word."""
    (message,) = render(answer("It opens in May.")).messages
    assert message == "It opens in May.\n\n-# [1] Ferry, 3 March 2026"


def test_a_web_article_is_linked_to_its_sentence() -> None:
    """By a text fragment, in angle brackets so that nothing unfurls."""
    cited = answer(
        "In May.",
        source="https://news.example/a-b?x=1",
        quote="The ferry opens in May, at last: after-work boats, too, run from then on.",
    )
    (message,) = render(cited).messages
    assert (
        "[Ferry](<https://news.example/a-b?x=1#:~:text=The%20ferry%20opens%20in%20May%2C,run%20from%20then%20on.>)"
        in message.replace("too%2C%20", "")
    )


@pytest.mark.parametrize(
    "source",
    [
        "articles/a.txt",
        "javascript:alert(1)",
        "https://a b",
        "https://x/<y>",
        "file:///etc/passwd",
        "data:text/html,x",
    ],
)
def test_nothing_but_a_web_address_becomes_a_link(source: str) -> None:
    """Files, scripts and odd addresses do not."""
    assert link_to(answer(source=source).citations[0]) is None


EVIL = [
    "@everyone look", "<@123> and <@&456>", "[click](https://evil.example/?q=secret)", "https://evil.example/x.png",
    "discord.gg/abc", "# big\n- list\n> quote\n-# small", "`code` ```fence", "**b** __u__ ~~s~~ ||spoiler||", "a\u202eb\u200bc\U000e0041d",
]  # fmt: skip


@pytest.mark.parametrize("text", EVIL)
def test_article_text_is_only_text(text: str) -> None:
    """No mention, link, heading, code or hidden character of it survives, in answer, quote or title."""
    for shown in (
        render(answer(text)),
        render(answer(quote=text)),
        render(answer(title=text)),
        render(answer(), question=text),
    ):
        message = "\n".join(shown.messages)
        assert not re.search(r"(?<!\\)@everyone|(?<!\\)<@|https?://|discord\.gg/", message)
        assert not re.search(r"(?<!\\)[`|~]|(?<!\\)\*\*|(?<!\\)\]\((?!<)", message)
        assert not re.search("[\u200b-\u200f\u202a-\u202e\U000e0000-\U000e007f]", message)
    body = render(answer(text)).messages[0].split("\n\n-# [1]")[0]
    assert not re.search(r"^(?:#|>|-|-#) ", body, re.MULTILINE)


def test_plain_text_is_left_as_it_is() -> None:
    """Nothing is escaped that need not be."""
    text = "A 30-day ceasefire (see p. 3): 50% of “it”, isn't that so? 1 > 0 & 5 # 4"
    assert plain(text) == text


def test_a_very_long_answer_becomes_a_file() -> None:
    """Beyond three messages: the beginning, a notice, and all of it in the file."""
    long = " ".join(f"Sentence number {i} is here." for i in range(400))
    shown = render(answer(long))
    assert len(shown.messages) == 1
    assert len(shown.messages[0]) <= LIMIT
    assert shown.file is not None
    assert "Sentence number 399" in shown.file


def test_a_long_quote_keeps_the_answer() -> None:
    """Cut at word borders, around what was asked for."""
    quote = (
        "First there is much to say. " * 20
        + "The harbour opens on the third of May at noon. "
        + "And then more. " * 30
    )
    cut = shortened(quote, "the third of May")
    assert "the third of May" in cut
    assert len(cut) < 320
    assert cut.startswith("… ")
    assert cut.endswith(" …")
    assert all(word in quote.split() for word in cut.strip("… ").split())


def test_an_abstention_names_the_closest_articles() -> None:
    """So that members can look for themselves."""
    shown = render(replace(answer("I could not find that.", abstained=True)), closest=("Ferry", "Tram"))
    assert shown.messages == ("I could not find that.\n\n-# closest articles: Ferry; Tram",)
