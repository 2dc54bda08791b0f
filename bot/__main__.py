"""`python -m bot …` and `footnote …`: builds settings, opens library and chain once, passes them on."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.answering.opening import open_generator
from bot.settings import BotSettings, ChatSettings
from bot.terminal import cases as case_commands
from bot.terminal import library as library_commands
from bot.terminal.evaluate import Score, history, read_cases, report, report_json
from bot.terminal.lab import Chosen, Lab
from bot.terminal.library import AsJson, LibraryName
from bot.terminal.repl import repl as run_repl
from bot.terminal.show import as_json, show, show_why
from prompts import PromptError
from prompts.settings import PromptsSettings
from vectorstore.command_line import run
from vectorstore.datatypes import UserError
from vectorstore.library import Shelf, open_library
from vectorstore.settings import VectorstoreSettings

ModelName = Annotated[str | None, typer.Option("--model", help="provider:model, or builtin; LLM by default.")]
PromptName = Annotated[
    str | None, typer.Option("--prompt", help="A file of prompts/, without .md; BOT_LLM_PROMPT by default.")
]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.add_typer(library_commands.app, name="library")
app.add_typer(case_commands.app, name="cases")


@app.callback(invoke_without_command=True)
def bot(context: typer.Context) -> None:
    """Answers from your own articles, with the sentence they were read in. Without a command: in Discord."""
    if context.invoked_subcommand is None:
        from bot.discord_main import run_discord  # noqa: PLC0415  (discord.py and SQLAlchemy: only for Discord)

        run_discord()


@app.command()
def doctor() -> None:
    """Check disk, model, library, token and server; say what to mend."""
    from bot.doctor import examine  # noqa: PLC0415

    bad = 0
    for finding in examine():
        print("ok   " if finding.good else "MEND ", finding.what)
        bad += not finding.good
    if bad:
        raise typer.Exit(1)


@app.command()
def invite() -> None:
    """Print the link with which a server's administrator adds the bot."""
    from bot.discord_main import invite_link  # noqa: PLC0415

    print(invite_link())


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question, in quotation marks.")] = None,
    library: LibraryName = None,
    model: ModelName = None,
    prompt: PromptName = None,
    json_: AsJson = False,
    why: Annotated[
        bool, typer.Option("--why", help="Also show what was read and why it was answered or not.")
    ] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Questions on standard input, one JSON object a line.")
    ] = False,
) -> None:
    """Answer a question, or with --jsonl one after another."""
    if (question is None) is not jsonl:
        raise typer.BadParameter(
            'give one question ("who attended?"), or --jsonl and questions on standard input'
        )
    chain = _chain(library, model, prompt)
    if question is not None:
        answer = chain.answer(question)
        print(as_json(answer)) if json_ else show(answer, Console(soft_wrap=False))
        if why:
            show_why(answer, Console(stderr=json_))
        return
    for line in sys.stdin:
        if line.strip():
            print(_answer_line(chain, line), flush=True)


@app.command()
def repl(library: LibraryName = None, model: ModelName = None, prompt: PromptName = None) -> None:
    """Ask one question after another, and work on prompts: :help lists the commands."""
    settings = VectorstoreSettings()
    lab = Lab(Shelf(settings), BuiltIn(), Chosen(library=library, model=model, prompt=prompt))
    run_repl(lab, settings.data / "repl_history")


@app.command("eval")
def evaluate(
    file: Path,
    library: LibraryName = None,
    json_: AsJson = False,
    min_correct: Annotated[
        float, typer.Option(min=0, max=1, help="Exit code 1 when the share of correct answers is lower.")
    ] = 0,
) -> None:
    """Score the answers to a question file (JSON lines: id, kind, question, gold_answers, gold_items, …)."""
    cases = read_cases(file)
    chain = _chain(library)
    score = Score(tuple((case, chain.answer(case.question, case.history)) for case in cases))
    report_json(score) if json_ else report(score)
    if score.share() < min_correct:
        raise UserError(f"{score.share():.3f} correct, and --min-correct asks for {min_correct:g}")


def _chain(library: str | None, model: str | None = None, prompt: str | None = None) -> Chain:
    settings, chat = BotSettings(), ChatSettings()
    if prompt is not None:
        chat.prompt = prompt
    if model is not None:
        chat.model = None if model == "builtin" else model
    opened = open_library(VectorstoreSettings(), library or settings.library, must_exist=True)
    built_in = BuiltIn()
    try:
        prompts = PromptsSettings().prompts()
        return Chain(
            opened,
            prompts,
            built_in,
            open_generator(chat, prompts, built_in),
            threshold=settings.threshold_of(opened.store.library),
            k=settings.passages,
        )
    except PromptError as error:  # written for prompt authors, who see the terminal
        raise UserError(str(error)) from error


def _answer_line(chain: Chain, line: str) -> str:
    """A line of JSON for a line of JSON; a bad one gets an error of its own and the rest goes on."""
    try:
        fields = json.loads(line)
    except ValueError:
        return json.dumps({"id": None, "error": "the line is not JSON"})
    id_ = fields.get("id") if isinstance(fields, dict) else None
    try:
        return as_json(chain.answer(str(fields["question"]), history(fields.get("history"))), id_)
    except (AttributeError, KeyError, IndexError):
        return json.dumps({"id": id_, "error": 'a line is an object with "id" and "question"'})
    except (UserError, TypeError) as error:
        return json.dumps({"id": id_, "error": str(error)}, ensure_ascii=False)


def main() -> None:
    """Entry point of the console script."""
    run(_run)


def _run() -> None:
    try:
        app()
    except PromptError as error:  # written for prompt authors, who see the terminal
        raise UserError(str(error)) from error


if __name__ == "__main__":
    main()
