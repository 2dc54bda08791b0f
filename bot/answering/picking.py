"""Which sentences of the passages answer a question: a small linear model over how well they cover it.

The seam that a trained reader takes over: `pick(question, retrieval)` gives candidates, best first, each
with the probability that it answers, against all others and against "none of them does".
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.answering.fit import fits
from bot.answering.question import FUNCTION_WORDS, Question, content_words
from vectorstore.datatypes import Passage, Span, header
from vectorstore.embeddings import Embedder, Words
from vectorstore.lexical import stems
from vectorstore.retrieval import Retrieval

Floats = NDArray[np.float32]

_CONTEXT_WEIGHT = 0.5  # of a word that comes from the question before
_SOFT_FROM, _SOFT_TO = 0.2, 0.6  # cosine of word vectors: below strangers, above synonyms
_BARE_URL = re.compile(r"\S+://\S+$")

# python benchmarks/tune_picker.py DATA, on the 20 training articles of SQuAD 2.0
WEIGHTS = {
    "cover": 5.46,
    "cover_near": 2.45,
    "cover_passage": -1.72,
    "worst": -1.35,
    "name_missing": -2.89,
    "dense": 3.37,
    "behind": 6.13,
    "fit": 0.24,
    "misfit": -1.14,
    "pairs": -0.01,
    "length": -0.42,
    "news": -1.11,
    "asks": -0.32,
    "few_words": -3.51,
    "bias": -3.70,
}
FEATURES = tuple(WEIGHTS)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer."""

    passage: Passage
    span: Span  # offsets into the article's text
    text: str
    features: Floats
    probability: float


def pick(question: Question, retrieval: Retrieval, embedder: Embedder) -> list[Candidate]:
    """The sentences of the passages, likeliest answer first."""
    found = candidates(question, retrieval, embedder)
    weights = np.array([WEIGHTS[name] for name in FEATURES], np.float32)
    likelihoods = probabilities(
        np.array([features for _, _, features in found]).reshape(-1, len(weights)) @ weights
    )
    picked = [
        Candidate(passage, span, _text(passage, span), features, float(p))
        for (passage, span, features), p in zip(found, likelihoods, strict=True)
    ]
    return sorted(picked, key=lambda candidate: -candidate.probability)


def probabilities(scores: Floats) -> Floats:
    """Softmax over the candidates and "none of them answers", whose score is 0; that one is left out."""
    top = max(float(scores.max(initial=0.0)), 0.0)
    powers = np.exp(scores - top)
    result: Floats = powers / (powers.sum() + math.exp(-top))
    return result


def candidates(
    question: Question, retrieval: Retrieval, embedder: Embedder
) -> list[tuple[Passage, Span, Floats]]:
    """Each distinct sentence of the passages with its features, in the order of FEATURES."""
    if not retrieval.passages:
        return []
    asked = _asked(question, retrieval, embedder)
    best = retrieval.passages[0].score
    words = embedder.words([passage.chunk.text for passage in retrieval.passages])
    found: dict[tuple[str, Span], tuple[Passage, Span, Floats]] = {}
    for passage, read in zip(retrieval.passages, words, strict=True):
        cover = _Cover(asked, passage, read)
        for place, span in enumerate(passage.chunk.sentences):
            key = (passage.article.source, span)
            if key not in found and not _BARE_URL.match(_text(passage, span)):
                found[key] = (passage, span, cover.features(question, place, passage.score - best))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Asked:
    """The content words of a question: stems, vectors and weights, one row a word."""

    by_stem: dict[str, list[int]]
    vectors: Floats
    weights: Floats  # sums to 1
    is_name: NDArray[np.bool_]
    initials: tuple[str, ...]  # the first two letters
    lower: frozenset[str]


def _asked(question: Question, retrieval: Retrieval, embedder: Embedder) -> _Asked:
    own = content_words(question.text)
    words = list(dict.fromkeys(own + content_words(question.context)))
    terms = {term.stem: term for term in retrieval.terms}
    unknown = max((term.idf for term in retrieval.terms), default=1.0)
    by_stem: dict[str, list[int]] = {}
    meant, weights = [], []
    for row, word in enumerate(words):
        stem = stem_of(word)
        term = terms.get(stem)
        stands_for = term.stands_for if term and term.known else (stem,)
        for each in stands_for:
            by_stem.setdefault(each, []).append(row)
        meant.append(word if stem in stands_for else stands_for[0])
        weights.append((term.idf if term else unknown) * (1.0 if word in own else _CONTEXT_WEIGHT))
    share = np.array(weights, np.float32)
    return _Asked(
        by_stem=by_stem,
        vectors=np.stack([_vector(read.vectors) for read in embedder.words(meant)])
        if meant
        else np.empty((0, 0), np.float32),
        weights=share / max(float(share.sum()), 1e-6),
        is_name=np.array([_is_name(word, question.text, retrieval) for word in words], bool),
        initials=tuple(word[:2].lower() for word in meant),
        lower=frozenset(word.lower() for word in words),
    )


