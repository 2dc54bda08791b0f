"""How likely the evidence supports a claim: a calibrated linear model over entailment and alignment.

Weights and threshold are in `model/support.json`, fitted by `python -m training.fit_support` on articles that
the entailment model was never trained on.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.answering.alignment import Evidence, Floats, Term, terms_of
from bot.answering.cloze import gaps, margin, respelt
from bot.answering.entailment import Entailment
from bot.answering.facts import Kind
from bot.answering.nearness import nearness
from bot.answering.question import NEGATION
from bot.answering.reader import MODEL, Reader
from vectorstore.embeddings import Embedder

FEATURES = (
    "entails", "entails_high", "belongs", "belongs_not", "belong_others", "gaps", "nearest", "near",
    "cover", "cover_window", "worst", "missing_names", "missing_figures", "elsewhere", "negation",
)  # fmt: skip
_SURE = 6.0  # logits: a margin like that is none to worry about
_NEAR = 0.4  # where nothing could be meant instead
_FEW_TERMS = 3  # a claim with fewer is read together with the question
_MOST_GAPS = 4  # facts that the reader is asked for: each costs a third of a claim's time


@dataclass(frozen=True, slots=True)
class Models:
    """What a claim is read with."""

    reader: Reader
    entailment: Entailment
    embedder: Embedder


@dataclass(frozen=True, slots=True)
class Readings:
    """What the models say of a claim and its evidence, in logits."""

    entails: float
    margins: tuple[float, ...]  # of facts that the evidence has others like: cloze.margin
    near: tuple[float, ...]  # of such facts: nearness


@dataclass(frozen=True, slots=True)
class Judge:
    """A fitted linear model; a claim whose probability is below the threshold is not supported."""

    weights: Floats  # in the order of FEATURES
    bias: float
    threshold: float

    def probability(self, claim: str, evidence: Evidence, read: Readings) -> float:
        """That the evidence supports the claim, 0 to 1."""
        score = float(features(claim, evidence, read) @ self.weights) + self.bias
        return 1 / (1 + math.exp(-score))


@dataclass(frozen=True, slots=True)
class Judges:
    """One for sentences, one for answers in a few words, which are judged together with their question."""

    sentence: Judge
    answer: Judge

    @classmethod
    def load(cls, folder: Path = MODEL) -> "Judges":
        """The shipped ones."""
        fitted = json.loads((folder / "support.json").read_text(encoding="utf-8"))
        return cls(*(_judge(fitted[kind]) for kind in ("sentence", "answer")))


def _judge(fitted: dict[str, Any]) -> Judge:
    weights = np.array([fitted["weights"][name] for name in FEATURES], np.float32)
    return Judge(weights, fitted["weights"]["bias"], fitted["threshold"])


def is_short(claim: str) -> bool:
    """Whether a claim says nothing without its question: "Ann Lee"."""
    return len(terms_of(claim)) < _FEW_TERMS


def read_with(models: Models, claim: str, evidence: Evidence, question: str = "") -> Readings:
    """What the models say of a claim and its evidence; `question` is what a short claim answers."""
    text = evidence.text
    claim = respelt(claim, text)
    asked = gaps(claim, text, question)[:_MOST_GAPS]
    margins: dict[int, float] = {}  # of a text read in windows the best
    for reading in models.reader.read_pairs([(gap.question, text) for gap in asked]):
        found = margin(asked[reading.text], reading)
        margins[reading.text] = max(found, margins.get(reading.text, found))
    whole = f"{question} {claim}".strip()
    return Readings(
        models.entailment.logit(whole, text), tuple(margins.values()), nearness(whole, text, models.embedder)
    )


def features(claim: str, evidence: Evidence, read: Readings) -> Floats:
    """In the order of FEATURES; each roughly between -1 and 1."""
    terms, window = evidence.terms, evidence.window.cover
    score = math.tanh(read.entails / 4)
    least, second = sorted([*read.margins, _SURE, _SURE])[:2]
    row = (
        score,
        max(0.0, score) ** 2,
        math.tanh(least / _SURE),
        max(0.0, -math.tanh(least / _SURE)),
        math.tanh(second / _SURE),
        min(1.0, len(read.margins) / 4),
        min(read.near, default=_NEAR),
        sum(read.near) / len(read.near) if read.near else _NEAR,
        _mean(evidence.cover),
        _mean(window),
        float((1 - evidence.cover).max(initial=0.0)),
        _missing(terms, window, names=True),
        _missing(terms, window, names=False),
        float(evidence.more is not None),
        float(bool(NEGATION.search(claim)) is not bool(NEGATION.search(evidence.window.text))),
    )
    return np.array(row, np.float32)


def _missing(terms: Sequence[Term], cover: Floats, *, names: bool) -> float:
    """How many names, or figures, the window lacks, 1 for two or more."""
    lacking = [
        1 - float(covered)
        for term, covered in zip(terms, cover, strict=True)
        if term.fact is not None and (term.fact.kind is Kind.NAME) is names
    ]
    return min(1.0, sum(lacking) / 2)


def _mean(cover: Floats) -> float:
    return float(cover.mean()) if len(cover) else 0.0
