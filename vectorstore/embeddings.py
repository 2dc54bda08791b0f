"""Texts in, unit vectors out: a compiled sentence-transformers model served by ONNX Runtime."""

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from vectorstore.model_files import ModelCard, ensure_compiled
from vectorstore.serving import cores, open_session, open_tokenizer

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
_MOST_WORDS = 20_000  # whose vectors are remembered: 30 MB when all are
_MANY = 4  # texts from which on cores take whole texts instead of sharing one


class Embedder(Protocol):
    """What the store needs of an embedding model; tests bring a fake."""

    card: ModelCard

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors, shape (len(texts), card.dimension)."""

    def count_tokens(self, texts: list[str]) -> list[int]:
        """How many tokens the model would read of each text, special tokens included."""

    def word_vectors(self, words: Sequence[str]) -> Vectors:
        """Unit vectors of single words, apart from any context, shape (len(words), width)."""

    def is_word(self, word: str) -> bool:
        """Whether the model's vocabulary has the word whole: then it is rightly spelt."""


class Encoder:
    """An ONNX encoder and its tokenizer, safe to share between threads."""

    def __init__(self, folder: Path, max_tokens: int) -> None:
        self._file = folder / "model.onnx"
        self._session = self._open(threads=0)
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._tokenizer = open_tokenizer(folder)
        self._lock = Lock()
        self._max_tokens = max_tokens

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension); texts that are too long are cut, with a warning.

        Each text is a batch of its own: no padding, and int8 ranges that do not depend on what else is
        embedded, so that a text always has the same vector. Many texts are spread over the cores, one each,
        which is 1.8 times as fast as batches of eight whose matrices the cores share.
        """
        with self._lock:
            encodings = self._tokenizer.encode_batch_fast(texts)
        cut = sum(len(encoding.ids) > self._max_tokens for encoding in encodings)
        if cut:
            log.warning(
                "%d of %d texts were longer than %d tokens and were cut", cut, len(texts), self._max_tokens
            )
        ids = [_clip(encoding.ids, self._max_tokens) for encoding in encodings]
        if len(ids) < _MANY:
            vectors = [self._run(self._session, sequence) for sequence in ids]
        else:
            with ThreadPoolExecutor(cores()) as pool:
                vectors = list(pool.map(lambda sequence: self._run(self._single, sequence), ids))
        return np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    def count_tokens(self, texts: list[str]) -> list[int]:
        """Tokens of each text, special tokens included, without any cut."""
        with self._lock:
            return [len(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(texts)]

    @cached_property
    def _single(self) -> ort.InferenceSession:
        """The model with one thread a call, for many calls at once; only an ingest needs it."""
        return self._open(threads=1)

    def _open(self, *, threads: int) -> ort.InferenceSession:
        return open_session(self._file, threads=threads, providers=ort.get_available_providers())

    def _run(self, session: ort.InferenceSession, ids: list[int]) -> Vectors:
        tokens = np.array([ids], np.int64)
        given = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        output: Vectors = session.run(None, {name: given[name] for name in self._inputs})[0][0]
        return output


class OnnxEmbedder(Encoder):
    """The embedding model that the settings name, compiled on first use."""

    def __init__(self, name: str, models: Path) -> None:
        folder = ensure_compiled(name, models)
        self.card = ModelCard(**json.loads((folder / "card.json").read_text(encoding="utf-8")))
        super().__init__(folder, self.card.max_tokens)
        self._pieces = np.load(folder / "words.npy", mmap_mode="r")
        self._rows: dict[str, int] = {}  # word -> row of the table below
        self._table = np.empty((_MOST_WORDS, self._pieces.shape[1]), np.float32)

    def word_vectors(self, words: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(words), width): the mean of the input embeddings of a word's pieces."""
        with self._lock:
            unknown = list(dict.fromkeys(word for word in words if word not in self._rows))
            if len(self._rows) + len(unknown) > _MOST_WORDS:
                self._rows.clear()
                unknown = list(dict.fromkeys(words))
            for word, encoding in zip(
                unknown, self._tokenizer.encode_batch_fast(unknown, add_special_tokens=False), strict=True
            ):
                vector = self._pieces[encoding.ids].astype(np.float32).sum(axis=0)
                self._rows[word] = len(self._rows)
                self._table[self._rows[word]] = vector / max(float(np.linalg.norm(vector)), 1e-6)
            return self._table[[self._rows[word] for word in words]]

    def is_word(self, word: str) -> bool:
        """Whether the tokenizer keeps the word whole."""
        with self._lock:
            return len(self._tokenizer.encode(word, add_special_tokens=False).ids) == 1


def _clip(ids: list[int], limit: int) -> list[int]:
    """Cut in front of the closing special token, as sentence-transformers does."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
