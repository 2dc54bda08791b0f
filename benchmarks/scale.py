"""Retrieval from a big library: real text, synthetic vectors, so that it is built in minutes, not hours.

python -m benchmarks.scale TEXT.json.gz [MORE.json.gz …] [--chunks 200000]

A chunk is three sentences drawn from all SQuAD files given; its vector is the real vector of a paragraph
plus noise, scaled to unit length. Questions are real ones, and their embedding is part of the time.
"""

import argparse
import logging
import random
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import squad
from vectorstore.chroma import Connection
from vectorstore.datatypes import ArticleInfo, Chunk
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.lexical import LexicalIndex
from vectorstore.retrieval import Retriever
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store

ROOT = Path(__file__).parent.parent
IN_ARTICLE = 1000  # chunks
NOISE = 0.7  # length of the noise beside a vector of length 1: neighbours at cosines as real ones have


def main() -> None:
    """Build, warm up, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--chunks", type=int, default=200_000)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    paragraphs: list[str] = []
    questions: list[str] = []
    for file in args.files:
        articles, asked = squad.read(file)
        paragraphs += [text for texts in articles.values() for text in texts]
        questions += [question.text for question in asked]
    chance = random.Random(7)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        settings = VectorstoreSettings(data=Path(folder))
        embedder = OnnxEmbedder(settings.embedding_model, args.models)
        connection = Connection(settings)
        store = Store(connection, "big", embedder)
        began = time.perf_counter()
        build(store, paragraphs, args.chunks, chance)
        stored = time.perf_counter()
        retriever = Retriever(store, LexicalIndex(Path(folder) / "lexical"))
        retriever.retrieve("warm up")
        ready = time.perf_counter()
        milliseconds = []
        for question in chance.sample(questions, args.questions + 50):
            start = time.perf_counter()
            retriever.retrieve(question)
            milliseconds.append(1000 * (time.perf_counter() - start))
        connection.close()
    median, p95, p99 = np.percentile(milliseconds[50:], [50, 95, 99])
    print(f"{args.chunks} chunks: stored in {stored - began:.0f} s, indexed in {ready - stored:.0f} s")
    print(f"retrieval, embedding included: median {median:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")


def build(store: Store, paragraphs: list[str], size: int, chance: random.Random) -> None:
    """Fill the store."""
    sentences = [part for text in paragraphs for part in text.split(". ") if len(part) > 30]
    real = store.embedder.embed(paragraphs)
    noise = np.random.default_rng(7)
    with store.connection.writing():
        for number in range(0, size, IN_ARTICLE):
            count = min(IN_ARTICLE, size - number)
            chunks, at = [], 0
            for _ in range(count):
                text = ". ".join(chance.sample(sentences, 3))
                span = (at, at + len(text))
                chunks.append(Chunk(text=text, start=at, end=span[1], section="", sentences=(span,)))
                at = span[1] + 1
            vectors = real[noise.integers(len(real), size=count)]
            vectors = vectors + noise.normal(size=vectors.shape) * NOISE / np.sqrt(vectors.shape[1])
            vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
            store.replace(ArticleInfo(source=f"big/{number}", title=f"Article {number}"), "", chunks, vectors)


if __name__ == "__main__":
    main()
