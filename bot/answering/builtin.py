"""The built-in answerer: no chat model, the answer is what the articles say, word for word."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from bot.answering import cells, grids, lists, polar, voice
from bot.answering.byline import byline
from bot.answering.composing import Part, composed, told_by_byline
from bot.answering.datatypes import Citation, SpanSeen
from bot.answering.fit import counts_another, counts_nothing
from bot.answering.picking import pick
from bot.answering.question import Question, content_words, worded
from bot.answering.reader import MODEL, Reader
from bot.answering.spans import Found, find
from bot.answering.table_rows import Table, tables
from bot.answering.verifier import Verifier
from vectorstore.datatypes import Passage
from vectorstore.embeddings import Embedder
from vectorstore.retrieval import Retrieval

_TOLD = 5  # spans in the trace


@dataclass(frozen=True, slots=True)
class Composed:
    """The parts of an answer and the sentence that supports each; none of them means that nothing answers."""

    parts: tuple[str, ...]
    citations: tuple[Citation, ...]
    likelihood: float  # that the best span answers
    spans: tuple[SpanSeen, ...]  # the best ones, for the trace
    read_as: str  # the question as the reader was asked


class BuiltIn:
    """Reader and verifier, loaded when the first question comes; safe to share between threads."""

    def __init__(self, folder: Path = MODEL) -> None:
        self.verifier = Verifier(folder)
        self._folder = folder
        self._lock = Lock()

    @property
    def reader(self) -> Reader:
        """The reader, loaded when it is first asked for."""
        with self._lock:
            return self._reader

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._folder)

    def compose(
        self,
        question: Question,
        retrieval: Retrieval,
        embedder: Embedder,
        threshold: float | None = None,
        beside: Sequence[Passage] = (),
    ) -> Composed:
        """The answer with its sentences, or none if the likeliest span's probability is below `threshold`.

        `beside` are passages that only tables are looked up in.
        """
        least = self.verifier.threshold if threshold is None else threshold
        question = well_spelt(question, retrieval)
        read_as = question.standalone
        if not content_words(read_as):  # "?", "who are you?": nothing to look for
            return Composed((), (), 0.0, (), read_as)
        if (author := byline(question.text, retrieval.passages)) is not None:
            part = told_by_byline(*author)
            return _as_told([part], 1.0, (), read_as)
        found = list(tables((*retrieval.passages, *beside)))
        if told := grids.looked_up(question, found) or cells.looked_up(question, found):
            return _as_told(told, 1.0, (), read_as)
        ranked = self.rank(question, retrieval, embedder, found)
        likelihood = ranked[0][0] if ranked else 0.0
        spans = tuple(_seen(chance, each) for chance, each in ranked[:_TOLD])
        if not ranked or likelihood < least:
            return Composed((), (), likelihood, spans, read_as)
        return _as_told(composed(question, retrieval.passages, ranked, least), likelihood, spans, read_as)

    def rank(
        self,
        question: Question,
        retrieval: Retrieval,
        embedder: Embedder,
        in_tables: Sequence[Table] = (),
    ) -> list[tuple[float, Found]]:
        """The spans that may answer a well-spelt question, each with its probability, the likeliest first."""
        candidates = pick(question, retrieval, embedder)
        spans = find(question, retrieval.passages, candidates, self.reader)
        asked = question.standalone
        not_meant = cells.of_other_rows(question, in_tables)
        found = [
            _with_own_items(asked, each)
            for each in spans
            if _may_answer(question, each)
            and (each.passage.article.source, each.sentence.span) not in not_meant
        ]
        chances = self.verifier.probabilities(question, found)
        return sorted(zip(chances, found, strict=True), key=lambda pair: -pair[0])


def _as_told(parts: list[Part], likelihood: float, spans: tuple[SpanSeen, ...], read_as: str) -> Composed:
    texts = tuple(part.text for part in parts)
    return Composed(texts, tuple(part.citation for part in parts), likelihood, spans, read_as)


def _may_answer(question: Question, each: Found) -> bool:
    """Whether nothing in the span's own sentence speaks against it."""
    asked, sentence, span = question.standalone, each.sentence.text, each.span_in_sentence
    return not (
        lists.is_beside_asked(asked, sentence, span)
        or counts_nothing(asked, each.text)
        or counts_another(asked, sentence, span)
        or polar.settles_nothing(asked, sentence)
        or voice.is_another_subject(asked, sentence, span[1])
        or grids.is_looked_up(question, sentence)
        or cells.is_out_of_place(question, sentence, each.passage.article.title)
    )


def _with_own_items(asked: str, each: Found) -> Found:
    """Without items that did something else: who agreed to "a truce proposed by Bo" did not propose it."""
    at, sentence = each.sentence.span[0], each.sentence.text
    others = {
        item
        for item in each.items
        if each.sentence.span[0] <= item[0]
        and item[1] <= each.sentence.span[1]
        and voice.is_another_subject(asked, sentence, item[1] - at)
    }
    return replace(each, items=tuple(item for item in each.items if item not in others)) if others else each


def well_spelt(question: Question, retrieval: Retrieval) -> Question:
    """The question as the reader is asked: as well spelt as the articles are."""
    if question.context:  # what it refers back to is in its words now
        alone = replace(question, text=question.standalone, context="")
        return worded(alone, retrieval.question) if question.filled else alone
    return worded(question, retrieval.question)


def _seen(chance: float, each: Found) -> SpanSeen:
    return SpanSeen(
        text=each.text,
        chunk_id=each.passage.chunk_id,
        start=each.span[0],
        end=each.span[1],
        reader=each.score,
        answers=each.answers,
        probability=chance,
        close=each.close if each.close != each.score else None,
    )
