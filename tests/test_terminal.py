"""What the terminal prints, and how answers are scored."""

import io
import json
from dataclasses import replace

import pytest
from fakes import answer
from rich.console import Console

from bot.answering.datatypes import Answer, Dropped, Generated
from bot.terminal.show import as_json, printable, show, show_why


def printed(shown: Answer, *, terminal: bool) -> str:
    """What `ask` prints."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=60, color_system=None)
    show(shown, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_json_has_the_public_keys_in_order() -> None:
    """Scripts rely on them."""
    line = as_json(answer(), 7)
    told = json.loads(line)
    assert list(told) == [
        "id",
        "question",
        "text",
        "abstained",
        "citations",
        "answerer",
        "library",
        "seconds",
        "note",
        "dropped",
    ]
    assert (told["note"], told["dropped"]) == ("", [])
    assert told["citations"] == [
        {
            "title": "Ferry",
            "source": "a/ferry.txt",
            "quote": "It opens in May.",
            "start": 3,
            "end": 19,
            "score": 0.8765,
        }
    ]
    assert (told["id"], told["seconds"]) == (7, 0.0123)
    assert "\n" not in line


def test_why_shows_spans_passages_and_what_decided() -> None:
    """Enough to see why it answered; how a follow-up was read, only if it was put otherwise."""
    console = Console(file=io.StringIO(), width=80, color_system=None)
    show_why(answer(), console)
    show_why(replace(answer(), question="And when?"), console)
    assert isinstance(console.file, io.StringIO)
    text = " ".join(console.file.getvalue().split())
    assert text.startswith("answered: probability 0.70, threshold 0.15, revision 3")
    assert "0.70 +4.2 +3.9 +1.5 in May" in text
    assert "0.90 0.50 0.80 Ferry, 0-40" in text
    assert text.count("read as: When?") == 1


def test_why_says_that_an_answer_was_looked_up() -> None:
    """In a table no span is weighed, so there is nothing else to see; an abstention was not looked up."""
    trace = replace(answer().trace, spans=(), likelihood=1.0)
    assert "looked up in a table or a byline" in why_of(replace(answer(), trace=trace))
    for other in (replace(trace, likelihood=0.0), answer().trace):
        assert "looked up" not in why_of(replace(answer(), trace=other))


def why_of(shown: Answer) -> str:
    """What --why prints."""
    console = Console(file=io.StringIO(), width=80, color_system=None)
    show_why(shown, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


GENERATED = Generated(
    model="fake:one",
    prompt="answer",
    prompt_hash="0123456789ab",
    raw="In May. [1] The captain is Zoe. [1]",
    dropped=(Dropped(text="The captain is Zoe.", reason="not in the cited passages: Zoe"),),
    tokens_in=800,
    tokens_out=12,
    cost=0.00025,
    first_token=0.4,
    seconds=1.25,
)


def generated(answerer: str = "fake:one", note: str = "") -> Answer:
    """An answer for which a chat model was asked."""
    made = answer()
    trace = replace(made.trace, spans=(), generated=GENERATED)
    return replace(made, answerer=answerer, note=note, trace=trace)


def test_why_shows_what_a_chat_model_wrote_and_what_was_dropped() -> None:
    """With its prompt, what it took, and the reasons."""
    console = Console(file=io.StringIO(), width=200, color_system=None)
    show_why(generated(), console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[:5] == [
        "answered: fake:one, support 0.70, revision 3",
        "fake:one with answer (0123456789ab), 800 tokens in, 12 out, cost 0.000250, first token 0.40 s, all 1.25 s",
        "wrote:",
        "In May. [1] The captain is Zoe. [1]",
        "dropped: The captain is Zoe. (not in the cited passages: Zoe)",
    ]


def test_a_note_is_shown_and_why_tells_what_the_model_wrote_nevertheless() -> None:
    """When the built-in answer took its place."""
    shown = generated("builtin", "The chat model took too long; this is the built-in answer.")
    for terminal in (True, False):
        assert "The chat model took too long" in printed(shown, terminal=terminal)
    console = Console(file=io.StringIO(), width=200, color_system=None)
    show_why(shown, console)
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert told.startswith("answered: probability 0.70, threshold 0.15, revision 3\nfake:one with answer")
    assert "dropped: The captain is Zoe." in told


def test_json_tells_the_note_and_what_was_dropped() -> None:
    """For scripts that watch a chat model."""
    told = json.loads(as_json(generated(note="Slow.")))
    assert told["note"] == "Slow."
    assert told["dropped"] == [{"text": "The captain is Zoe.", "reason": "not in the cited passages: Zoe"}]


@pytest.mark.parametrize("terminal", [True, False])
def test_an_answer_shows_its_footnote(terminal: bool) -> None:
    """Answer first, then number, title, date, source and quote."""
    text = " ".join(printed(answer(), terminal=terminal).split())
    assert text.startswith("In May. ")
    assert "Ferry, 2026-03-03 (a/ferry.txt)" in text
    assert text.endswith("> It opens in May.")


def test_an_abstention_is_one_sentence() -> None:
    """Without a footnote."""
    assert printed(answer("I do not know.", abstained=True), terminal=False) == "I do not know.\n"


def test_article_text_cannot_steer_the_terminal() -> None:
    """No escape sequence, no turned writing, no markup of rich."""
    evil = "a\x1b[2Jb\u202ec[bold red]d\x07"
    assert printable(evil) == "a[2Jbc[bold red]d"
    shown = printed(answer(evil, quote=evil), terminal=True)
    assert "\x1b[2J" not in shown
    assert "[bold red]d" in shown


@pytest.mark.parametrize("quote", ["“We act now,” he said, “or never.”", "“We act now.", "He said “no”."])
def test_quotation_marks_are_those_of_the_article(quote: str) -> None:
    """None is added, doubled or lost."""
    assert printed(answer("Yes.", quote=quote), terminal=False).endswith(f"    > {quote}\n")


def test_a_long_quote_is_cut_between_words() -> None:
    """Never through one."""
    shown = " ".join(printed(answer(quote="word " * 200), terminal=False).split())
    assert shown.endswith("word …")
    assert len(shown) < 600
