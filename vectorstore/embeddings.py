"""Texts in, unit vectors out: a compiled sentence-transformers model served by ONNX Runtime."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from vectorstore.datatypes import Span
from vectorstore.model_files import ModelCard, ensure_compiled

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
_BATCH = 8  # larger batches leave the cache of a small machine and are slower


class Embedder(Protocol):
    """What the store needs of an embedding model; tests bring a fake."""

    card: ModelCard

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors, shape (len(texts), card.dimension)."""

    def count_tokens(self, texts: list[str]) -> list[int]:
        """How many tokens the model would read of each text, special tokens included."""

    def words(self, texts: list[str]) -> "list[Words]":
        """The words of each text with a vector each that does not depend on the words around it."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text: offsets into it, and unit vectors of shape (len(spans), width)."""

    spans: tuple[Span, ...]
    vectors: Vectors


class Encoder:
    """An ONNX encoder and its tokenizer, safe to share between threads."""

    def __init__(self, folder: Path, max_tokens: int, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads  # 0: one per core
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            str(folder / "model.onnx"), options, providers=ort.get_available_providers()
        )
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._lock = Lock()  # a shared fast tokenizer raises "Already borrowed" without one
        self._max_tokens = max_tokens

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension); texts that are too long are cut, with a warning."""
        with self._lock:
            encodings = self._tokenizer.encode_batch(texts)
        cut = sum(len(encoding.ids) > self._max_tokens for encoding in encodings)
        if cut:
            log.warning(
                "%d of %d texts were longer than %d tokens and were cut", cut, len(texts), self._max_tokens
            )
        ids = [_clip(encoding.ids, self._max_tokens) for encoding in encodings]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))  # like lengths together: less padding
        vectors: list[Vectors] = [np.empty(0, np.float32)] * len(ids)
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            for i, vector in zip(batch, self._run([ids[i] for i in batch]), strict=True):
                vectors[i] = vector
        return np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    def count_tokens(self, texts: list[str]) -> list[int]:
        """Tokens of each text, special tokens included, without any cut."""
        with self._lock:
            return [len(encoding.ids) for encoding in self._tokenizer.encode_batch(texts)]

    def _run(self, ids: list[list[int]]) -> Vectors:
        width = max(map(len, ids))
        tokens, mask = np.zeros((len(ids), width), np.int64), np.zeros((len(ids), width), np.int64)
        for row, sequence in enumerate(ids):
            tokens[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        output: Vectors = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        return output


class OnnxEmbedder(Encoder):
    """The embedding model that the settings name, compiled on first use."""

    def __init__(self, name: str, models: Path) -> None:
        folder = ensure_compiled(name, models)
        self.card = ModelCard(**json.loads((folder / "card.json").read_text(encoding="utf-8")))
        super().__init__(folder, self.card.max_tokens)
        self._table = np.load(folder / "words.npy", mmap_mode="r")

    def words(self, texts: list[str]) -> list[Words]:
        """The words of each text; the vector of a word is the mean of its pieces' input embeddings."""
        with self._lock:
            encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return [_words(encoding, self._table) for encoding in encodings]


def _words(encoding: Encoding, table: NDArray[np.float16]) -> Words:
    places = [place for place, word in enumerate(encoding.word_ids) if word is not None]
    if not places:
        return Words((), np.empty((0, table.shape[1]), np.float32))
    numbers = [encoding.word_ids[place] for place in places]
    starts = [i for i, number in enumerate(numbers) if i == 0 or number != numbers[i - 1]]
    ends = [*starts[1:], len(places)]
    offsets = encoding.offsets
    spans = tuple(
        (offsets[places[a]][0], offsets[places[b - 1]][1]) for a, b in zip(starts, ends, strict=True)
    )
    pieces = table[[encoding.ids[place] for place in places]].astype(np.float32)
    vectors = np.add.reduceat(pieces, starts, axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-6)
    return Words(spans, vectors)


def _clip(ids: list[int], limit: int) -> list[int]:
    """Cut in front of the closing special token, as sentence-transformers does."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
