"""Footnote beside the plain LangChain pipeline, in the same run: start, question, ingest, memory.

python -m benchmarks.pipeline [--rounds 3]

Both sides get the same articles: sentences of the sample article, shuffled into 30 articles without headings.
Every figure is the median of the rounds, sides taking turns; each process is fresh.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from ingest.split import split_sentences

ROOT = Path(__file__).parent.parent
QUESTIONS = [
    "Who attended the meeting?",
    "What were the three goals?",
    "How many people have been killed since 2022?",
    "What did the leaders agree about sanctions?",
    "Who proposed the ceasefire?",
    "What is the capital of Slovenia?",
]


def main() -> None:
    """Run both sides and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_articles(work / "articles")
        models = ROOT / "data" / "models"  # compiled once for a machine, not for each data folder
        measured: dict[str, dict[str, list[float]]] = {"plain": {}, "ours": {}}
        for turn in range(rounds):
            for side, figures in measured.items():
                data = work / f"{side}-{turn}"
                data.mkdir()
                if side == "ours" and models.is_dir():
                    (data / "models").symlink_to(models)
                for name, value in one_round(side, work / "articles", data).items():
                    figures.setdefault(name, []).append(value)
    report(measured)


def write_articles(folder: Path, articles: int = 30, sentences: int = 60) -> None:
    """The benchmark's articles, the same on every machine."""
    text = (ROOT / "articles" / "coalition-of-the-willing.txt").read_text(encoding="utf-8")
    known = [text[a:b] for a, b in split_sentences(text) if b - a > 60]
    folder.mkdir()
    chance = random.Random(7)  # noqa: S311
    for number in range(articles):
        told = [chance.choice(known).replace("\n", " ") for _ in range(sentences)]
        paragraphs = [" ".join(told[i : i + 2]) for i in range(0, sentences, 2)]  # as in news
        (folder / f"{number:03}.txt").write_text(
            f"Article {number}\n\n" + "\n\n".join(paragraphs), encoding="utf-8"
        )


def one_round(side: str, articles: Path, data: Path) -> dict[str, float]:
    """All figures of one side."""
    script = str(ROOT / "benchmarks" / f"{side}.py")
    stored = json.loads(run([script, "ingest", str(articles), str(data)])[0])
    _, first, memory = run([script, "ask", str(data), "0"], QUESTIONS[:1])
    asked, _, _ = run([script, "ask", str(data), "20"], QUESTIONS)
    return {
        "new process to first answer, s": first,
        "one more question, ms": 1000 * json.loads(asked)["median"],
        "ingest, chunks/s": stored["chunks"] / stored["seconds"],
        "ingest, characters a chunk": stored["chunk_length"],
        "ingest, characters of text/s": stored["characters"] / stored["seconds"],
        "peak memory answering, MB": memory,
    }


def run(command: list[str], questions: list[str] | None = None) -> tuple[str, float, float]:
    """Standard output, seconds to the end, and the highest resident memory in MB."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n".join(questions or []))
    process.stdin.close()
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            info = watched.memory_info()
            peak = max(peak, getattr(info, "rss", 0))
        except psutil.Error:
            break
        time.sleep(0.01)
    output = process.stdout.read()
    seconds = time.perf_counter() - began
    if process.wait() != 0:
        sys.exit(f"benchmark process failed: {' '.join(command)}")
    return output.strip().splitlines()[-1], seconds, peak / 1e6


def report(measured: dict[str, dict[str, list[float]]]) -> None:
    """One line a figure."""
    print(f"{'':32} {'plain':>10} {'footnote':>10}")
    for name in measured["plain"]:
        plain, ours = (statistics.median(measured[side][name]) for side in ("plain", "ours"))
        if "/s" in name:
            told = f"{ours / plain:.2f} times as fast"
        elif ", s" in name or ", ms" in name:
            told = f"{plain / ours:.2f} times as fast"
        else:
            told = f"{ours / plain:.2f} of it"
        print(f"{name:32} {plain:10.2f} {ours:10.2f}   {told}")


if __name__ == "__main__":
    main()
