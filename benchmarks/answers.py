"""The whole answerer on SQuAD 2.0: the right paragraph given, and out of all paragraphs.

    python -m benchmarks.answers ASKED.json.gz [OTHER.json.gz …] [--limit N]

The library holds the paragraphs of all files, one passage each; asked are the questions of the first. Both at
the shipped threshold: F1 of the answerable questions (an abstention counts 0), how many of the others were
abstained from. Also how often the right paragraph is first, or among the first five, by retrieval and
after reading, and the time of a question.
"""

import argparse
import logging
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import squad
from benchmarks.reader import auc, best_f1, f1
from benchmarks.retrieval import build
from bot.answering.builtin import BuiltIn, well_spelt
from bot.answering.question import understand
from bot.answering.spans import Found
from vectorstore.chroma import Connection
from vectorstore.datatypes import Passage
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.retrieval import Retrieval, Retriever
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store

ROOT = Path(__file__).parent.parent
_K = 8  # passages retrieved, as the bot does


@dataclass(frozen=True, slots=True)
class Told:
    """The likeliest span's probability, its F1, and its paragraphs in the order of reading."""

    probability: float
    f1: float
    order: tuple[str, ...]


def main() -> None:
    """Ask every question twice, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models")
    parser.add_argument("--limit", type=int, default=10**9)
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # some of SQuAD's paragraphs are longer than the embedding model reads
    articles: dict[str, list[str]] = {}
    for file in args.files:
        articles |= squad.read(file)[0]
    questions = squad.read(args.files[0])[1]
    asked = questions[:: max(1, len(questions) // args.limit)]
    has = np.array([bool(question.answers) for question in asked])
    print(
        f"{len(asked)} questions, {(~has).sum()} unanswerable, {sum(map(len, articles.values()))} paragraphs"
    )
    answerer = BuiltIn()
    with tempfile.TemporaryDirectory() as folder:
        settings = VectorstoreSettings(data=Path(folder))
        connection = Connection(settings)
        embedder = OnnxEmbedder(settings.embedding_model, args.models)
        retriever = build(articles, Store(connection, "squad", embedder), Path(folder))
        passages = {p.chunk.text: p for p in _passages(retriever)}
        found, given, opened, seconds = [], [], [], []
        for question in asked:
            began = time.perf_counter()
            retrieval = retriever.retrieve(question.text, _K)
            told = answer(answerer, question, retrieval, embedder)
            seconds.append(time.perf_counter() - began)
            found.append([passage.chunk.text for passage in retrieval.passages])
            opened.append(told)
            gold = _gold(question, retrieval, passages)
            given.append(answer(answerer, question, replace(retrieval, passages=(gold,)), embedder))
        connection.close()
    threshold = answerer.verifier.threshold
    print(f"threshold {threshold}")
    of_given = report("right paragraph given", given, has, threshold)
    of_open = report("out of all paragraphs", opened, has, threshold)
    print(f"open F1 over given F1, answerable: {of_open / of_given:.3f}")
    hits("by retrieval", asked, found)
    hits("after reading", asked, [told.order for told in opened])
    median, p95 = (1000 * np.quantile(seconds, q) for q in (0.5, 0.95))
    print(f"a question, warm: median {median:.0f} ms, p95 {p95:.0f} ms")


def answer(answerer: BuiltIn, asked: squad.Asked, retrieval: Retrieval, embedder: OnnxEmbedder) -> Told:
    """What the answerer finds likeliest, whatever the threshold."""
    question = well_spelt(understand(asked.text), retrieval)
    ranked: list[tuple[float, Found]] = answerer.rank(question, retrieval, embedder)
    if not ranked:
        return Told(0.0, 0.0, ())
    chance, best = ranked[0]
    right = max((f1(best.text, gold) for gold in asked.answers), default=0.0)
    read = [found.passage.chunk.text for _, found in ranked]
    rest = [passage.chunk.text for passage in retrieval.passages]
    return Told(chance, right, tuple(dict.fromkeys(read + rest)))


def report(name: str, told: list[Told], has: np.ndarray, threshold: float) -> float:
    """Print the figures of one setting; gives the F1 of the answerable questions at the threshold."""
    chance = np.array([each.probability for each in told])
    right = np.array([each.f1 for each in told])
    kept = np.where(chance >= threshold, right, 0.0)
    overall = (kept[has].sum() + (chance[~has] < threshold).sum()) / len(told)
    best, at = best_f1(chance, right, has)
    print(
        f"{name}: answerable F1 {100 * kept[has].mean():.1f} (forced {100 * right[has].mean():.1f}), "
        f"abstained: unanswerable {100 * (chance[~has] < threshold).mean():.1f} %, "
        f"answerable {100 * (chance[has] < threshold).mean():.1f} %\n"
        f"  all F1 {100 * overall:.1f} (best {100 * best:.1f} at {at:.2f}), AUC {auc(chance, has):.3f}"
    )
    return float(kept[has].mean())


def hits(name: str, asked: list[squad.Asked], orders: list[list[str]] | list[tuple[str, ...]]) -> None:
    """Print how often the right paragraph of an answerable question is first, and among the first five."""
    pairs = [(q.paragraph, order) for q, order in zip(asked, orders, strict=True) if q.answers]
    first, five = (sum(p in order[:k] for p, order in pairs) / len(pairs) for k in (1, 5))
    print(f"{name}: hit@1 {first:.3f}, hit@5 {five:.3f}")


def _passages(retriever: Retriever) -> list[Passage]:
    rows = retriever.articles()
    made = []
    for row in rows:
        for id_, chunk in retriever.store.chunks(row.chunk_ids()).items():
            made.append(
                Passage(chunk_id=id_, article=row.info, chunk=chunk, score=1.0, dense=0.5, lexical=1.0)
            )
    return made


def _gold(asked: squad.Asked, retrieval: Retrieval, passages: dict[str, Passage]) -> Passage:
    """The question's own paragraph, with its scores if it was found."""
    own = [passage for passage in retrieval.passages if passage.chunk.text == asked.paragraph]
    return own[0] if own else passages[asked.paragraph]


if __name__ == "__main__":
    main()
