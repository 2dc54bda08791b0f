"""Does a number, date or name of a claim belong to the thing that it is said of? The reader is asked for it.

"Rents rise to £42" becomes "Rents rise to how much": where the reader points at another sum than £42 in the
same sentences, the claim has the sum of another thing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from bot.answering.facts import Fact, Kind
from bot.answering.figures import figures, is_told, years_of
from bot.answering.names import all_forms, forms, names, tokens_of
from bot.answering.nearness import places_of, rivals_of
from bot.answering.reader import Logits
from vectorstore.datatypes import Span

_LONGEST = 40  # tokens of what is pointed at
_LEAST = -25.0  # for what cannot be pointed at
_YEAR = re.compile(r"(?:1\d|20)\d\d$")
_ORDINAL = re.compile(r"(?:\d(?:st|nd|rd|th)|first|second|third|[a-z]+th)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Gap:
    """A claim with a question word in the place of a fact, and where the evidence has that fact."""

    question: str
    spans: tuple[Span, ...]


def gaps(claim: str, evidence: str, question: str = "") -> list[Gap]:
    """One for each fact of the claim that the evidence has, and that it also has others like.

    A claim that only answers a question in a few words is looked for by that question.
    """
    if question:
        run = _verbatim(claim, evidence)
        return [Gap(question, run)] if run else []
    years, told = years_of(evidence), [*figures(evidence), *names(evidence)]
    found = []
    for fact in (*figures(claim), *names(claim)):
        spans = places_of(fact, evidence, told, years)
        known = fact.firm or any(fact.values & other.values for other in told if other.firm and fact.is_name)
        if spans and known and rivals_of(fact, spans, told):
            asks = f"{claim[: fact.span[0]]}{_asks(fact, claim)}{claim[fact.span[1] :]}"
            found.append(Gap(asks, tuple(spans)))
    return found


def respelt(claim: str, evidence: str) -> str:
    """The claim with its figures as the evidence writes them: the models read "two" and "2" as strangers."""
    years, told = years_of(evidence), figures(evidence)
    once = {fact.span: fact for fact in figures(claim)}  # "16 and 18 May" are two
    for fact in reversed(once.values()):
        same = [other.text for other in told if other.kind is fact.kind and is_told(fact, [other], years)]
        if same and fact.text not in same and re.search(r"\d", fact.text + same[0]):
            end = fact.span[1] - fact.text.endswith(".")
            claim = f"{claim[: fact.span[0]]}{same[0].rstrip('.')}{claim[end:]}"
    return claim


def margin(gap: Gap, reading: Logits) -> float:
    """By how much the reader rather points at the fact than at anything else."""
    starts = np.array([start for start, _ in reading.offsets])
    ends = np.array([end for _, end in reading.offsets])
    scores = reading.start[:, None] + reading.end[None, :]
    first, last = np.indices(scores.shape)
    possible = (first <= last) & (last - first < _LONGEST)
    holds, meets = np.zeros_like(possible), np.zeros_like(possible)
    for start, end in gap.spans:
        inside = np.flatnonzero((starts < end) & (ends > start))
        if len(inside):
            holds |= (first <= inside[0]) & (last >= inside[-1])
            meets |= (first <= inside[-1]) & (last >= inside[0])
    own = scores[possible & holds].max(initial=_LEAST)
    return float(own - scores[possible & ~meets].max(initial=_LEAST))


def _asks(fact: Fact, claim: str) -> str:
    """The question word for a fact."""
    if fact.kind is Kind.NAME:
        return "which" if fact.span[0] else "Which"
    if fact.kind is not Kind.NUMBER:
        return "when" if fact.kind is Kind.DATE else "what time"
    if _YEAR.match(fact.text):
        return "what year"
    if _ORDINAL.search(fact.text):
        return "which"
    return "how much" if fact.unit else "how many"


def _verbatim(claim: str, evidence: str) -> tuple[Span, ...]:
    """Where the evidence has the claim's longest run of words."""
    words, told = tokens_of(claim), tokens_of(evidence)
    same = [[bool(forms(one.group()) & all_forms(other.group())) for other in told] for one in words]
    runs = [(_run(same, i, j), j) for i in range(len(words)) for j in range(len(told))]
    longest = max((length for length, _ in runs), default=0)
    return tuple(
        (told[j].start(), told[j + longest - 1].end()) for length, j in runs if length == longest > 0
    )


def _run(same: Sequence[Sequence[bool]], i: int, j: int) -> int:
    """For how many words two texts go on alike."""
    diagonal = (row[j + k] for k, row in enumerate(same[i:]) if j + k < len(row))
    return sum(1 for _ in takewhile(bool, diagonal))
