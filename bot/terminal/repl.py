"""The REPL: ask, read, ask on. The conversation is the history of the next question."""

import sys
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console

from bot.answering.datatypes import Answer, Turn
from bot.terminal.show import show, show_why
from vectorstore.datatypes import UserError

_HELP = (
    "Ask a question. :why shows how the last one was answered, :forget starts a new conversation, "
    ":quit (or Ctrl-D) leaves."
)
_REMEMBERED = 5  # turns


def repl(answer: Callable[[str, Sequence[Turn]], Answer], console: Console) -> None:
    """Answer line by line until the input ends."""
    history: list[Turn] = []
    found: Answer | None = None
    if sys.stdin.isatty():
        console.print(_HELP, style="dim")
    for line in filter(None, map(str.strip, _lines())):
        match line:
            case ":quit" | ":q" | ":exit":
                return
            case ":help" | ":h" | "?":
                console.print(_HELP)
            case ":why":
                _why(found, console)
            case ":forget":
                history.clear()
            case command if command.startswith(":"):
                console.print(f"there is no command {command.split()[0]}. {_HELP}", markup=False)
            case question:
                try:
                    found = answer(question, history)
                except UserError as error:
                    console.print(str(error), style="red", markup=False)
                    continue
                show(found, console)
                console.print()
                history.append((question, found.text))
                del history[:-_REMEMBERED]


def _why(found: Answer | None, console: Console) -> None:
    if found is None:
        console.print("there is no answer yet: ask a question first")
    else:
        show_why(found, console)


def _lines() -> Iterator[str]:
    """Lines from a person, with editing and history, or from a pipe."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield from sys.stdin
        return
    from prompt_toolkit import PromptSession  # noqa: PLC0415  (half a second: only for a person)

    session: PromptSession[str] = PromptSession()
    while True:
        try:
            yield session.prompt("> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
