"""What can be typed into the REPL: a question, or a command of the table below."""

import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from bot.answering.chain import OnText
from bot.answering.chat_model import tokens
from bot.answering.datatypes import Answer
from bot.terminal import cases
from bot.terminal.cases import Gold
from bot.terminal.compare import BUILT_IN, side_by_side
from bot.terminal.lab import Lab
from bot.terminal.show import plain, printable, show, show_why
from prompts import PromptError
from vectorstore.datatypes import UserError

_CASES = "questions.jsonl"
_SAVE = ":save FILE right, :save FILE none, or :save FILE = the right answer"


@dataclass(frozen=True, slots=True)
class Face:
    """Where results go, where remarks go, and who can be asked back; nobody in a pipe."""

    console: Console
    errors: Console
    asks: Callable[[str], str] | None = None

    def say(self, text: str | Text, style: str = "") -> None:
        """Print a part of a result."""
        plain(text, self.console, style)

    def remark(self, text: str, style: str = "dim") -> None:
        """Print what is no result."""
        plain(printable(text), self.errors, style)

    @contextmanager
    def growing(self, model: str) -> Iterator[OnText | None]:
        """What shows an answer while a chat model writes it, on a terminal that can take it back."""
        if model == BUILT_IN or not self.console.is_interactive:
            yield None
            return
        waiting = Spinner("dots", Text(model, "dim"))
        with Live(waiting, console=self.console, transient=True) as live, _logs_above():
            yield lambda text: live.update(Text(printable(text)), refresh=True)


