"""A passage read once for all questions: its words, their stems, and which sentence has them."""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.answering.question import FUNCTION_WORDS
from vectorstore.datatypes import Chunk
from vectorstore.lexical import WORD, stem_of

_INNER = re.compile(r"(?<=[a-z,] )[^\W_]+")  # within a sentence, where a capital means a name


@dataclass(frozen=True, slots=True)
class Reading:
    """What a passage's words are, apart from any question; "distinct" is shorter than the text by half."""

    distinct: tuple[str, ...]  # the words as written, each once
    stems: tuple[str, ...]  # of the distinct words
    capital: NDArray[np.bool_]  # of the distinct words
    initials: NDArray[np.str_]  # the first two letters of the distinct words, lower case
    order: NDArray[np.intp]  # the text as rows of the distinct words
    sentences: tuple[tuple[int, int], ...]  # from which place in `order` to which
    content: tuple[frozenset[str], ...]  # of each sentence, the lower-case words that say something
    names: dict[str, bool]  # lower-case word within a sentence -> whether it always has a capital


@lru_cache(maxsize=1024)  # about 20 kB each
def read(chunk: Chunk) -> Reading:
    """Read a chunk."""
    found = list(WORD.finditer(chunk.text))
    words = [match.group() for match in found]
    rows: dict[str, int] = {}
    order = np.array([rows.setdefault(word, len(rows)) for word in words], np.intp)
    starts = np.array([match.start() + chunk.start for match in found])
    borders = np.searchsorted(starts, np.array(chunk.sentences).reshape(-1, 2))
    sentences = tuple((int(first), int(last)) for first, last in borders)
    names: dict[str, bool] = {}
    for word in _INNER.findall(chunk.text):
        names[word.lower()] = names.get(word.lower(), True) and word[0].isupper()
    return Reading(
        distinct=tuple(rows),
        stems=tuple(stem_of(word) for word in rows),
        capital=np.array([word[0].isupper() for word in rows], bool),
        initials=np.array([word[:2].lower() for word in rows], "<U2"),
        order=order,
        sentences=sentences,
        content=tuple(
            frozenset(low for word in words[first:last] if len(low := word.lower()) > 2) - FUNCTION_WORDS
            for first, last in sentences
        ),
        names=names,
    )
