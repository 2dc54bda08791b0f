"""The commands as people and scripts run them: real processes, the real model."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_discord import FakeDiscord
from fake_llm import FakeLLM, Reply

from bot.answering.verifier import Verifier
from bot.cogs.asking import RESTARTING

ROOT = Path(__file__).parent.parent
Environment = dict[str, str]


def run(environment: Environment, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m …` to its end."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


class Asking:
    """A running `ask --jsonl`."""

    def __init__(self, environment: Environment) -> None:
        self.failed = False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "ask", "--jsonl"],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str, **more: Any) -> dict[str, Any]:
        """One line in, one line out."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"id": "x", "question": question, **more}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.failed |= "error" in answer
        return answer

    def close(self) -> int:
        """End of input."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(30)


@pytest.fixture
def filled(environment: Environment) -> Environment:
    """The sample article is ingested."""
    done = run(environment, "ingest", "articles")
    assert done.returncode == 0, done.stderr
    return environment


@pytest.fixture
def asking(filled: Environment) -> Iterator[Asking]:
    """A process that answers while others write."""
    process = Asking(filled)
    yield process
    assert process.close() == process.failed


def test_the_two_sample_questions(filled: Environment) -> None:
    """What `make demo` shows: the names, the goals, and the verbatim sentence with its place."""
    article = (ROOT / "articles" / "coalition-of-the-willing.txt").read_text(encoding="utf-8")
    lines = '{"id": 1, "question": "Who attended the meeting?"}\n{"id": 2, "question": "What were the three goals?"}\n'
    done = run(filled, "bot", "ask", "--jsonl", given=lines)
    attended, goals = (json.loads(line) for line in done.stdout.splitlines())
    for name in ("Zelenskyy", "Macron", "Albanese", "Slovenia", "Finland", "NATO"):
        assert name in attended["text"]
    assert len(attended["citations"]) == 2
    assert goals["text"].startswith("Strengthening Ukraine, ")
    for answer in (attended, goals):
        keys = ["id", "question", "text", "abstained", "citations", "answerer", "library", "seconds"]
        keys += ["note", "dropped"]
        assert list(answer) == keys
        for citation in answer["citations"]:
            assert list(citation) == ["title", "source", "quote", "start", "end", "score"]
            assert article[citation["start"] : citation["end"]] == citation["quote"]
    assert (attended["id"], goals["id"]) == (1, 2)
    assert done.stderr == ""


def test_ask_imports_no_training_library(filled: Environment) -> None:
    """Torch, transformers and sentence_transformers cost 13 seconds; a question needs none of them."""
    code = (
        "import sys; from bot.__main__ import app\n"
        "try: app(['ask', 'who attended?'])\n"
        "except SystemExit as end: assert not end.code\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'langchain_core') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=filled,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_articles_that_come_change_and_go_while_a_process_answers(
    asking: Asking, filled: Environment, tmp_path: Path
) -> None:
    """No restart: published a moment ago is answered, changed is changed, removed is gone."""
    assert asking.ask("What were the three goals?")["abstained"] is False
    note = tmp_path / "garden.txt"
    source = str(note)
    note.write_text(
        "Garden show\n\nThe garden show in Farwell was opened by Ann Lee on 3 May 2026.\n", encoding="utf-8"
    )
    assert run(filled, "ingest", source).returncode == 0
    assert "Ann Lee" in asking.ask("Who opened the garden show in Farwell?")["text"]
    note.write_text(
        "Garden show\n\nThe garden show in Farwell was opened by Bo Park on 4 May 2026.\n", encoding="utf-8"
    )
    assert run(filled, "ingest", source).returncode == 0
    changed = asking.ask("Who opened the garden show in Farwell?")
    assert "Bo Park" in changed["text"]
    assert "Ann Lee" not in json.dumps(changed)
    assert run(filled, "bot", "library", "remove", source).returncode == 0
    gone = asking.ask("Who opened the garden show in Farwell?")
    assert "Bo Park" not in json.dumps(gone)
    assert asking.ask("What were the three goals?")["abstained"] is False


def test_a_bad_line_gets_an_error_and_the_rest_goes_on(asking: Asking) -> None:
    """Scripts that feed lines do not lose the process for one of them."""
    assert asking.ask("") == {"id": "x", "error": "the question is empty: ask something"}
    assert asking.ask("Why?", history="no") == {
        "id": "x",
        "error": "history is a list of [question, answer] pairs",
    }
    assert asking.ask("x" * 3000)["error"].startswith("the question has 3000 characters")
    assert asking.ask("who attended?")["abstained"] is False


def test_the_second_run_does_nothing_and_says_so(filled: Environment) -> None:
    """Counts on standard output, whatever the terminal."""
    done = run(filled, "ingest", "articles")
    assert done.stdout.startswith("articles: 0 new, 0 changed, 1 unchanged, 0 failed; 0 chunks stored in ")
    told = json.loads(run(filled, "ingest", "articles", "--json").stdout)
    assert (told["unchanged"], told["articles"][0]["state"]) == (1, "unchanged")


def test_a_dry_run_writes_nothing(environment: Environment) -> None:
    """It says what would be done."""
    done = run(environment, "ingest", "articles", "--dry-run")
    assert done.stdout.startswith("dry run, nothing written: articles: 1 new")
    asked = run(environment, "bot", "ask", "who attended?")
    assert asked.returncode == 1


def test_bad_files_are_named_and_the_exit_code_says_so(environment: Environment, tmp_path: Path) -> None:
    """One line each on stderr; the good file is stored."""
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "good.txt").write_text("Tram news\n\nThe tram starts in June.\n")
    done = run(
        environment,
        "ingest",
        str(tmp_path / "empty.txt"),
        str(tmp_path / "good.txt"),
        str(tmp_path / "no.md"),
        "x" * 300,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{tmp_path}/empty.txt: the file is empty",
        f"{tmp_path}/no.md: there is no such file",
        f"{'x' * 300}: it cannot be read (file name too long)",
    ]
    assert "1 new, 0 changed, 0 unchanged, 3 failed" in done.stdout


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (
            ("bot", "ask", "who attended?"),
            1,
            "library 'default' has no articles: run python -m ingest articles/\n",
        ),
        (
            ("bot", "ask", "x", "--library", "Bad Name"),
            1,
            "library 'Bad Name' has no articles: run python -m ingest articles/ --library Bad Name\n",
        ),
        (("bot", "eval", "none.jsonl"), 1, "none.jsonl cannot be read (no such file or directory)\n"),
        (("bot", "compare", "Who?", "builtin", "builtin"), 2, "name two or more, each once"),
        (("ingest", "articles", "--library", "Bad Name"), 1, "library name 'Bad Name' is not usable"),
        (("ingest",), 2, "nothing to ingest: name a file, a folder or a link"),
        (("bot", "ask"), 2, "give one question"),
        (("bot", "ask", "x", "--prompt", "none"), 1, "prompt 'none' is for a chat model: set LLM"),
        (("ingest", "docs", "--source", "guide"), 2, "--source names one file"),
        (("ingest", "https://example.org/", "--source", "guide"), 2, "--source names one file"),
        (("bot", "nonsense"), 2, "No such command 'nonsense'"),
    ],
    ids=[
        "no-article",
        "bad-library",
        "no-file",
        "one-name",
        "bad-name",
        "no-path",
        "no-question",
        "no-model",
        "two-files",
        "link",
        "no-verb",
    ],
)
def test_wrong_use_gets_one_line_that_says_what_to_do(
    environment: Environment, command: tuple[str, ...], code: int, message: str
) -> None:
    """1 for what failed, 2 for wrong usage, and never a traceback."""
    done = run(environment, *command)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_wrong_setting_is_named_without_its_value(environment: Environment) -> None:
    """It may be a secret."""
    done = run({**environment, "BOT_THRESHOLD": "hunter2"}, "bot", "ask", "x")
    assert done.returncode == 1
    assert done.stderr.startswith("wrong setting in the environment or .env: threshold: ")
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"FOOTNOTE_DATA": "/dev/null/x"}, "data folder /dev/null/x"),
        ({"CHROMA_URL": "http://localhost:abc"}, "CHROMA_URL is no web address"),
        ({"CHROMA_URL": "localhost:8000"}, "CHROMA_URL is no web address"),
    ],
)
def test_a_setting_that_cannot_work_is_told_in_one_line(
    environment: Environment, setting: Environment, told: str
) -> None:
    """Of the machine, not of the articles."""
    done = run({**environment, **setting}, "ingest", "articles")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert told in done.stderr


def test_lines_in_another_encoding_do_not_end_the_others(filled: Environment) -> None:
    """The exit code says that one of them failed."""
    lines = b'{"id": 1, "question": null}\n{"id": 2, "question": "who caf\xe9 attended?"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "bot", "ask", "--jsonl"],
        env=filled,
        cwd=ROOT,
        input=lines + b'{"id": 3, "question": "who attended\\ud800?"}\n',
        capture_output=True,
        timeout=300,
        check=False,
    )
    one, two, three = map(json.loads, done.stdout.splitlines())
    assert "a line is an object" in one["error"]
    assert two["id"] == 2
    assert "error" not in two
    assert three["error"] == "the question is not UTF-8 text: type it anew"
    assert (done.returncode, done.stderr) == (1, b"2 lines failed\n")


def test_two_ingests_at_once_both_come_through(environment: Environment, tmp_path: Path) -> None:
    """One waits for the other; nothing is lost."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        for i in range(5):
            text = f"{folder.name} news {i}\n\n" + " ".join(
                f"Item {j} of {folder.name} {i} is here." for j in range(30)
            )
            (folder / f"{i}.txt").write_text(text)
    command = [sys.executable, "-m", "ingest"]
    both = [
        subprocess.Popen(
            [*command, str(f)],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for f in folders
    ]
    assert [process.wait(120) for process in both] == [0, 0]
    verified = json.loads(run(environment, "bot", "library", "verify", "--json").stdout)
    assert (verified["articles"], verified["problems"]) == (10, [])


def test_an_ingest_killed_at_any_moment_is_repaired_by_the_next(
    environment: Environment, tmp_path: Path
) -> None:
    """At random moments, with the real command; tests/test_crash.py does it at every single write."""
    chance = random.Random(3)  # noqa: S311
    for i in range(12):
        text = f"News {i}\n\n" + " ".join(f"Item {j} of news {i} is here for all to read." for j in range(60))
        (tmp_path / f"{i}.txt").write_text(text)
    command = [sys.executable, "-m", "ingest", str(tmp_path)]
    for _ in range(3):
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        writer = Path(environment["FOOTNOTE_DATA"]) / "writer.json"
        while process.poll() is None and not writer.exists():
            time.sleep(0.005)
        time.sleep(chance.random())
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    done = run(environment, "ingest", str(tmp_path))
    assert done.returncode == 0, done.stderr
    verified = run(environment, "bot", "library", "verify")
    assert verified.stdout.startswith("library 'default' is sound: 12 articles"), verified.stdout


def test_eval_counts_and_its_exit_code_follows_the_wish(filled: Environment) -> None:
    """The share that the issue of the first version asked for: 17 of 25, 3 of 6 abstentions."""
    questions = str(ROOT / "tests" / "questions" / "coalition.jsonl")
    done = run(filled, "bot", "eval", questions, "--json", "--min-correct", "0.68")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["questions"] == 25
    assert told["abstained_rightly"] >= 3
    assert told["correct"] == sum(result["correct"] for result in told["results"])
    assert run(filled, "bot", "eval", questions, "--min-correct", "1").returncode == 1


def test_eval_says_what_has_changed_since_the_last_run(filled: Environment, tmp_path: Path) -> None:
    """The report names the run before; a bolder or more careful bot breaks or fixes answers."""
    questions, report = "tests/questions/coalition.jsonl", tmp_path / "report.html"
    first = run(filled, "bot", "eval", questions)
    kept = first.stderr.strip().removeprefix("kept as run ")
    careful = {**filled, "BOT_THRESHOLD": "0.9"}
    done = run(careful, "bot", "eval", questions, "--against", "last", "--json", "--html", str(report))
    assert done.returncode == 0, done.stderr
    against = json.loads(done.stdout)["against"]
    assert (against["run"], against["fixed"]) == (kept, [])
    assert against["settings"] == [f"threshold {Verifier().threshold:g} → 0.9"]
    assert len(against["broken"]) > 5
    assert f"Against {kept}" in report.read_text(encoding="utf-8")


def test_the_repl_takes_questions_from_a_pipe(filled: Environment) -> None:
    """Commands begin with a colon; an unknown one is told; a follow-up knows the question before."""
    done = run(
        filled,
        "bot",
        "repl",
        given="Where was Mr Luxon going?\n:nonsense\n:forget\nwho attended?\n:quit\nnever\n",
    )
    assert done.returncode == 1  # of what failed, which is told line by line
    assert "line 2: there is no command :nonsense" in done.stderr
    assert "Albanese" in done.stdout


def test_library_commands_show_what_was_read(filled: Environment) -> None:
    """List, show, and remove with a name that does not exist."""
    listed = json.loads(run(filled, "bot", "library", "list", "--json").stdout)
    assert listed[0]["source"] == "articles/coalition-of-the-willing.txt"
    shown = json.loads(run(filled, "bot", "library", "show", listed[0]["source"], "--json").stdout)
    assert len(shown["passages"]) == listed[0]["chunks"]
    assert "Venkat Raman" in run(filled, "bot", "library", "show", listed[0]["source"]).stdout
    wrong = run(filled, "bot", "library", "remove", listed[0]["source"], "nothing.txt")
    assert wrong.returncode == 1
    assert json.loads(run(filled, "bot", "library", "list", "--json").stdout) == listed


def test_the_doctor_says_what_to_mend(filled: Environment) -> None:
    """Disk, model and library are well; the token is missing."""
    done = run({**filled, "DISCORD_TOKEN": ""}, "bot", "doctor")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line[:4] for line in lines] == ["ok  ", "ok  ", "ok  ", "MEND"]
    assert "1 articles, 11 chunks, sound" in lines[2]
    assert "DISCORD_TOKEN is not set" in lines[3]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(text="Yes."), "ok    chat model openai:gpt-5-mini answers, its first word after "),
        (Reply(status=401), "MEND  LLM=openai:gpt-5-mini: the chat model cannot be reached; check its key"),
        (Reply(hang="before"), "MEND  LLM=openai:gpt-5-mini: the chat model took too long; check its key"),
        (None, "MEND  LLM=llama: write provider:model"),
    ],
    ids=["well", "refused", "hanging", "no such name"],
)
def test_the_doctor_asks_the_chat_model(filled: Environment, reply: Reply | None, told: str) -> None:
    """Once, briefly; the key is never shown."""
    with FakeLLM() as llm:
        llm.script(*([reply] if reply else []))
        model = {"LLM": "openai:gpt-5-mini" if reply else "llama", "OPENAI_API_KEY": "sk-hunter2"}
        url = {"BOT_LLM_URL": f"{llm.url}/v1", "BOT_LLM_FIRST_TOKEN_SECONDS": "0.5"}
        done = run({**filled, **model, **url, "DISCORD_TOKEN": ""}, "bot", "doctor")
    assert done.returncode == 1  # there is no token
    assert done.stdout.splitlines()[3].startswith(told)
    assert "hunter2" not in done.stdout + done.stderr
    assert len(llm.requests) == (1 if reply else 0)


