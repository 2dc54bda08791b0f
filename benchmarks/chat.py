"""What the chain adds to a chat model: a loopback server in another process, spoken to by OpenAI's client.

python -m benchmarks.chat

The server answers with sentences of the passages that it is shown, so that they pass through the whole
citation check. Both processes read the same clock. The questions are those about the sample article, three
times over.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the loopback server lives with the tests

from fake_llm import AT_ONCE, SENTENCES, WORDS, FakeLLM, Reply, faithful  # noqa: E402

from bot.answering.builtin import BuiltIn  # noqa: E402
from bot.answering.chain import Chain  # noqa: E402
from bot.answering.opening import open_generator  # noqa: E402
from bot.settings import ChatSettings  # noqa: E402
from prompts import Prompts  # noqa: E402
from vectorstore.library import open_library  # noqa: E402
from vectorstore.settings import VectorstoreSettings  # noqa: E402

_WARM_UP = 10  # questions
_STREAMED = 30  # questions, at the speed of a model


def main() -> None:
    """Ask all questions in each mode and print the figures."""
    cases = (ROOT / "tests" / "questions" / "coalition.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(case)["question"] for case in cases if "history" not in json.loads(case)]
    with tempfile.TemporaryDirectory() as folder, server() as (url, mode):
        chain = open_chain(Path(folder), url)
        mode("at once")
        measure(chain, questions[:_WARM_UP], mode)
        runs = measure(chain, questions * 3, mode)
        report(f"{len(runs)} questions, a model that answers at once, ms", "all", [run.whole for run in runs])
        report("", "without the server's own time (to reach: 80)", [run.added for run in runs])
        mode("sentences")
        runs = measure(chain, questions[:_STREAMED], mode)
        report(
            "first checked text, ms, sentence by sentence",
            "after its last token (to reach: 50)",
            [run.first_text for run in runs],
        )
        mode("words")
        runs = measure(chain, questions[:_STREAMED], mode)
        report("word by word, 50 a second", "after the model's first token", [run.first_text for run in runs])


class Run:
    """One question: all in seconds."""

    def __init__(self, began: float, first: float, ended: float, server: list[float]) -> None:
        came, *pieces, done = server
        self.whole = ended - began
        self.added = self.whole - (done - came)
        self.first_text = first - pieces[0]


def measure(chain: Chain, questions: list[str], mode: Any) -> list[Run]:
    """Ask one after another."""
    seen = []
    for question in questions:
        told: list[float] = []
        began = time.perf_counter()
        answer = chain.answer(question, on_text=lambda _, told=told: told.append(time.perf_counter()))
        ended = time.perf_counter()
        assert answer.trace.generated is not None
        assert answer.trace.generated.raw, answer.note
        seen.append((began, told[0] if told else ended, ended))
    return [Run(*times, server) for times, server in zip(seen, mode("times"), strict=True)]


def report(what: str, which: str, seconds: list[float]) -> None:
    """Median and 95th percentile."""
    p95 = statistics.quantiles(seconds, n=20)[-1]
    print(f"{what:52} {which:46} median {1000 * statistics.median(seconds):6.1f}  p95 {1000 * p95:6.1f}")


def open_chain(folder: Path, url: str) -> Chain:
    """The sample article in a library of its own, and the chat model at `url`."""
    (folder / "models").symlink_to(ROOT / "data" / "models", target_is_directory=True)
    environment = {**os.environ, "FOOTNOTE_DATA": str(folder)}
    ingest = [sys.executable, "-m", "ingest", "articles"]
    subprocess.run(ingest, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    settings = ChatSettings(model="openai:gpt-5-mini", url=url + "/v1", options={"api_key": "none"})
    built_in, prompts = BuiltIn(), Prompts()
    library = open_library(VectorstoreSettings(data=folder), "default")
    return Chain(library, prompts, built_in, open_generator(settings, prompts, built_in))


@contextlib.contextmanager
def server() -> Iterator[tuple[str, Any]]:
    """The server's address, and a function that tells it how to answer, or gives its times."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.chat", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def tell(line: str) -> Any:
        print(line, file=process.stdin, flush=True)
        return json.loads(process.stdout.readline())

    try:
        yield json.loads(process.stdout.readline()), tell
    finally:
        process.stdin.close()
        process.wait()


def serve() -> None:
    """Answer as told on standard input, line by line."""
    two = partial(faithful, sentences=2)
    modes = {
        "at once": Reply(text=faithful, pieces=AT_ONCE),
        "sentences": Reply(text=two, pieces=SENTENCES, pause=0.3),
        "words": Reply(text=two, pieces=WORDS, pause=0.02),
    }
    with FakeLLM() as llm:
        print(json.dumps(llm.url), flush=True)
        for line in sys.stdin:
            if line.strip() == "times":
                print(json.dumps(llm.times), flush=True)
                llm.times.clear()
            else:
                llm.script(modes[line.strip()])
                print("0", flush=True)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
