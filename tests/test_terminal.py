"""What the terminal prints, and how answers are scored."""

import io
import json
from dataclasses import replace

import pytest
from fakes import answer
from rich.console import Console

from bot.answering.datatypes import Answer
from bot.terminal.repl import repl
from bot.terminal.show import as_json, printable, show, show_why
from vectorstore.datatypes import UserError


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
    ]
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
    assert "0.70 +4.2 +1.5 in May" in text
    assert "0.90 0.50 0.80 Ferry, 0-40" in text
    assert text.count("read as: When?") == 1


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


def test_the_repl_keeps_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until :forget; a question that cannot be answered is told and not remembered."""
    seen: list[int] = []

    def chain(question: str, history: object) -> Answer:
        seen.append(len(history))  # type: ignore[arg-type]
        if question == "bad":
            raise UserError("that is no question")
        return answer()

    monkeypatch.setattr("sys.stdin", io.StringIO("one\n\ntwo\nbad\nthree\n:forget\nfour\n:quit\nfive\n"))
    console = Console(file=io.StringIO())
    repl(chain, console)
    assert seen == [0, 1, 2, 2, 0]
    assert isinstance(console.file, io.StringIO)
    assert "that is no question" in console.file.getvalue()
