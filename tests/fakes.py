"""Small real stand-ins: an embedding model that counts words, and articles to put into a library."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bot.answering.chat_model import Messages, Patience, Usage, tokens
from bot.answering.datatypes import Answer, Citation, Seen, SpanSeen, Trace
from ingest.fetch import Rules
from ingest.pipeline import Outcome, ingest, place_of
from ingest.tables import Cell, told
from vectorstore.chroma import Connection
from vectorstore.datatypes import ArticleInfo, Chunk, Passage
from vectorstore.embeddings import Embedder, Vectors
from vectorstore.lexical import LexicalIndex, stems
from vectorstore.library import Library
from vectorstore.model_files import ModelCard
from vectorstore.retrieval import Retriever
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store

DIMENSION = 256


class WordEmbedder:
    """Texts that share words are near each other; a token is a word, and there are two special ones."""

    def __init__(self, name: str = "words", max_tokens: int = 60) -> None:
        self.card = ModelCard(
            name, hashlib.sha256(name.encode()).hexdigest()[:12], DIMENSION, max_tokens, "fake", 1
        )
        self.embedded = 0

    def embed(self, texts: list[str]) -> Vectors:
        """The sum of the words' vectors, of unit length."""
        self.embedded += len(texts)
        return (
            _unit(np.stack([self._sum(text) for text in texts]))
            if texts
            else np.empty((0, DIMENSION), np.float32)
        )

    def count_tokens(self, texts: list[str]) -> list[int]:
        """Words, and two."""
        return [len(text.split()) + 2 for text in texts]

    def word_vectors(self, words: Sequence[str]) -> Vectors:
        """A vector for each stem, nearly at right angles to every other."""
        return (
            _unit(np.stack([self._sum(word) for word in words]))
            if words
            else np.empty((0, DIMENSION), np.float32)
        )

    def is_word(self, word: str) -> bool:
        """It knows no words by heart."""
        return False

    def _sum(self, text: str) -> Vectors:
        total = np.full(DIMENSION, 1e-6, np.float32)
        for stem in stems(text):
            seed = int.from_bytes(hashlib.sha256(stem.encode()).digest()[:8])
            total += np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
        return total


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32)


def open_fake(data: Path, name: str = "default", embedder: Embedder | None = None) -> Library:
    """A library under `data` that embeds with the fake."""
    connection = Connection(VectorstoreSettings(data=data))
    store = Store(connection, name, embedder or WordEmbedder())
    index = LexicalIndex(data / "lexical" / name)
    return Library(connection, store, index, Retriever(store, index))


def write(folder: Path, **texts: str) -> list[Path]:
    """A text file for each keyword."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.txt" for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def store_all(library: Library, files: list[Path]) -> list[Outcome]:
    """Ingest files as the command does."""
    with library.connection.writing():
        library.store.repair()
        outcomes = list(ingest([place_of(file) for file in files], library.store, Rules(max_bytes=10**7)))
        library.index.sync(library.store)
    return outcomes


def answer(
    text: str = "In May.",
    *,
    abstained: bool = False,
    quote: str = "It opens in May.",
    source: str = "a/ferry.txt",
    title: str = "Ferry",
) -> Answer:
    """An answer with one citation, or none."""
    citation = Citation(
        title=title, source=source, date="2026-03-03", quote=quote, start=3, end=19, score=0.87654
    )
    seen = Seen(
        chunk_id="ab.1.0", title=title, source=source, start=0, end=40, score=0.9, dense=0.5, lexical=0.8
    )
    span = SpanSeen(
        text="in May",
        chunk_id="ab.1.0",
        start=12,
        end=18,
        reader=4.2,
        answers=1.5,
        probability=0.7,
        close=3.9,
    )
    return Answer(
        question="When?",
        text=text,
        abstained=abstained,
        citations=() if abstained else (citation,),
        answerer="builtin",
        library="default",
        seconds=0.01234,
        trace=Trace(
            passages=(seen,), revision=3, likelihood=0.7, threshold=0.15, read_as="When?", spans=(span,)
        ),
    )


@dataclass
class ScriptedModel:
    """A chat model that answers with what `says` makes of the messages, a word at a time."""

    name: str
    says: Callable[[Messages], str]
    patience: Patience = field(default_factory=Patience)
    asked: list[Messages] = field(default_factory=list)

    def stream(
        self, messages: Messages, on_text: Callable[[str], None], _patience: Patience | None = None
    ) -> Usage:
        """Tell the answer, or raise what `says` raises."""
        self.asked.append(messages)
        text = self.says(messages)
        for piece in re.findall(r"\S+\s*|\s+", text):
            on_text(piece)
        return Usage(tokens(messages), tokens([("assistant", text)]), 0.01, 0.02)


def reading(says: Callable[[str], str]) -> Callable[[Messages], str]:
    """What a scripted model says of all that it reads."""
    return lambda messages: says("\n\n".join(text for _, text in messages))


def table_passage(
    table: tuple[tuple[str, ...], ...], *, title: str = "House book", source: str = "a", first: int = 0
) -> Passage:
    """A passage with the rows of a table as they are ingested; the chunk begins at row `first`."""
    rows = [row for row in told([[Cell(text, n == 0) for text in row] for n, row in enumerate(table)]) if row]
    spans, at = [], 0
    for row in rows:
        spans.append((at, at + len(row)))
        at += len(row) + 1
    start = spans[first][0]
    text = "\n".join(rows)[start:]
    chunk = Chunk(text=text, start=start, end=start + len(text), section="", sentences=tuple(spans[first:]))
    article = ArticleInfo(source=source, title=title)
    return Passage(chunk_id=f"{source}.1.{first}", article=article, chunk=chunk, score=1, dense=1, lexical=1)
