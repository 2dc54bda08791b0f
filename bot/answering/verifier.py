"""How likely a span really answers: a calibrated linear model over the reader's scores and the words' fit.

The reader's score alone is not enough: at the threshold that answers most questions rightly it also answers
many that only look answerable. Weights, scaling and threshold are in `model/verifier.json`, fitted by
`python -m training.fit_verifier` on paragraphs that the reader was never trained on.
"""

import json
import math
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.answering import changes, speech
from bot.answering.fit import fits
from bot.answering.lists import enumerates
from bot.answering.picking import FEATURES as OF_SENTENCE
from bot.answering.polar import is_polar
from bot.answering.question import NEGATION, Kind, Question, content_words
from bot.answering.reader import MODEL
from bot.answering.spans import Found
from ingest.tables import CELLS
from vectorstore.lexical import stem_of, stems

Floats = NDArray[np.float32]

FEATURES = (
    "span", "span_high", "answers", "close", "close_answers", "margin", "agree", "sentence",
    "cover", "cover_near", "cover_passage", "worst", "name_missing", "name_absent", "name_far",
    "dense", "behind",
    "fit", "misfit", "fit_sentence", "misfit_sentence", "length", "repeats", "few_words", "negation",
    "other_speaker", "polar", "polar_cover", "list", "list_items", "list_enumerates", "no_reason",
    "other_side",
)  # fmt: skip
_TAKEN = FEATURES[FEATURES.index("cover") : FEATURES.index("behind") + 1]  # from the sentence's own
_AGAINST = re.compile(
    r"\b(?:against|oppos(?:ed?|es|ing)|object(?:ed|s|ing)?|reject(?:ed|s)?|refus(?:ed?|es)|disagree[ds]?|dissent\w*)\b",
    re.IGNORECASE,
)
_ASIDE = 3.0  # logits, set by hand, for who took another side, and for what stands in another row
_KINDS_OF_TYPE = (Kind.WHEN, Kind.NUMBER, Kind.WHO)


@dataclass(frozen=True)
class Verifier:
    """The fitted model."""

    folder: Path = MODEL

    @cached_property
    def _fitted(self) -> dict[str, object]:
        fitted: dict[str, object] = json.loads((self.folder / "verifier.json").read_text(encoding="utf-8"))
        return fitted

    @property
    def threshold(self) -> float:
        """Below this probability an abstention is the better answer, on the held-out questions."""
        return float(self._fitted["threshold"])  # type: ignore[arg-type]

    def probabilities(self, question: Question, found: list[Found]) -> list[float]:
        """That each span answers the question, 0 to 1."""
        weights: dict[str, float] = self._fitted["weights"]  # type: ignore[assignment]
        vector = np.array([weights[name] for name in FEATURES], np.float32)
        scores = features(question, found) @ vector + weights["bias"]
        scores -= _ASIDE * np.maximum(_other_stance(question, found), _other_row(question, found))
        return [1 / (1 + math.exp(-float(score))) for score in scores]


def _other_stance(question: Question, found: list[Found]) -> Floats:
    """Of who was against something, 1 for spans whose sentence does not say so where another's does."""
    says = np.array([bool(_AGAINST.search(each.sentence.text)) for each in found], bool)
    asked = question.kind is Kind.WHO and _AGAINST.search(question.standalone)
    return (~says if asked and says.any() else np.zeros(len(found))).astype(np.float32)


def _other_row(question: Question, found: list[Found]) -> Floats:
    """Of one cell, 1 for spans in a row of a table where another row has more of the question's words."""
    asked = frozenset(stem_of(word.lower()) for word in content_words(question.standalone))
    aside = np.zeros(len(found), np.float32)
    for place, each in enumerate(found):
        if CELLS in each.sentence.text and not question.wants_list:
            chunk = each.passage.chunk
            rows = [chunk.part(span) for span in chunk.sentences]
            mine = len(asked.intersection(stems(each.sentence.text)))
            aside[place] = any(len(asked.intersection(stems(row))) > mine for row in rows if CELLS in row)
    return aside


def features(question: Question, found: list[Found]) -> Floats:
    """Shape (found, features), in the order of FEATURES; each roughly between -1 and 1."""
    asked = _Asked(
        question,
        frozenset(content_words(question.standalone.lower())),
        is_polar(question.standalone),
        bool(NEGATION.search(question.standalone)),
        speech.speaker_asked_for(question.standalone),
    )
    rows = [_row(asked, each, found) for each in found]
    return np.array(rows, np.float32).reshape(-1, len(FEATURES))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is the same for every span."""

    question: Question
    words: frozenset[str]
    polar: bool
    negated: bool
    speaker: frozenset[str]


def _row(asked: _Asked, each: Found, found: list[Found]) -> list[float]:
    question, sentence = asked.question, each.sentence.text
    of_sentence = dict(zip(OF_SENTENCE, map(float, each.sentence.features), strict=True))
    rivals = [f.score for f in found if f.passage is not each.passage]
    same = _bare(each.text)
    words = content_words(each.text.lower())
    typed = question.kind in _KINDS_OF_TYPE
    # a capital at the start is a name's here
    fit = fits(question.kind, f"of {each.text}", question.standalone)
    fit_sentence = fits(question.kind, sentence, question.standalone)
    score = _squashed(each.score, 10)
    listed = sum(each.sentence.span[0] <= a and b <= each.sentence.span[1] for a, b in each.items)
    return [
        score,
        max(0.0, score) ** 2,
        _squashed(each.answers, 4),
        _squashed(each.close, 10),
        _squashed(each.close_answers, 4),
        _squashed(each.score - max(rivals), 10) if rivals else 0.5,
        float(any(f.passage is not each.passage and _bare(f.text) == same and f.score > 0 for f in found)),
        _squashed(math.log(max(each.sentence.probability, 1e-4)) + 3, 4),
        *(of_sentence[name] for name in _TAKEN),
        float(typed and fit is True),
        float(typed and fit is False),
        float(fit_sentence is True),
        float(fit_sentence is False),
        min(1.0, math.log1p(len(each.text.split())) / 3),
        len(asked.words.intersection(words)) / max(1, len(words)),
        of_sentence["few_words"],
        float(asked.negated is not bool(NEGATION.search(sentence))),
        float(bool(asked.speaker) and _other_speaker(asked.speaker, each)),
        float(asked.polar),
        float(asked.polar) * of_sentence["cover_near"],
        float(question.wants_list),
        question.wants_list * _squashed(max(0, listed - 1), 4),
        float(question.wants_list and enumerates(sentence)),
        float(question.kind is Kind.WHY and fit_sentence is False),
        float(changes.is_other_side(question.standalone, sentence, each.span_in_sentence)),
    ]


def _other_speaker(speaker: frozenset[str], each: Found) -> bool:
    """Whether the sentence gives somebody else's words than those that are asked for."""
    chunk = each.passage.chunk
    before = chunk.text[: max(0, each.sentence.span[0] - chunk.start)]
    return not speech.is_attributed(speaker, each.sentence.text, before[-400:])


def _squashed(value: float, scale: float) -> float:
    return math.tanh(value / scale)


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
