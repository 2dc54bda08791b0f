"""The REPL: the real command loop, from a pipe and at a terminal, over a real library and a scripted model."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import ScriptedModel, reading, store_all, write
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.answering.chat_model import Messages, Patience, Usage
from bot.answering.generating import Generator
from bot.answering.support import CitationCheck
from bot.settings import ChatSettings
from bot.terminal.commands import COMMANDS, Face
from bot.terminal.compare import opener
from bot.terminal.evaluate import read_cases
from bot.terminal.lab import Chosen, Lab
from bot.terminal.person import Completions, Person
from bot.terminal.repl import converse, joined
from prompts import Prompts
from vectorstore.datatypes import UserError
from vectorstore.library import Shelf
from vectorstore.settings import VectorstoreSettings

ROOT = Path(__file__).parent.parent
FERRY = "The new ferry opens in May. It was built by Anna Berg in Hamburg. Tickets cost five euros."
FAITHFUL = "The new ferry opens in May. [1]"


def says(prompt: str) -> str:
    """A model that makes something up when it is told to be bold."""
    if "by whom" in prompt:
        return f"{FAITHFUL} It was built by Anna Berg in Hamburg. [1]"
    return f"{FAITHFUL} The captain is Zoe Quill. [1]" if "Be bold." in prompt else FAITHFUL


class Interrupted(ScriptedModel):
    """Somebody types Ctrl-C while it answers."""

    def stream(
        self, messages: Messages, on_text: Callable[[str], None], _patience: Patience | None = None
    ) -> Usage:
        """Never comes to an end."""
        on_text(FAITHFUL)
        raise KeyboardInterrupt


def fake_opener(settings: ChatSettings, chain: Chain) -> Callable[[str], Generator | None]:
    """As the real one, with scripted models where the provider is `fake`."""
    real = opener(settings, chain)

    def open_(name: str) -> Generator | None:
        model, _, prompt = name.rpartition("@")
        if not model.startswith("fake:"):
            return real(name)
        if model == "fake:none":
            raise UserError("LLM=fake:none needs a package: run pip install fake")
        scripted = (
            Interrupted(model, reading(says)) if model == "fake:slow" else ScriptedModel(model, reading(says))
        )
        check = CitationCheck(lambda: chain.built_in.reader)
        return Generator(scripted, chain.prompts, check, prompt=prompt)  # type: ignore[arg-type]

    return open_


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the lab works: a folder without .env, with prompts of its own, and no editor."""
    for name in list(os.environ):
        if name.startswith(("BOT_", "PROMPTS_")) or name in {"LLM", "VISUAL", "EDITOR"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMPTS_FOLDER", "mine")
    (tmp_path / "mine").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Shelf:
    """Two libraries, which no test changes."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "models").symlink_to(models, target_is_directory=True)
    made = Shelf(VectorstoreSettings(data=folder))
    store_all(made.open("default"), write(folder / "articles", ferry=FERRY))
    store_all(made.open("rules"), write(folder / "rules", rules="Dogs must be on a lead."))
    return made


@pytest.fixture
def lab(folder: Path, shelf: Shelf, answerer: BuiltIn) -> Lab:
    """A lab without a chat model."""
    return Lab(shelf, answerer, Chosen(), fake_opener)


def typed(lab: Lab, *lines: str, width: int = 100) -> tuple[str, str]:
    """What lines from a pipe print: results, and remarks with what failed."""
    console, errors = (Console(file=io.StringIO(), width=width) for _ in range(2))
    converse(joined(f"{line}\n" for line in lines), lab, Face(console, errors))
    return console.file.getvalue(), errors.file.getvalue()  # type: ignore[attr-defined]


def editor(folder: Path, old: str, new: str) -> str:
    """A command that edits as a person would."""
    script = folder / "editor.py"
    script.write_text(
        f"import pathlib, sys\np = pathlib.Path(sys.argv[1])\np.write_text(p.read_text().replace({old!r}, {new!r}))\n"
    )
    return f"{sys.executable} {script}"


def test_a_question_is_answered_and_why_is_told(lab: Lab) -> None:
    """With the passages in full, numbered as a model sees them."""
    told, failed = typed(lab, "When does the new ferry open?", ":why", ":passages")
    assert told.startswith(("in May\n", "May\n"))
    assert "answered: probability" in told
    assert re.search(rf"^\[1\] ferry · \S+ferry.txt · 0-{len(FERRY)}$", told, re.MULTILINE)
    assert f"\n{FERRY}\n" in told
    assert failed == ""


def test_a_chat_model_answers_and_its_prompt_is_shown_as_sent(lab: Lab) -> None:
    """Role by role, whole lines, with our count and the provider's."""
    told, failed = typed(lab, ":model fake:one", "When does the new ferry open?", ":prompt", ":why")
    assert told.startswith("The new ferry opens in May. [1]\n")
    sent = "\n\n".join(text for _, text in lab.rendered()[0])
    for line in sent.splitlines():
        assert f"{line}\n" in told
    assert "── system" in told
    counted = lab.last.answer.trace.generated
    assert counted is not None
    assert f"about {counted.tokens_in} tokens (fake:one counts {counted.tokens_in}), as sent" in told
    assert f"fake:one with answer ({counted.prompt_hash})" in told
    assert failed == "model fake:one\n"


def test_what_fails_is_told_by_its_line_and_the_rest_goes_on(lab: Lab) -> None:
    """And the nearest command is suggested."""
    told, failed = typed(lab, ":why", ":pasages", ":xyzzy", ":k 51", "x" * 2001, ":k 3", ":k")
    assert failed.splitlines() == [
        "line 1: there is no answer yet: ask a question first",
        "line 2: there is no command :pasages: did you mean :passages?",
        "line 3: there is no command :xyzzy: :help lists them",
        "line 4: :k takes a number from 1 to 50",
        "line 5: the question has 2001 characters: ask in at most 2000",
        "3 passages from the next question on",
    ]
    assert told == "k 3\n"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_has_every_command_on_one_line(lab: Lab, command: str) -> None:
    """In 80 columns."""
    told, _ = typed(lab, ":help", width=80)
    lines = [line.rstrip() for line in told.splitlines() if line.startswith(f":{command} ")]
    assert len(lines) == 1
    assert lines[0].endswith(COMMANDS[command].does)


def test_a_model_that_cannot_be_set_up_leaves_the_old_one(lab: Lab) -> None:
    """And says why; so does a name that is none."""
    told, failed = typed(lab, ":model fake:one", ":model fake:none", ":model gpt", ":model")
    assert "needs a package: run pip install fake" in failed
    assert "gpt is no model: write provider:model" in failed
    assert told == "model fake:one, prompt answer\n"
    assert typed(lab, ":model builtin", ":model") == ("model builtin\n", "model builtin\n")


def test_a_new_prompt_is_copied_edited_and_used(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is how variants are made; what a model wrongly adds is dropped and told by :why."""
    monkeypatch.setenv("EDITOR", editor(folder, "Question: {question}", "Question: {question}\n\nBe bold."))
    told, failed = typed(lab, ":model fake:one", ":edit bold", "When does the ferry open?", ":why", ":use")
    assert "mine/bold.md is a copy of answer, and in use" in failed
    assert "prompt bold is sound: version 1" in failed
    assert (lab.prompt, Prompts(folder / "mine").load("bold").user[-8:]) == ("bold", "Be bold.")
    assert told.startswith("The new ferry opens in May. [1]\n")
    assert "dropped: The captain is Zoe Quill." in told
    assert "*  bold " in told


def test_a_shipped_prompt_is_edited_in_a_folder_of_ones_own(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that comes with the program stays as it is."""
    before = Prompts().load("answer").hash
    monkeypatch.setenv("EDITOR", editor(folder, "Question: {question}", "Asked: {question}"))
    typed(lab, ":edit")
    assert Prompts(folder / "mine").load("answer").user.endswith("Asked: {question}")
    assert Prompts().load("answer").hash == before
    assert lab.prompts.load("answer").hash != before


@pytest.mark.parametrize(
    ("command", "told"),
    [("", "set EDITOR to your editor"), ("no-such-editor", "cannot be run"), ("false", "ended with 1")],
    ids=["none", "missing", "failed"],
)
def test_without_an_editor_it_says_what_to_set(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, command: str, told: str
) -> None:
    """And where the file is."""
    monkeypatch.setenv("EDITOR", command)
    assert told in typed(lab, ":edit")[1]
    assert "cannot be a prompt's name" in typed(lab, ":edit ../x")[1]


def test_a_prompt_that_changes_is_told_and_a_broken_one_is_refused(lab: Lab, folder: Path) -> None:
    """With all its faults; the last good one is not used in its place."""
    question = "When does the ferry open?"
    file = lab.file_of("answer")
    typed(lab, ":model fake:one", question)
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("version: 1", "version: 2"), encoding="utf-8")
    told, failed = typed(lab, question, question)
    assert failed == f"prompt answer has changed: version 2, {lab.prompts.load('answer').hash}\n"
    file.write_text(good.replace("version:", "verzion:").replace("{question}", "{asked}"), encoding="utf-8")
    told, failed = typed(lab, question)
    assert told == ""
    assert "front matter has verzion" in failed
    assert "missing question; unknown asked" in failed


def test_reload_says_what_changed_and_what_was_chosen_stays(lab: Lab, folder: Path) -> None:
    """Settings with their values, keys without, prompt files; a wrong setting changes nothing."""
    typed(lab, ":k 4")
    (folder / ".env").write_text("BOT_PASSAGES=5\nLLM=fake:two\nOPENAI_API_KEY=secret\n", encoding="utf-8")
    (folder / "mine" / "own.md").write_text("---\nvariables:\n---\nHello", encoding="utf-8")
    _, failed = typed(lab, ":reload", ":reload")
    told = failed.splitlines()
    assert told[:3] == ["BOT_PASSAGES: 8 → 5", "LLM: None → fake:two", "OPENAI_API_KEY changed"]
    assert told[3].startswith("prompt own: not there → ")
    assert told[4:] == ["nothing has changed"]
    assert (lab.k, lab.model) == (4, "fake:two")
    (folder / ".env").write_text("BOT_PASSAGES=many\n", encoding="utf-8")
    assert "wrong setting in the environment or .env: passages" in typed(lab, ":reload")[1]
    assert lab.model == "fake:two"


def test_a_key_that_changes_in_the_file_reaches_the_models_client(lab: Lab, folder: Path) -> None:
    """Though an earlier model's client has put the old one into the environment."""
    pytest.importorskip("langchain_openai")
    seen = []
    for key in ("first", "second"):
        (folder / ".env").write_text(f"OPENAI_API_KEY={key}\nBOT_LLM_URL=http://127.0.0.1:9\n")
        typed(lab, ":reload", ":model openai:x")
        seen.append(os.environ.pop("OPENAI_API_KEY") if key == "second" else os.environ["OPENAI_API_KEY"])
    assert seen == ["first", "second"]


def test_a_library_is_chosen_with_a_new_conversation(lab: Lab) -> None:
    """One that does not exist is refused."""
    told, failed = typed(lab, "When does the ferry open?", ":library nope", ":library", ":library rules")
    assert "library 'nope' has no articles (there are: default, rules)" in failed
    assert "* default\n  rules\n" in told
    assert (lab.library, lab.history) == ("rules", [])
    assert "ask a question first" in typed(lab, ":why")[1]
    assert "lead" in typed(lab, "What must dogs be on?")[0]


def test_follow_ups_see_the_conversation_until_it_is_forgotten(lab: Lab) -> None:
    """The turns that they see are listed."""
    told, _ = typed(lab, "Who built the new ferry?", "When does it open?", ":history")
    assert "> Who built the new ferry?\nAnna Berg\n> When does it open?\n" in told
    assert len(lab.last.history) == 1
    told, failed = typed(lab, ":forget", ":history")
    assert (told, failed.splitlines()[0]) == ("", "a new conversation")


def test_answerers_are_compared_on_the_same_passages(lab: Lab) -> None:
    """Prompts, models and the built-in answerer."""
    told, failed = typed(lab, ":model fake:one", "When does the ferry open?", ":compare answer builtin")
    compared = " ".join(told.split()).split("answer builtin")[1]
    assert "The new ferry opens in" in compared
    assert "tokens" in compared
    assert failed == "model fake:one\n"
    assert "needs two or more" in typed(lab, ":compare answer")[1]
    assert "there is no prompt 'nope'" in typed(lab, ":compare nope builtin")[1]


def test_a_prompt_that_cannot_answer_is_not_used(lab: Lab) -> None:
    """Its variables are others."""
    _, failed = typed(lab, ":use abstain", ":use nope", ":prompt", "Who built it?", ":prompt")
    assert "missing passages, question" in failed
    assert "there is no prompt 'nope'" in failed
    assert "the built-in answerer is sent no prompt" in failed
    assert lab.prompt == "answer"


def test_a_case_is_saved_from_a_pipe(lab: Lab, folder: Path) -> None:
    """With the verdict on the same line; without one, it says how."""
    question = "When does the ferry open?"
    _, failed = typed(
        lab, question, ":save", ":save right", ":save q.jsonl = in May; ferry", ":save q.jsonl none"
    )
    assert "say what is right: :save FILE right" in failed
    assert "in questions.jsonl (1 case)" in failed
    assert "q.jsonl has this question already" in failed
    assert read_cases(folder / "q.jsonl")[0].gold_items == ("in May", "ferry")


def test_a_backslash_joins_lines() -> None:
    """Also at the end of the input."""
    assert list(joined(["one \\\n", "two\n", "\n", ":why\n", "three\\\n"])) == [
        (2, "one \ntwo"),
        (4, ":why"),
        (5, "three"),
    ]


def test_the_answer_grows_on_a_terminal(lab: Lab) -> None:
    """And stands there once, in the end."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    typed(lab, ":model fake:one")
    converse([(1, "When does the new ferry open, built by whom?")], lab, Face(console, console))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    grown, _, final = text.rpartition("\x1b[2K")  # what Live drew is wiped
    assert "The new ferry opens in May." in grown
    assert final.count("The new ferry opens in May. [1]") == 1


# ---- a person


def at_the_terminal(lab: Lab, keys: str) -> tuple[str, str]:
    """What a person who types these keys sees: results and remarks."""
    console, errors = (Console(file=io.StringIO(), width=100) for _ in range(2))
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        person = Person(lab, Path("history"))
        pipe.send_text(keys)
        converse(person.lines(), lab, Face(console, errors, person.asks))
    return console.file.getvalue(), errors.file.getvalue()  # type: ignore[attr-defined]


def test_keys_edit_clear_and_leave(lab: Lab) -> None:
    """Ctrl-C clears the line, Ctrl-D ends; what was typed is there the next time, models used among it."""
    told, failed = at_the_terminal(lab, "nonsense\x03:model fake:two\r:model\r\x04")
    assert (told, failed) == ("model fake:two, prompt answer\n", "model fake:two\n")
    assert at_the_terminal(lab, "\x1b[A\r\x04")[0] == "model fake:two, prompt answer\n"
    assert "fake:two" in lab.models


@pytest.mark.parametrize(
    "keys",
    [
        "When does\x1b\rthe ferry open?\r",
        "When does\\\rthe ferry open?\r",
        "\x1b[200~When does\nthe ferry open?\x1b[201~\r",
    ],
    ids=["alt-enter", "backslash", "pasted"],
)
def test_several_lines_are_one_question(lab: Lab, keys: str) -> None:
    """However they are typed."""
    told, failed = at_the_terminal(lab, f"{keys}\x04")
    assert failed == ""
    assert lab.last.asked.text == "When does\nthe ferry open?"
    assert "May" in told


@pytest.mark.parametrize(
    ("keys", "case"),
    [
        ("y\rin May\r", (("in May",), (), True)),
        ("n\rAnna Berg; Hamburg\r", ((), ("Anna Berg", "Hamburg"), True)),
        ("0\r", ((), (), False)),
    ],
    ids=["right", "wrong", "none"],
)
def test_a_person_is_asked_what_is_right(
    lab: Lab, folder: Path, keys: str, case: tuple[tuple[str, ...], tuple[str, ...], bool]
) -> None:
    """Yes, no, or that there is no answer."""
    at_the_terminal(lab, f"When does the ferry open?\r:save\r{keys}\x04")
    (saved,) = read_cases(folder / "questions.jsonl")
    assert (saved.gold_answers, saved.gold_items, saved.answerable) == case


def test_an_answer_can_be_stopped(lab: Lab) -> None:
    """It leaves no trace, and the next question is answered."""
    told, failed = at_the_terminal(lab, ":model fake:slow\rWhen does the ferry open?\r:history\r\x04")
    assert told == ""
    assert failed.splitlines()[1:] == ["stopped", "no conversation: the next question stands alone"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (":pa", [":passages"]),
        (":use ", ["answer"]),
        (":edit c", ["condense"]),
        (":model b", ["builtin"]),
        (":library ", ["default", "rules"]),
        (":compare builtin ans", ["answer"]),
        (":save art", ["articles/"]),
        (":save articles/", ["articles/q.jsonl"]),
        ("When", []),
        (":nope x", []),
    ],
)
def test_commands_and_their_arguments_are_completed(
    lab: Lab, folder: Path, text: str, found: list[str]
) -> None:
    """From what there is."""
    (folder / "articles").mkdir()
    (folder / "articles" / "q.jsonl").write_text("", encoding="utf-8")
    completions = Completions(lab).get_completions(Document(text), CompleteEvent())
    assert [each.text for each in completions] == found


def test_the_process_tells_what_failed(environment: dict[str, str]) -> None:
    """Exit code 1 if any line did; results alone on standard output."""

    def run(given: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot", "repl"]
        return subprocess.run(
            command, env=environment, cwd=ROOT, input=given, capture_output=True, text=True, check=False
        )

    ingest = [sys.executable, "-m", "ingest", "articles"]
    subprocess.run(ingest, env=environment, cwd=ROOT, check=True, capture_output=True)
    good = run("Who attended?\n:k 3\n")
    assert (good.returncode, good.stderr) == (0, "3 passages from the next question on\n")
    assert "Zelenskyy" in good.stdout
    bad = run(":why\n:k\n")
    assert (bad.returncode, bad.stdout) == (1, "k 8\n")
    assert bad.stderr.splitlines() == [
        "line 1: there is no answer yet: ask a question first",
        "1 line failed",
    ]