def _vector(pieces: Floats) -> Floats:
    mean: Floats = pieces.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-6)


def _is_name(word: str, question: str, retrieval: Retrieval) -> bool:
    """Whether a word names somebody or something, so that no synonym will do."""
    if any(letter.isdigit() for letter in word):
        return True
    if word[0].isupper() and not question.startswith(word):
        return True
    pattern = re.compile(rf"(?<=[a-z,] )(?i:{re.escape(word)})\b")
    seen = [match for passage in retrieval.passages for match in pattern.findall(passage.chunk.text)]
    return bool(seen) and all(match[0].isupper() for match in seen)


class _Cover:
    """How well the sentences of one passage cover the words of a question."""

    def __init__(self, asked: _Asked, passage: Passage, words: Words) -> None:
        self._asked, self._passage = asked, passage
        self._spans = [(start + passage.chunk.start, end + passage.chunk.start) for start, end in words.spans]
        self._surface = [passage.chunk.text[start:end] for start, end in words.spans]
        self._matches = self._match(words)
        self._sentences = [self._rows(span) for span in passage.chunk.sentences]
        self._best = np.array([self._matches[a:b].max(axis=0, initial=0.0) for a, b in self._sentences])
        self._header = np.zeros(len(asked.weights), np.float32)
        for stem in stems(header(passage.article, passage.chunk.section)):
            self._header[asked.by_stem.get(stem, [])] = 1.0

    def features(self, question: Question, place: int, behind: float) -> Floats:
        """The features of the sentence at `place`, in the order of FEATURES."""
        asked = self._asked
        first, last = self._sentences[place]
        start, end = self._passage.chunk.sentences[place]
        text = self._passage.chunk.text[start - self._passage.chunk.start : end - self._passage.chunk.start]
        own = self._best[place]
        near = np.maximum(self._best[max(0, place - 1) : place + 2].max(axis=0), self._header)
        near = np.maximum(own, 0.9 * near)
        whole = np.maximum(self._best.max(axis=0), self._header)
        fit = fits(question.kind, text, question.search_text)
        fresh = (
            {word.lower() for word in self._surface[first:last] if len(word) > 2}
            - asked.lower
            - FUNCTION_WORDS
        )
        return np.array(
            [
                own @ asked.weights,
                near @ asked.weights,
                whole @ asked.weights,
                (asked.weights * (1 - near)).max(initial=0.0),
                (asked.weights * (near < 0.5) * asked.is_name).sum(),
                self._passage.dense,
                behind,
                fit is True,
                fit is False,
                self._pairs(first, last),
                math.log1p(last - first),
                min(len(fresh), 8) / 8,
                text.endswith("?"),
                1 / max(2, len(asked.weights)),  # a question of one word is as good as one of two
                1.0,
            ],
            np.float32,
        )

    def _match(self, words: Words) -> Floats:
        """How well each word of the passage stands for each word of the question, 0 to 1."""
        asked = self._asked
        if not len(asked.weights) or not words.spans:
            return np.zeros((len(words.spans), len(asked.weights)), np.float32)
        cosine = words.vectors @ asked.vectors.T
        soft: Floats = ((cosine - _SOFT_FROM) / (_SOFT_TO - _SOFT_FROM)).clip(0, 1)
        capital = np.array([word[0].isupper() for word in self._surface])
        alike = np.array(
            [[word[:2].lower() == initial for initial in asked.initials] for word in self._surface]
        )
        soft[:, asked.is_name] *= alike[:, asked.is_name]  # Finland and Finnish, not Finland and Norway
        soft[capital[:, None] & ~alike] *= 0.5
        for row, word in enumerate(self._surface):
            matching = asked.by_stem.get(stem_of(word))
            if matching:
                soft[row, matching] = 1.0
        return soft

    def _rows(self, span: Span) -> tuple[int, int]:
        first = sum(start < span[0] for start, _ in self._spans)
        return first, first + sum(span[0] <= start < span[1] for start, _ in self._spans)

    def _pairs(self, first: int, last: int) -> float:
        """The share of neighbouring question words that are also near each other in the sentence."""
        found = self._matches[first:last]
        if found.shape[1] < 2 or not len(found):
            return 0.0
        places, sure = found.argmax(axis=0), found.max(axis=0) > 0.5
        near = (np.abs(np.diff(places)) <= 3) & sure[1:] & sure[:-1]
        return float(near.mean())


def _text(passage: Passage, span: Span) -> str:
    return passage.chunk.text[span[0] - passage.chunk.start : span[1] - passage.chunk.start]


@lru_cache(maxsize=65536)
def stem_of(word: str) -> str:
    """The stem of a single word, as the index has it."""
    return next(iter(stems(word)), word.lower())
