"""Fit bot.answering.picking.WEIGHTS on the 20 training articles of SQuAD 2.0.

    python -m benchmarks.tune_picker ../shared/data/reader/train_squad2_20_articles.json.gz

Each question is asked twice: of all passages, and of all but those of its own article, where the right
answer is "none". Every fourth article is held out and prints the risk and coverage of the thresholds.
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import squad
from bot.answering.picking import WEIGHTS, candidates
from bot.answering.question import understand
from vectorstore.chroma import Connection
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.lexical import LexicalIndex
from vectorstore.retrieval import Retrieval, Retriever
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """A question's candidates: features of shape (candidates, features), and which of them hold an answer."""

    features: np.ndarray
    right: np.ndarray
    held_out: bool
    answerable: bool
    written: bool  # without an answer because people wrote it so, with its article there


def main() -> None:
    """Build the library, collect the candidates, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, default=Path("data/models"))
    parser.add_argument("--limit", type=int, default=10**9)
    args = parser.parse_args()
    cases = collect(args.data, args.models, args.limit)
    weights = fit([case for case in cases if not case.held_out])
    for name, weight in zip(WEIGHTS, weights, strict=True):
        print(f'    "{name}": {weight:.2f},')
    report([case for case in cases if case.held_out], weights)


def collect(path: Path, models: Path, limit: int) -> list[Case]:
    """Ask every question of the library that its file makes."""
    articles, questions = squad.read(path)
    titles = {text: title for title, paragraphs in articles.items() for text in paragraphs}
    held_out = set(sorted(articles)[::4])
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        settings = VectorstoreSettings(data=Path(folder))
        embedder = OnnxEmbedder(settings.embedding_model, models)
        connection = Connection(settings)
        store = Store(connection, "squad", embedder)
        with connection.writing():
            for title, paragraphs in articles.items():
                made = squad.chunks(paragraphs)
                store.replace(squad.info(title), "", made, store.embed(squad.info(title), made))
        retriever = Retriever(store, LexicalIndex(Path(folder) / "lexical"))
        for asked in questions[:: max(1, len(questions) // limit)]:
            title = titles[asked.paragraph]
            found = retriever.retrieve(asked.text, 24)
            others = tuple(p for p in found.passages if p.article.title != title)
            written = not asked.answers
            for passages, near in ((found.passages[:8], True), (others[:8], False)):
                kind = {"answerable": near and not written, "written": near and written}
                retrieval = dataclasses.replace(found, passages=passages)
                cases.append(case(asked, retrieval, embedder, held_out=title in held_out, **kind))
        connection.close()
    return [case for case in cases if len(case.features)]


def case(
    asked: squad.Asked,
    retrieval: Retrieval,
    embedder: OnnxEmbedder,
    *,
    held_out: bool,
    answerable: bool,
    written: bool,
) -> Case:
    """The candidates of one question. Right is a sentence of the gold paragraph that holds a gold answer."""
    found = candidates(understand(asked.text), retrieval, embedder)
    right = [
        answerable
        and passage.chunk.text == asked.paragraph
        and any(
            a in passage.chunk.text[s - passage.chunk.start : e - passage.chunk.start] for a in asked.answers
        )
        for passage, (s, e), _ in found
    ]
    features = np.array([features[: len(WEIGHTS)] for _, _, features in found], np.float32)
    return Case(features, np.array(right, bool), held_out, answerable, written)


def fit(cases: list[Case], rounds: int = 400, rate: float = 0.05) -> np.ndarray:
    """Maximum likelihood of "a right candidate, or none where there is none" (Adam on the whole set)."""
    size = max(len(case.features) for case in cases)
    x = np.zeros((len(cases), size, len(WEIGHTS)), np.float32)
    real, right = np.zeros((len(cases), size), bool), np.zeros((len(cases), size), bool)
    for i, case in enumerate(cases):
        x[i, : len(case.features)] = case.features
        real[i, : len(case.features)] = True
        right[i, : len(case.features)] = case.right
    none = ~right.any(axis=1)
    w, m, v = (np.zeros(len(WEIGHTS)) for _ in range(3))
    for step in range(1, rounds + 1):
        power = np.exp((x @ w.astype(np.float32)).clip(-30, 30)) * real
        p = power / (1 + power.sum(axis=1, keepdims=True))
        share = power * right
        target = share / share.sum(axis=1, keepdims=True).clip(1e-9) * ~none[:, None]
        gradient = np.einsum("ns,nsf->f", p - target, x) / len(cases) + 1e-4 * w
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        w = w - rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-8)
    return w


def report(cases: list[Case], weights: np.ndarray) -> None:
    """Risk and coverage on the held-out articles."""
    best, hit = [], []
    for case in cases:
        score = case.features @ weights
        power = np.exp(score.clip(-30, 30))
        best.append(power.sum() / (1 + power.sum()))
        hit.append(bool(case.right[score.argmax()]))
    p, right = np.array(best), np.array(hit)
    answerable = np.array([case.answerable for case in cases])
    written = np.array([case.written for case in cases])
    without = ~answerable & ~written  # the question's article was left out
    print(
        f"held out: {answerable.sum()} answerable, {written.sum()} written without an answer, "
        f"{without.sum()} whose article is missing; sentence right {right[answerable].mean():.3f}"
    )
    print("threshold  answered&right  abstained: answerable  written  article missing  right when answered")
    for threshold in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6):
        given = p >= threshold
        print(
            f"{threshold:9.2f} {(given & right)[answerable].mean():15.3f} {(~given)[answerable].mean():22.3f}"
            f" {(~given)[written].mean():8.3f} {(~given)[without].mean():16.3f} {right[given].mean():20.3f}"
        )


if __name__ == "__main__":
    main()
