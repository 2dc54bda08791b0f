"""The citation check: which sentences of a chat model's answer stand in the passages that they cite.

A sentence is shown if it cites a passage that exists, if its numbers, dates, names, links and quotations
occur in the cited passages, and if these say the rest of it, too. Each citation becomes a footnote: the
sentence of the passage that supports it best, word for word.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

from bot.answering import bullets
from bot.answering.alignment import Evidence, Row, evidence_for
from bot.answering.claims import Claim, Cutter
from bot.answering.composing import quoting
from bot.answering.datatypes import Citation, Dropped
from bot.answering.entailment import Entailment
from bot.answering.judging import Judges, Models, is_short, read_with
from bot.answering.missing import missing_in
from bot.answering.reader import MODEL, Reader
from vectorstore.datatypes import Passage, Span
from vectorstore.embeddings import Embedder

_AS_GOOD = 0.8  # of the best passage's coverage: another cited one with so much gets a footnote, too


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of an answer: sentences with their footnote numbers, from 1, and the footnotes."""

    text: str  # "" if nothing is supported
    citations: tuple[Citation, ...]
    dropped: tuple[Dropped, ...]
    support: float  # of the least supported sentence that is left, 0 to 1; 0 without any


class CitationCheck:
    """Checks sentences against passages; safe to share between threads."""

    def __init__(self, reader: Callable[[], Reader], folder: Path = MODEL) -> None:
        self.judges = Judges.load(folder)
        self._reader, self._folder, self._lock = reader, folder, Lock()

    def begin(self, question: str, passages: Sequence[Passage], embedder: Embedder) -> "Checking":
        """The check of one answer, sentence by sentence as it is written; passage 1 is `[1]`."""
        return Checking(self, question, passages, embedder)

    def models(self, embedder: Embedder) -> Models:
        """What claims are read with, loaded when it is first asked for."""
        with self._lock:  # one loads it, the others wait
            return Models(self._reader(), self._entailment, embedder)

    @cached_property
    def _entailment(self) -> Entailment:
        return Entailment(self._folder)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What supports a claim, or why it is dropped."""

    reason: str  # "" if it is supported
    chance: float = 0.0
    rows: tuple[Row, ...] = ()  # of each passage that supports it, the sentence that does so best


class Checking:
    """An answer that is being checked: every claim once, as soon as it is complete."""

    def __init__(
        self, check: CitationCheck, question: str, passages: Sequence[Passage], embedder: Embedder
    ) -> None:
        self._check, self._question, self._passages, self._embedder = check, question, passages, embedder
        self._cutter = Cutter()
        self._above: Claim | None = None  # what leads over to the lines of the list that is being written
        self._waits = False  # whether it is not shown yet: no line below it is supported so far
        self._lines = 0  # below it
        self._text, self._gap = "", ""
        self._citations: dict[tuple[str, Span], Citation] = {}
        self._dropped: list[Dropped] = []
        self._chances: list[float] = []

    def feed(self, piece: str) -> str:
        """Take in what the model wrote next; gives the supported text so far."""
        for claim in self._cutter.feed(piece):
            self._take(claim)
        return self._text

    def finish(self) -> Checked:
        """The verdict on the whole answer."""
        for claim in self._cutter.finish():
            self._take(claim)
        self._end_list()
        support = min(self._chances, default=0.0)
        return Checked(self._text, tuple(self._citations.values()), tuple(self._dropped), support)

    # ---- inside

    def _take(self, claim: Claim) -> None:
        if claim.bullet:
            self._lines += 1
            self._settle(claim, self._above)
            return
        self._end_list()
        if claim.opens_list:
            self._above, self._waits, self._lines = claim, True, 0
        else:
            self._settle(claim)

    def _end_list(self) -> None:
        """What led over to a list of which nothing is left goes, too."""
        above, waits = self._above, self._waits
        self._above, self._waits = None, False
        if above and waits and self._lines:
            self._drop(above, "nothing of its list is left")
        elif above and waits:  # there is no list
            self._settle(above)

    def _settle(self, claim: Claim, above: Claim | None = None) -> None:
        """Show a claim, or drop it; a line of a list is read with what leads over to it."""
        text = f"{above.text} {claim.text}" if above else claim.text
        verdict = self._verdict(text, claim.marks or (above.marks if above else ()))
        if verdict.reason:
            self._drop(claim, verdict.reason)
            return
        if above and self._waits:
            self._show(above, "")
            self._waits = False
        self._chances.append(verdict.chance)
        numbers = sorted({self._number(row, verdict.chance) for row in verdict.rows})
        self._show(claim, " " + "".join(f"[{number}]" for number in numbers))

    def _drop(self, claim: Claim, reason: str) -> None:
        self._dropped.append(Dropped(text=claim.text, reason=reason))
        self._gap = max(self._gap, claim.gap, key=len)

    def _show(self, claim: Claim, marks: str) -> None:
        gap = max(self._gap, claim.gap, key=len) if self._text else ""
        self._text += f"{gap}{claim.bullet}{claim.text}{marks}"
        self._gap = ""

    def _number(self, row: Row, chance: float) -> int:
        """The footnote's number, from 1; of a sentence that was quoted before the same."""
        chunk, article = row.passage.chunk, row.passage.article
        span = bullets.with_items(chunk, row.span)
        key = (article.source, span)
        self._citations.setdefault(key, quoting(article, chunk, span, chance))
        return list(self._citations).index(key) + 1

    def _verdict(self, claim: str, marks: tuple[int, ...]) -> _Verdict:
        cited = [self._passages[number - 1] for number in marks if 0 < number <= len(self._passages)]
        if not cited:
            return _Verdict("no citation")
        if missing := missing_in(cited, claim, self._question):
            return _Verdict(f"not in the cited passages: {', '.join(missing)}")
        return self._judged(claim, cited)

    def _judged(self, claim: str, cited: Sequence[Passage]) -> _Verdict:
        question, judge = "", self._check.judges.sentence
        if self._question and is_short(claim):
            question, judge = self._question, self._check.judges.answer
        evidence = evidence_for(f"{question} {claim}", cited, self._embedder)
        if evidence is None:
            return _Verdict("the cited passages say nothing")
        read = read_with(self._check.models(self._embedder), claim, evidence, question)
        chance = judge.probability(claim, evidence, read)
        if chance < judge.threshold:
            return _Verdict(f"the cited passages do not say it ({chance:.2f})", chance)
        return _Verdict("", chance, _supporting(evidence, cited))


def _supporting(evidence: Evidence, cited: Sequence[Passage]) -> tuple[Row, ...]:
    """The best sentence of the window, the one beside it, and those of other passages that are as good."""
    found = [max(evidence.window.rows, key=_covers)]
    if evidence.more is not None:
        found.append(evidence.more)
    for passage in cited:
        rows = [row for row in evidence.rows if row.passage is passage]
        best = max(rows, key=_covers, default=None)
        if (
            best
            and all(row.passage is not passage for row in found)
            and _covers(best) >= _AS_GOOD * _covers(found[0])
        ):
            found.append(best)
    return tuple(found)


def _covers(row: Row) -> float:
    return float(row.cover.sum())