@contextmanager
def _logs_above() -> Iterator[None]:
    """Log lines go where Live has put standard error: above what it draws, not into it."""
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler)]
    before = [handler.setStream(sys.stderr) for handler in handlers]
    try:
        yield
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            if stream is not None:
                handler.setStream(stream)


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it takes, what it does, and what its arguments may be completed to."""

    name: str
    takes: str
    does: str
    run: Callable[[Lab, Face, str], None]
    choices: Callable[[Lab, str], Iterable[str]] = lambda _lab, _word: ()


def take(line: str, lab: Lab, face: Face) -> None:
    """Answer a question or run a command. Raises EOFError to leave, UserError or PromptError if it fails."""
    if not line.startswith(":") and line != "?":
        ask(line, lab, face)
        return
    word, _, argument = line.removeprefix(":").partition(" ")
    command = COMMANDS.get(_SHORT.get(word, word))
    if command is None:
        near = get_close_matches(word, COMMANDS, n=1)
        hint = f"did you mean :{near[0]}?" if near else ":help lists them"
        raise UserError(f"there is no command :{word}: {hint}")
    command.run(lab, face, argument.strip())


def ask(question: str, lab: Lab, face: Face) -> None:
    """Print the answer, which grows on a terminal."""
    if (changed := lab.changed_prompt()) is not None:
        face.remark(f"prompt {changed.name} has changed: version {changed.version or '-'}, {changed.hash}")
    with face.growing(lab.model) as on_text:
        answer = lab.ask(question, on_text)
    show(answer, face.console)
    face.console.print()


# ---- commands


def _why(lab: Lab, face: Face, _: str) -> None:
    show_why(lab.last.answer, face.console)


def _passages(lab: Lab, face: Face, _: str) -> None:
    for number, passage in enumerate(lab.last.asked.passages, 1):
        article, chunk = passage.article, passage.chunk
        where = [article.title, chunk.section, article.date, article.source, f"{chunk.start}-{chunk.end}"]
        face.say(Text.assemble((f"[{number}] ", "cyan"), printable(" · ".join(filter(None, where)))), "bold")
        face.say(
            f"score {passage.score:.2f} (meaning {passage.dense:.2f}, words {passage.lexical:.2f})", "dim"
        )
        face.say(printable(chunk.text.strip()) + "\n")


def _prompt(lab: Lab, face: Face, _: str) -> None:
    messages, sent = lab.rendered()
    for role, text in messages:
        face.say(f"── {role}", "bold cyan")
        face.say(printable(text) + "\n")
    told = f"about {tokens(messages)} tokens"
    generated = lab.last.answer.trace.generated
    if sent and generated is not None:
        told += f" ({generated.model} counts {generated.tokens_in})" if generated.tokens_in else ""
        face.say(f"{told}, as sent", "dim")
    else:
        face.say(f"{told}, as it would be sent now; the last answer was made otherwise", "dim")


def _use(lab: Lab, face: Face, name: str) -> None:
    if name:
        prompt = lab.use(name)
        face.remark(f"prompt {name}: version {prompt.version or '-'}, {prompt.hash}")
        if lab.model == BUILT_IN:
            face.remark("it counts as soon as a chat model answers: :model provider:model")
        return
    table = Table("", "prompt", "version", "description", box=None, pad_edge=False, header_style="dim")
    for each in lab.prompts.names():
        mark = Text("*" if each == lab.prompt else " ", "cyan")
        try:
            prompt = lab.prompts.load(each)
            table.add_row(mark, Text(each), Text(prompt.version), Text(printable(prompt.description)))
        except PromptError as error:
            table.add_row(mark, Text(each), "", Text(printable(str(error)), "red"))
    face.console.print(table)


def _model(lab: Lab, face: Face, name: str) -> None:
    if not name:
        face.say(f"model {lab.model}" + ("" if lab.model == BUILT_IN else f", prompt {lab.prompt}"))
        return
    lab.choose_model(name)
    face.remark(f"model {lab.model}")


def _library(lab: Lab, face: Face, name: str) -> None:
    if not name:
        for each in lab.libraries():
            face.say(f"{'*' if each == lab.library else ' '} {each}")
        return
    lab.choose_library(name)
    face.remark(f"library {name}; a new conversation")


def _k(lab: Lab, face: Face, number: str) -> None:
    if number:
        lab.choose_k(number)
        face.remark(f"{lab.k} passages from the next question on")
    else:
        face.say(f"k {lab.k}")


def _reload(lab: Lab, face: Face, _: str) -> None:
    for line in lab.reload() or ["nothing has changed"]:
        face.remark(line)


def _edit(lab: Lab, face: Face, name: str) -> None:
    name = name or lab.prompt
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        path = lab.prompts.own(name)
        raise UserError(f"set EDITOR to your editor, for example EDITOR=nano; the file is {path}")
    before = lab.prompt
    path = lab.file_of(name)
    if lab.prompt != before:
        face.remark(f"{path} is a copy of {before}, and in use")
    try:
        ended = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode  # noqa: S603
    except (OSError, ValueError) as error:  # there is none of this name, or a quotation mark is left open
        raise UserError(f"EDITOR={editor} cannot be run: set EDITOR to your editor") from error
    if ended:
        raise UserError(f"EDITOR={editor} ended with {ended}")
    prompt = lab.check(name)
    face.remark(f"prompt {name} is sound: version {prompt.version or '-'}, {prompt.hash}")


def _history(lab: Lab, face: Face, _: str) -> None:
    for question, answer in lab.history:
        face.say(f"> {printable(question)}", "bold")
        face.say(printable(answer))
    if not lab.history:
        face.remark("no conversation: the next question stands alone")


def _forget(lab: Lab, face: Face, _: str) -> None:
    lab.forget()
    face.remark("a new conversation")


def _save(lab: Lab, face: Face, argument: str) -> None:
    last = lab.last
    file, _, verdict = argument.partition(" ")
    if file in {"right", "none"} or file.startswith("="):  # without a file
        file, verdict = "", argument
    gold = _gold(verdict.strip() or _verdict(face, last.answer), lab)
    case = cases.as_case(last.asked.text, last.answer, last.history, gold)
    face.remark(cases.told(case, Path(file or _CASES)))


def _gold(verdict: str, lab: Lab) -> Gold:
    if verdict == "right":
        return Gold.of(lab.last.answer)
    if verdict == "none":
        return Gold()
    if verdict.startswith("="):
        return Gold.told(verdict[1:])
    raise UserError(f"say what is right: {_SAVE}")


def _verdict(face: Face, answer: Answer) -> str:
    """What somebody says of the last answer, in the words of the command."""
    if face.asks is None:
        return ""
    said = face.asks("was it right? y = yes, n = no, 0 = the articles do not say it: ").strip().lower()
    match said[:1]:
        case "0":
            return "none"
        case "y" if answer.abstained:
            return "none"
        case "y":
            held = face.asks("what must a right answer hold? a; b; … or Enter for all of it: ").strip()
            return f"= {held}" if held else "right"
        case "n":
            return f"= {face.asks('the right answer, or items with ; between them: ')}"
    return ""


def _compare(lab: Lab, face: Face, names: str) -> None:
    side_by_side(lab.compare(names.split()), face.console)
    face.console.print()


def _help(lab: Lab, face: Face, _: str) -> None:
    table = Table.grid(padding=(0, 2))
    for command in COMMANDS.values():
        table.add_row(Text(f":{command.name} {command.takes}", "cyan"), Text(command.does))
    face.console.print(table)
    face.say("Anything else is a question. Alt-Enter, or a backslash at the end, adds a line.", "dim")


def _quit(lab: Lab, face: Face, _: str) -> None:
    raise EOFError


# ---- what an argument may be


def _prompt_names(lab: Lab, _: str) -> list[str]:
    return lab.prompts.names()


def _model_names(lab: Lab, _: str) -> list[str]:
    return list(lab.models)


def _files(_: Lab, word: str) -> Iterator[str]:
    """Folders and question files that a path may go on to."""
    folder = Path(word).parent if not word.endswith("/") else Path(word)
    for path in sorted(folder.glob("*")):
        if path.is_dir() and not path.name.startswith("."):
            yield f"{path}/"
        elif path.suffix == ".jsonl":
            yield str(path)


COMMANDS = {
    command.name: command
    for command in (
        Command("why", "", "what was read for the last answer, what decided", _why),
        Command("passages", "", "the passages in full, as a model sees them", _passages),
        Command("prompt", "", "the prompt exactly as sent", _prompt),
        Command(
            "use", "[PROMPT]", "answer with this prompt, or list them", _use, lambda lab, _: lab.answering()
        ),
        Command("model", "[MODEL]", "provider:model or builtin, or say which answers", _model, _model_names),
        Command(
            "library",
            "[NAME]",
            "ask this library, or list them",
            _library,
            lambda lab, _: lab.libraries(),
        ),
        Command("k", "[N]", "retrieve so many passages", _k),
        Command(
            "compare",
            "A B …",
            "prompts or models, on the same passages",
            _compare,
            lambda lab, _: [*lab.answering(), *lab.models],
        ),
        Command("edit", "[PROMPT]", "open in $EDITOR; a new name makes a copy", _edit, _prompt_names),
        Command("reload", "", "read settings and prompts anew; what changed?", _reload),
        Command("history", "", "the turns that a follow-up sees", _history),
        Command("forget", "", "begin a new conversation", _forget),
        Command(
            "save", "[FILE] [VERDICT]", "keep the question as a case: right, none, = TEXT", _save, _files
        ),
        Command("help", "", "this list", _help),
        Command("quit", "", "leave, as Ctrl-D does", _quit),
    )
}
_SHORT = {"q": "quit", "exit": "quit", "h": "help", "?": "help"}
