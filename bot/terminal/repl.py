"""The REPL: a person at a terminal, or lines from a pipe, and the lab behind them."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from bot.terminal.commands import Face, take
from bot.terminal.lab import Lab
from prompts import PromptError
from vectorstore.command_line import MENDABLE, explained
from vectorstore.datatypes import UserError

_HELLO = "Ask a question, and ask on. :help lists the commands, Ctrl-D leaves."


def repl(lab: Lab, history: Path) -> None:
    """Take questions and commands until the input ends; `history` is the file that keeps a person's.

    From a pipe, what fails is told on standard error and the rest goes on. Raises UserError at the end if
    anything failed.
    """
    console, errors = Console(), Console(stderr=True)
    if sys.stdin.isatty() and sys.stdout.isatty():
        from bot.terminal.person import Person  # noqa: PLC0415  (prompt-toolkit: only for a person)

        person = Person(lab, history)
        errors.print(_HELLO, style="dim", highlight=False)
        converse(person.lines(), lab, Face(console, errors, person.asks))
    elif failed := converse(joined(sys.stdin), lab, Face(console, errors)):
        raise UserError(f"{failed} line{'s' if failed != 1 else ''} failed")


def converse(lines: Iterable[tuple[int, str]], lab: Lab, face: Face) -> int:
    """Take numbered lines; gives how many of them failed."""
    failed = 0
    for number, line in lines:
        try:
            take(line, lab, face)
        except EOFError:
            break
        except KeyboardInterrupt:
            if face.asks is None:
                raise
            face.remark("stopped")
        except (PromptError, *MENDABLE) as error:
            failed += 1
            where = "" if face.asks else f"line {number}: "
            face.remark(f"{where}{explained(error)}", "red")
    return failed


def joined(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines without empty ones; one that ends in a backslash goes on in the next."""
    begun = ""
    for number, line in enumerate(lines, 1):
        begun += line.rstrip()
        if begun.endswith("\\"):
            begun = begun[:-1] + "\n"
            continue
        if begun.strip():
            yield number, begun.strip()
        begun = ""
    if begun.strip():
        yield number, begun.strip()
