"""Cases for question files: answers from the REPL, and those that members of a server found wrong."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.answering.datatypes import Answer, Turn
from bot.answering.polar import is_polar
from bot.answering.question import refers_back, understand
from bot.settings import DiscordSettings
from bot.terminal.evaluate import Case, fold, is_correct, read_cases
from bot.terminal.library import AsJson
from bot.terminal.show import printable
from vectorstore.datatypes import UserError
from vectorstore.settings import VectorstoreSettings

if TYPE_CHECKING:  # SQLAlchemy: only for these commands
    from bot.database import Database, Disliked

_MARK = re.compile(r"\s*\[\d+\][\s;]*")
_SLUG_WORDS = 5
_SHOWN = 20  # answers, without --all

app = typer.Typer(no_args_is_help=True, help="Answers from Discord that members found wrong, as test cases.")


@dataclass(frozen=True, slots=True)
class Gold:
    """What a right answer holds: any of the answers, or all of the items; nothing if there is none."""

    answers: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    @classmethod
    def told(cls, text: str) -> "Gold":
        """As somebody writes it: an answer, or items with semicolons between them."""
        items = tuple(filter(None, map(str.strip, text.split(";"))))
        if not items:
            raise UserError("the right answer is empty: write it, or none if the articles do not say it")
        return cls(answers=items) if len(items) == 1 else cls(items=items)

    @classmethod
    def of(cls, answer: Answer) -> "Gold":
        """All of an answer that is right."""
        return cls() if answer.abstained else cls.told("; ".join(_MARK.split(answer.text)))


def as_case(question: str, answer: Answer, history: Sequence[Turn], gold: Gold) -> dict[str, object]:
    """A line of a question file. The conversation is kept only where the question refers back to it.

    The evidence is what the answer quotes: all of it if the answer is right, else what holds a gold answer.
    """
    turns = tuple(history) if refers_back(question) else ()
    text = " ".join(question.split())
    words = "-".join(re.findall(r"[^\W_]+", fold(text))[:_SLUG_WORDS])
    digest = hashlib.sha256(json.dumps([fold(text), turns]).encode()).hexdigest()[:6]
    case = Case(
        id=f"{words}-{digest}",
        question=text,
        gold_answers=gold.answers,
        gold_items=gold.items,
        answerable=bool(gold.answers or gold.items),
        history=turns,
    )
    golds = [fold(each) for each in (*gold.answers, *gold.items)]
    right, quotes = is_correct(case, answer), [citation.quote for citation in answer.citations]
    fields = {
        "id": case.id,
        "kind": _kind(case),
        "question": text,
        "gold_answers": gold.answers,
        "gold_items": gold.items,
        "evidence": [quote for quote in quotes if right or any(each in fold(quote) for each in golds)],
        "answerable": case.answerable,
    }
    return fields | ({"history": turns, "standalone": answer.trace.read_as} if turns else {})


def write(case: dict[str, object], file: Path) -> int:
    """Append a case to a question file; gives how many it has now.

    Raises UserError when the file cannot be used, or has the same question after the same turns.
    """
    cases = read_cases(file) if file.exists() and file.stat().st_size else []
    known = {each.id: each for each in cases}
    same = known.get(str(case["id"])) or next((each for each in cases if _same(each, case)), None)
    if same is not None:
        raise UserError(f"{file} has this question already, as {same.id}: change its line there")
    line = json.dumps(case, ensure_ascii=False) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab+") as stream:
            if stream.tell() and file.read_bytes()[-1:] != b"\n":
                line = "\n" + line
            stream.write(line.encode())  # in one piece, at the end, whoever else writes
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise UserError(f"{file} cannot be written ({(error.strerror or '').lower()})") from error
    return len(cases) + 1


@app.command("list")
def list_(
    json_: AsJson = False,
    all_: Annotated[bool, typer.Option("--all", help=f"Not only the newest {_SHOWN}.")] = False,
) -> None:
    """Answers with a 👎, the newest first."""
    rows = _database().disliked(None if all_ else _SHOWN)
    if json_:
        print(json.dumps([_fields(row) for row in rows], ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=False)
    if not rows:
        console.print("no answer has a 👎")
    for row in rows:
        fields = _fields(row)
        by = " ".join(str(fields[key]) for key in ("answerer", "prompt", "prompt_hash") if fields[key])
        when = f"{row.asked_at:%Y-%m-%d %H:%M}"
        console.print(f"[bold]{row.number}[/]", f"{when}, {row.answer.library}, {by}", style="dim")
        console.print(printable(row.answer.question), style="bold", markup=False)
        console.print(printable(row.answer.text), markup=False)
        for comment in row.comments:
            console.print(f"👎 {printable(comment)}", style="red", markup=False)
        console.print()


@app.command()
def add(
    number: Annotated[int, typer.Argument(help="Of the answer, as cases list shows it.")],
    file: Annotated[Path, typer.Argument(help="The question file; it is made if it is not there.")],
    right: Annotated[bool, typer.Option("--right", help="The answer was right.")] = False,
    none: Annotated[bool, typer.Option("--none", help="The articles do not say it.")] = False,
    gold: Annotated[
        list[str] | None, typer.Option("--gold", help="A right answer; several if any will do.")
    ] = None,
    item: Annotated[
        list[str] | None, typer.Option("--item", help="What a right answer must hold; all of several.")
    ] = None,
) -> None:
    """Make an answer a case of a question file, with what would have been right."""
    if [right, none, bool(gold or item)].count(True) != 1:
        raise typer.BadParameter("say what is right: --gold TEXT or --item TEXT, or --none, or --right")
    row = next((each for each in _database().disliked(None) if each.number == number), None)
    if row is None:
        raise UserError(f"no answer {number} has a 👎: see python -m bot cases list --all")
    found = Gold.of(row.answer) if right else Gold(tuple(gold or ()), tuple(item or ()))
    # the turns before it are not kept: a follow-up becomes the question as it was understood
    question = row.answer.question
    asked = (row.answer.trace.read_as or question) if refers_back(question) else question
    print(told(as_case(asked, row.answer, (), found), file))


def told(case: dict[str, object], file: Path) -> str:
    """Write a case, and say so."""
    cases = write(case, file)
    return f"saved as {case['id']} in {file} ({cases} case{'s' if cases != 1 else ''})"


def _database() -> "Database":
    from bot.database import Database  # noqa: PLC0415

    url, file = DiscordSettings().database_url, VectorstoreSettings().data / "footnote.db"
    if url is None and not file.exists():
        raise UserError(f"nothing was answered in Discord yet: there is no {file}")
    return Database(url.get_secret_value() if url else f"sqlite:///{file}")


def _fields(row: "Disliked") -> dict[str, object]:
    answer, generated = row.answer, row.answer.trace.generated
    return {
        "number": row.number,
        "asked_at": row.asked_at.isoformat(),
        "question": answer.question,
        "text": answer.text,
        "abstained": answer.abstained,
        "comments": list(row.comments),
        "answerer": answer.answerer,
        "prompt": generated.prompt if generated else "",
        "prompt_hash": generated.prompt_hash if generated else "",
        "library": answer.library,
    }


def _kind(case: Case) -> str:
    question = understand(case.question)
    if not case.answerable:
        return "unanswerable"
    if case.history:
        return "follow-up"
    if is_polar(case.question):
        return "yes-no"
    return "list" if question.wants_list else question.kind.value


def _same(case: Case, other: dict[str, object]) -> bool:
    return (fold(case.question), case.history) == (fold(str(other["question"])), other.get("history", ()))
