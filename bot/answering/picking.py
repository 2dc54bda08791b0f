"""Which sentences of the passages cover a question: a small linear model, in a few milliseconds.

It tells the reader which passages to read first, and its features tell the verifier how much of the question
the sentence around a span has.
"""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bot.answering.fit import fits
from bot.answering.question import Question, content_words
from bot.answering.reading import Reading, read
from ingest.plain import find_date
from vectorstore.datatypes import Passage, Span, header
from vectorstore.embeddings import Embedder
from vectorstore.lexical import stem_of, stems
from vectorstore.retrieval import Retrieval

Floats = NDArray[np.float32]

_CONTEXT_WEIGHT = 0.5  # of all words from the question before together, beside a follow-up's own
_SOFT_FROM, _SOFT_TO = 0.2, 0.6  # cosine of word vectors: below strangers, above synonyms
_NEAR = 0.9  # of a word that a neighbouring sentence or the header has
_DATELINE = 60  # characters: no dateline is longer
_VERB_LIKE = re.compile(r"(?<=\s)[a-z]{3,}")  # a word that a dateline has none of
_BARE_URL = re.compile(r"\S+://\S+$")

# python -m benchmarks.tune_picker DATA, on the 20 training articles of SQuAD 2.0
WEIGHTS = {
    "cover": 5.55,
    "cover_near": 2.39,
    "cover_passage": -1.75,
    "worst": -1.29,
    "name_missing": -2.81,
    "dense": 3.33,
    "behind": 6.04,
    "fit": 0.25,
    "misfit": -1.12,
    "length": -0.42,
    "news": -1.18,
    "asks": -0.33,
    "few_words": -3.64,
    "bias": -3.66,
}
FEATURES = (*WEIGHTS, "name_absent", "name_far")  # the last two are for the verifier alone


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer."""

    passage: Passage
    span: Span  # offsets into the article's text
    text: str
    features: Floats  # in the order of FEATURES
    probability: float  # that it answers, against all others and against "none of them does"


def pick(question: Question, retrieval: Retrieval, embedder: Embedder) -> list[Candidate]:
    """The sentences of the passages, likeliest answer first."""
    found = candidates(question, retrieval, embedder)
    weights = np.array([WEIGHTS.get(name, 0.0) for name in FEATURES], np.float32)
    likelihoods = probabilities(
        np.array([features for _, _, features in found]).reshape(-1, len(weights)) @ weights
    )
    picked = [
        Candidate(passage, span, passage.chunk.part(span), features, float(p))
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
    found: dict[tuple[str, Span], tuple[Passage, Span, Floats]] = {}
    for passage in retrieval.passages:
        features = _features(question, asked, passage, passage.score - best, embedder)
        for span, row in zip(passage.chunk.sentences, features, strict=True):
            key = (passage.article.source, span)
            text = " ".join(passage.chunk.part(span).split())
            if key not in found and not _says_nothing(text, passage):
                found[key] = (passage, span, row)
    return list(found.values())


def _says_nothing(sentence: str, passage: Passage) -> bool:
    """Whether it is a bare link, a question, the dateline, or the title or heading that the passage is under.

    "Auckland, March 16, 2025" below an author's name says where and when it was written: asked when somebody
    became minister, a reader finds no other date.
    """
    article = passage.article
    heads = {article.title.casefold(), passage.chunk.section.casefold(), (article.author or "").casefold()}
    is_dateline = article.author and len(sentence) < _DATELINE and find_date(sentence) == article.date
    return (
        bool(_BARE_URL.match(sentence))
        or sentence.endswith("?")
        or sentence.casefold() in heads
        or bool(is_dateline and article.date and not _VERB_LIKE.search(sentence))
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """The content words of a question: stems, vectors and weights, one row a word."""

    by_stem: dict[str, list[int]]
    vectors: Floats
    weights: Floats  # sums to 1
    is_name: NDArray[np.bool_]
    initials: NDArray[np.str_]  # the first two letters
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
        weights.append(term.idf if term else unknown)
    share = _shared(np.array(weights, np.float32), np.array([word in own for word in words], bool))
    return _Asked(
        by_stem=by_stem,
        vectors=embedder.word_vectors(meant),
        weights=share / max(float(share.sum()), 1e-6),
        is_name=np.array([_is_name(word, question.text, retrieval) for word in words], bool),
        initials=np.array([word[:2].lower() for word in meant], "<U2"),
        lower=frozenset(word.lower() for word in words),
    )


def _shared(weights: Floats, own: NDArray[np.bool_]) -> Floats:
    """The weights with those of the question before scaled down: "Where was he born?" asks about a birth."""
    most = _CONTEXT_WEIGHT * float(weights[own].sum())
    context = float(weights[~own].sum())
    if own.any() and context > most:
        weights[~own] *= most / context
    return weights


def _is_name(word: str, question: str, retrieval: Retrieval) -> bool:
    """Whether a word names somebody or something, so that no synonym will do."""
    if any(letter.isdigit() for letter in word):
        return True
    if word[0].isupper() and not question.startswith(word):
        return True
    seen = (read(passage.chunk).names.get(word.lower()) for passage in retrieval.passages)
    capital = [each for each in seen if each is not None]
    return bool(capital) and all(capital)


def _features(
    question: Question, asked: _Asked, passage: Passage, behind: float, embedder: Embedder
) -> Floats:
    """Features of each sentence of a passage, shape (sentences, features), in the order of FEATURES."""
    reading = read(passage.chunk)
    words = _match(asked, reading, embedder)[reading.order]
    nothing = np.zeros(len(asked.weights), np.float32)
    own = np.array([words[a:b].max(axis=0) if b > a else nothing for a, b in reading.sentences])
    head = nothing.copy()
    for stem in stems(header(passage.article, passage.chunk.section)):
        head[asked.by_stem.get(stem, [])] = 1.0
    padded = np.vstack([nothing, own, nothing])
    around = np.maximum(np.maximum(padded[:-2], padded[2:]), np.maximum(own, head))
    near = np.maximum(own, _NEAR * around)
    whole = np.maximum(own.max(axis=0), head)
    missing = asked.weights * (1 - near)
    texts = [passage.chunk.part(span) for span in passage.chunk.sentences]
    fit = [fits(question.kind, text, question.search_text) for text in texts]
    columns: dict[str, ArrayLike] = {
        "cover": own @ asked.weights,
        "cover_near": near @ asked.weights,
        "cover_passage": whole @ asked.weights,
        "worst": missing.max(axis=1, initial=0.0),
        "name_missing": ((near < 0.5) * asked.is_name) @ asked.weights,
        "dense": passage.dense,
        "behind": behind,
        "fit": [each is True for each in fit],
        "misfit": [each is False for each in fit],
        "length": [math.log1p(last - first) for first, last in reading.sentences],
        "news": [min(len(content - asked.lower), 8) / 8 for content in reading.content],
        "asks": [text.endswith("?") for text in texts],
        "few_words": 1 / max(2, len(asked.weights)),  # a question of one word is as good as one of two
        "bias": 1.0,
        "name_absent": ((whole < 0.5) * asked.is_name) @ asked.weights,
        "name_far": ((np.maximum(own, head) < 0.5) * asked.is_name) @ asked.weights,
    }
    rows = np.empty((len(own), len(FEATURES)), np.float32)
    for place, name in enumerate(FEATURES):
        rows[:, place] = columns[name]
    return rows


def _match(asked: _Asked, reading: Reading, embedder: Embedder) -> Floats:
    """How well each distinct word of a passage stands for each word of the question, 0 to 1."""
    if not len(asked.weights) or not reading.distinct:
        return np.zeros((len(reading.distinct), len(asked.weights)), np.float32)
    cosine = embedder.word_vectors(reading.distinct) @ asked.vectors.T
    soft: Floats = ((cosine - _SOFT_FROM) / (_SOFT_TO - _SOFT_FROM)).clip(0, 1)
    alike = reading.initials[:, None] == asked.initials
    soft[:, asked.is_name] *= alike[:, asked.is_name]  # Finland and Finnish, not Finland and Norway
    soft[reading.capital[:, None] & ~alike] *= 0.5
    for row, stem in enumerate(reading.stems):
        if stem in asked.by_stem:
            soft[row, asked.by_stem[stem]] = 1.0
    return soft
