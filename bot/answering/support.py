"""The citation check: which sentences of a chat model's answer stand in the passages that they cite.

A sentence is shown if it cites a passage that exists, if its numbers, dates, names, links and quotations
occur in the cited passages, and if these say the rest of it, too. Each citation becomes a footnote: the
sentence of the passage that supports it best, word for word.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

from bot.answering import lists
from bot.answering.alignment import Evidence, Row, evidence_for, terms_of
from bot.answering.claims import Claim, Cutter
from bot.answering.cloze import gaps, margin
from bot.answering.composing import quoting
from bot.answering.datatypes import Citation, Dropped
from bot.answering.entailment import Entailment
from bot.answering.figures import figures, is_told, years_of
from bot.answering.judging import Judges, Readings
from bot.answering.names import names, words_of
from bot.answering.reader import MODEL, Reader
from vectorstore.datatypes import Passage, Span, header
from vectorstore.embeddings import Embedder

_FEW_TERMS = 3  # a claim with fewer is read together with the question
_MOST_GAPS = 4  # facts that the reader is asked for: each costs a third of a claim's time
_AS_GOOD = 0.8  # of the best passage's coverage: another cited one with so much gets a footnote, too
_LINK = re.compile(
    r"\b[a-z][a-z+.-]+://[^\s)>]+|\bwww\.[^\s)>]+|\b[\w-]+\.(?:com|org|net|gg|io|ly|me|app)\b\S*|@\w+|<[@#:]\S*>",
    re.IGNORECASE,
)
_QUOTATION = re.compile(r"[“\"«]([^”\"»]+)[”\"»]")
_SHORTEST_QUOTATION = 3  # words: fewer may be a title or a nickname in other quotation marks


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

    def read(self, claim: str, evidence: Evidence, question: str = "") -> Readings:
        """What the two models say of a claim and its evidence; `question` is what a short claim answers."""
        with self._lock:  # one loads it, the others wait
            entailment = self._entailment
        return read_with(self._reader(), entailment, claim, evidence, question)

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
        if not claim.bullet:
            self._end_list()
            if claim.opens_list:
                self._above, self._waits = claim, True
                return
        above = self._above if claim.bullet else None
        text = f"{above.text} {claim.text}" if above else claim.text
        verdict = self._verdict(text, claim.marks or (above.marks if above else ()))
        if verdict.reason:
            self._drop(claim, verdict.reason)
            return
        if above and self._waits:
            self._show(above, "")
            self._waits = False
        self._keep(claim, verdict)

    def _end_list(self) -> None:
        """What led over to a list of which nothing is left goes, too."""
        if self._above is not None and self._waits:
            self._drop(self._above, "nothing of its list is left" if not self._above.marks else "no list")
        self._above, self._waits = None, False

    def _drop(self, claim: Claim, reason: str) -> None:
        self._dropped.append(Dropped(text=claim.text, reason=reason))
        self._gap = max(self._gap, claim.gap, key=len)

    def _keep(self, claim: Claim, verdict: _Verdict) -> None:
        self._chances.append(verdict.chance)
        numbers = sorted({self._number(row, verdict.chance) for row in verdict.rows})
        self._show(claim, " " + "".join(f"[{number}]" for number in numbers))

    def _show(self, claim: Claim, marks: str) -> None:
        gap = max(self._gap, claim.gap, key=len) if self._text else ""
        self._text += f"{gap}{claim.bullet}{claim.text}{marks}"
        self._gap = ""

    def _number(self, row: Row, chance: float) -> int:
        """The footnote's number, from 1; of a sentence that was quoted before the same."""
        chunk, article = row.passage.chunk, row.passage.article
        span = lists.with_items(chunk, row.span)
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
        read = self._check.read(claim, evidence, question)
        chance = judge.probability(claim, evidence, read)
        if chance < judge.threshold:
            return _Verdict(f"the cited passages do not say it ({chance:.2f})", chance)
        return _Verdict("", chance, _supporting(evidence, cited))


def is_short(claim: str) -> bool:
    """Whether a claim says nothing without its question: "Ann Lee"."""
    return len(terms_of(claim)) < _FEW_TERMS


def read_with(
    reader: Reader, entailment: Entailment, claim: str, evidence: Evidence, question: str = ""
) -> Readings:
    """What the models say of a claim and its evidence; `question` is what a short claim answers."""
    text = evidence.text
    margins = tuple(
        max(margin(gap, reading) for reading in reader.read(gap.question, [text]))
        for gap in gaps(claim, text, question)[:_MOST_GAPS]
    )
    return Readings(entailment.logit(f"{question} {claim}".strip(), text), margins)


def missing_in(cited: Sequence[Passage], claim: str, question: str = "") -> list[str]:
    """The numbers, dates, names, links and quotations of a claim that the passages do not have, as written.

    Title, heading and date of the article count as the passage's own. A name that the question spells out
    may stand in the passages as its initials.
    """
    texts = [text for passage in cited for text in _texts(passage)]
    whole = "\n".join(texts)
    told = [figure for text in texts for figure in figures(text)]
    years, words, asked = years_of(whole), words_of(whole), words_of(question)
    missing = [fact.text for fact in figures(claim) if fact.firm and not is_told(fact, told, years)]
    for fact in names(claim):
        spelt_out = words.abbreviates(fact.words) and asked.has(fact.words)
        if fact.firm and not words.has(fact.words) and not spelt_out:
            missing.append(fact.text)
    missing += [link for link in _LINK.findall(claim) if link.rstrip(".,:;").lower() not in whole.lower()]
    plain = _plain(whole)
    quoted = (q for q in _QUOTATION.findall(claim) if len(q.split()) >= _SHORTEST_QUOTATION)
    return missing + [f"“{quotation}”" for quotation in quoted if _plain(quotation) not in plain]


def _texts(passage: Passage) -> list[str]:
    chunk, article = passage.chunk, passage.article
    sentences = [chunk.text[a - chunk.start : b - chunk.start] for a, b in chunk.sentences]
    return [*sentences, header(article, chunk.section), article.date or "", article.author or ""]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


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