# `python -m bot`, but for where Discord is
BOT = """
import sys, yarl, discord
discord.http.Route.BASE = sys.argv[1] + "api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(sys.argv[1].replace("http", "ws"))
from bot.__main__ import main
sys.argv = ["bot"]
main()
"""


async def test_the_bot_ends_though_its_chat_model_hangs(filled: Environment) -> None:
    """SIGTERM in the middle of an answer: who asked is told, and the process is gone within ten seconds."""
    server = FakeDiscord()
    await server.start()
    with FakeLLM() as llm:
        llm.script(Reply(hang="before"))
        model = {"LLM": "openai:gpt-5-mini", "OPENAI_API_KEY": "none", "BOT_LLM_URL": f"{llm.url}/v1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", BOT, f"http://127.0.0.1:{server.port}/", cwd=ROOT, env={**filled, **model, "DISCORD_TOKEN": "MTAwMA.x.y"},
        )  # fmt: skip
        await server.wait_for(lambda: server.identified, 60)
        await server.wait_for(lambda: any(path.endswith("commands") for _, path, _ in server.requests))
        interaction = await server.slash("ask", question="Who attended the meeting?")
        await server.wait_for(lambda: llm.requests)
        began = time.monotonic()
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert time.monotonic() - began < 10
        assert llm.left.wait(5)
    assert server.answers[interaction["token"]]["content"] == RESTARTING
    await server.stop()


def test_the_invitation_asks_for_no_more_than_it_needs(environment: Environment) -> None:
    """The application's id is in the token; a text that is no token is refused."""
    done = run({**environment, "DISCORD_TOKEN": "MTAwMA.x.y"}, "bot", "invite")
    assert done.stdout == (
        "https://discord.com/oauth2/authorize?client_id=1000&scope=bot+applications.commands&permissions=274878008320\n"
    )
    wrong = run({**environment, "DISCORD_TOKEN": "hunter2"}, "bot", "invite")
    assert wrong.returncode == 1
    assert "hunter2" not in wrong.stderr


def test_the_bot_without_a_token_says_where_to_get_one(environment: Environment) -> None:
    """One line."""
    done = run({**environment, "DISCORD_TOKEN": ""}, "bot")
    assert done.returncode == 1
    assert done.stderr == "DISCORD_TOKEN is not set: docs/discord.md says where to get one\n"
