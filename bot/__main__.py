"""`python -m bot …` and `footnote …`: builds settings, opens library and chain once, passes them on."""

import json
import logging
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
from bot.terminal.compare import opener
from bot.terminal.comparing import Comparison, comparison_as_json, report_comparison, row
from bot.terminal.evaluate import Case, Result, each_case, history, judged, read_cases
from bot.terminal.lab import Chosen, Lab
from bot.terminal.library import AsJson, LibraryName
from bot.terminal.repl import repl as run_repl
from bot.terminal.risk import bolder, curve
from bot.terminal.runs import changes, changes_as_json, find, keep, report_changes, setting
from bot.terminal.scores import Score, report, report_json, report_sums
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
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Also write a report: one HTML file.")]

log = logging.getLogger("bot")  # by this name when it is run with -m, too

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
    failed = 0
    for line in sys.stdin:
        if line.strip():
            told, right = _answer_line(chain, line)
            print(told, flush=True)
            failed += not right
    if failed:
        raise UserError(f"{failed} line{'s' if failed != 1 else ''} failed")


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
    model: ModelName = None,
    prompt: PromptName = None,
    json_: AsJson = False,
    html: HtmlFile = None,
    min_correct: Annotated[
        float, typer.Option(min=0, max=1, help="Exit code 1 when the share of correct answers is lower.")
    ] = 0,
    against: Annotated[
        str | None,
        typer.Option(help="An earlier run: its file, the beginning of its id, or last for the newest."),
    ] = None,
) -> None:
    """Score the answers to a question file (JSON lines: id, kind, question, gold_answers, gold_items, …)."""
    cases = read_cases(file)
    folder = VectorstoreSettings().data / "runs"
    before = None if against is None else find(folder, against, file)
    chain = _chain(library, model, prompt)
    made_with = setting(chain, file)

    def ask_case(case: Case) -> tuple[Result, Result]:
        result = judged(case, chain.answer(case.question, case.history))
        return result, result if html is None else bolder(chain, result)

    pairs = each_case(cases, ask_case)
    now = keep(folder, made_with, tuple(result for result, _ in pairs))
    found = None if before is None else changes(before, now)
    score = Score(now.results)
    if json_:
        report_json(score, {"run": now.id, "against": changes_as_json(found) if found else None})
    elif found:
        report_changes(found)
        report_sums(score)
    else:
        report(score)
    if html is not None:
        from bot.terminal.reports import write_evaluation  # noqa: PLC0415  (lxml: only for a page)

        write_evaluation(html, now, curve(each for _, each in pairs), found)
    _refuse_part(len(pairs), len(cases))
    if score.share() < min_correct:
        raise UserError(f"{score.share():.3f} correct, and --min-correct asks for {min_correct:g}")


@app.command()
def compare(
    questions: Annotated[str, typer.Argument(metavar='FILE.jsonl|"QUESTION"')],
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME NAME…", help="builtin, a prompt, provider:model, or provider:model@prompt."
        ),
    ],
    library: LibraryName = None,
    json_: AsJson = False,
    html: HtmlFile = None,
) -> None:
    """Let prompts or models answer from the same passages, and show where they differ."""
    if len(set(names)) < max(2, len(names)):
        raise typer.BadParameter("name two or more, each once: builtin, a prompt, provider:model@prompt")
    is_file = questions.endswith(".jsonl")
    cases = read_cases(Path(questions)) if is_file else [Case(id="", question=questions)]
    chain = _chain(library)
    open_ = opener(ChatSettings(), chain)
    opened = {name: open_(name) for name in names}
    rows = each_case(cases, lambda case: row(names, chain, case, opened.__getitem__))
    title = Path(questions).name if is_file else questions
    comparison = Comparison(title, tuple(names), tuple(rows), scored=is_file)
    if json_:
        print(comparison_as_json(comparison))
    else:
        report_comparison(comparison, Console())
    if html is not None:
        from bot.terminal.reports import write_comparison  # noqa: PLC0415

        write_comparison(html, comparison)
    _refuse_part(len(rows), len(cases))


def _refuse_part(done: int, questions: int) -> None:
    if done < questions:
        raise UserError(f"stopped after {done} of {questions} questions")


def _chain(library: str | None, model: str | None = None, prompt: str | None = None) -> Chain:
    settings, chat = BotSettings(), ChatSettings()
    if prompt is not None:
        chat.prompt = prompt
    if model is not None:
        chat.model = None if model == "builtin" else model
    if prompt is not None and chat.model is None:
        raise UserError(f"prompt {prompt!r} is for a chat model: set LLM, or --model provider:model")
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


def _answer_line(chain: Chain, line: str) -> tuple[str, bool]:
    """A line of JSON for a line of JSON, and whether it is an answer; the rest goes on after an error."""
    try:
        fields = json.loads(line)
    except ValueError:
        return json.dumps({"id": None, "error": "the line is not JSON"}), False
    if not isinstance(fields, dict) or not isinstance(fields.get("question"), str):
        id_ = fields.get("id") if isinstance(fields, dict) else None
        return json.dumps({"id": id_, "error": 'a line is an object with "id" and "question"'}), False
    try:
        answer = chain.answer(fields["question"], history(fields.get("history")))
    except (UserError, TypeError) as error:
        return json.dumps({"id": fields.get("id"), "error": str(error)}, ensure_ascii=False), False
    return as_json(answer, fields.get("id")), True


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
