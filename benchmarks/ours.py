"""Footnote's side of benchmarks/pipeline.py: the same tasks as benchmarks/plain.py, with what is installed.

python -m benchmarks.ours ingest FOLDER DATA          one JSON line: chunks, seconds
python -m benchmarks.ours ask DATA ROUNDS             questions on standard input, one JSON line
"""

import json
import statistics
import sys
import time
from pathlib import Path

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from prompts import Prompts
from vectorstore.library import Library, open_library
from vectorstore.settings import VectorstoreSettings


def open_(data: Path) -> Library:
    """The default library under a data folder."""
    return open_library(VectorstoreSettings(data=data), "default")


def ingest(folder: Path, data: Path) -> None:
    """Load, split, embed and store every text file of a folder, lexical index included."""
    from ingest.fetch import Rules
    from ingest.pipeline import ingest as run
    from ingest.pipeline import place_of

    library = open_(data)
    library.store.embedder.embed(["warm up"])
    files = [place_of(file) for file in sorted(folder.glob("*.txt"))]
    began = time.perf_counter()
    with library.connection.writing():
        chunks = sum(outcome.chunks for outcome in run(files, library.store, Rules(max_bytes=20_000_000)))
        library.index.sync(library.store)
    seconds = time.perf_counter() - began
    characters = sum(len(file.read_text(encoding="utf-8")) for file in folder.glob("*.txt"))
    stored = [library.store.chunks(row.chunk_ids()).values() for row in library.store.rows()]
    length = statistics.mean(len(chunk.text) for article in stored for chunk in article)
    print(
        json.dumps({"chunks": chunks, "chunk_length": length, "characters": characters, "seconds": seconds})
    )


def ask(data: Path, rounds: int) -> None:
    """Answer each question, citations included; report the median of the rounds after the first."""
    chain = Chain(open_(data), Prompts(), BuiltIn())
    questions = [line.strip() for line in sys.stdin if line.strip()]
    print(chain.answer(questions[0]).text[:60], file=sys.stderr, flush=True)
    seconds = [chain.answer(question).seconds for _ in range(rounds) for question in questions]
    print(json.dumps({"median": statistics.median(seconds) if seconds else None}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["ingest", folder, data]:
            ingest(Path(folder), Path(data))
        case ["ask", data, rounds]:
            ask(Path(data), int(rounds))
        case _:
            sys.exit(__doc__)
