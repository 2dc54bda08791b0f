"""How many questions a second `python -m bot eval` answers, beside one question at a time.

python -m benchmarks.eval_speed [FILE.jsonl] [--questions 1000] [--articles FOLDER]

The file's questions are repeated until there are enough, in an order of their own each time. Both ways
take turns, and must give the same answers.
"""

import argparse
import os
import random
import tempfile
import time
from pathlib import Path

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.terminal.evaluate import AT_ONCE, Case, Result, each_case, judged, read_cases
from ingest.fetch import Rules
from ingest.pipeline import ingest, place_of
from prompts import Prompts
from vectorstore.library import open_library
from vectorstore.settings import VectorstoreSettings

ROOT = Path(__file__).parent.parent
_TURNS = 4


def main() -> None:
    """Ingest, ask, print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "file", type=Path, nargs="?", default=ROOT / "tests" / "questions" / "coalition.jsonl"
    )
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--articles", type=Path, default=ROOT / "articles")
    options = parser.parse_args()
    cases = repeated(read_cases(options.file), options.questions)
    with tempfile.TemporaryDirectory() as folder:
        if (ROOT / "data" / "models").is_dir():  # compiled once for a machine
            (Path(folder) / "models").symlink_to(ROOT / "data" / "models")
        chain = open_chain(Path(folder), options.articles)
        ask(chain, cases[:20], at_once=True)  # loads the models
        seconds = {False: 0.0, True: 0.0}
        for turn in range(_TURNS):
            part = cases[turn::_TURNS]
            texts = []
            for at_once in (False, True) if turn % 2 else (True, False):
                began = time.perf_counter()
                texts.append([result.answer.text for result in ask(chain, part, at_once=at_once)])
                seconds[at_once] += time.perf_counter() - began
            assert texts[0] == texts[1]
    print(f"{len(cases)} questions, load of the machine {os.getloadavg()[0]:.1f}")
    print(f"one at a time    {len(cases) / seconds[False]:6.1f} questions/s")
    print(f"eval, {AT_ONCE} at once  {len(cases) / seconds[True]:6.1f} questions/s")


def repeated(cases: list[Case], count: int) -> list[Case]:
    """So many cases, the same on every machine."""
    chance = random.Random(7)  # noqa: S311
    found: list[Case] = []
    while len(found) < count:
        found += chance.sample(cases, len(cases))
    return found[:count]


def open_chain(data: Path, articles: Path) -> Chain:
    """The built-in answerer over the articles."""
    library = open_library(VectorstoreSettings(data=data), "default")
    places = [place_of(file) for file in sorted(articles.iterdir()) if file.is_file()]
    with library.connection.writing():
        for _ in ingest(places, library.store, Rules(max_bytes=10**8)):
            pass
        library.index.sync(library.store)
    return Chain(library, Prompts(), BuiltIn())


def ask(chain: Chain, cases: list[Case], *, at_once: bool) -> list[Result]:
    """Answer and judge all cases, as `eval` does or one at a time."""

    def one(case: Case) -> Result:
        return judged(case, chain.answer(case.question, case.history))

    return each_case(cases, one) if at_once else [one(case) for case in cases]


if __name__ == "__main__":
    main()
