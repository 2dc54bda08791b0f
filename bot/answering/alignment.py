"""Where the cited passages say what a sentence says: the sentences that cover most of its words and facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.answering.facts import Fact, Kind
from bot.answering.figures import figures, is_told, years_of
from bot.answering.names import names, words_of
from bot.answering.question import FUNCTION_WORDS
from bot.answering.reading import read
from vectorstore.datatypes import Passage, Span, header
from vectorstore.embeddings import Embedder
from vectorstore.lexical import WORD, stem_of

Floats = NDArray[np.float32]

_LONGEST_WINDOW = 3  # sentences
_PER_SENTENCE = 0.04  # of coverage that a window's second and third sentence must bring at least
_SOFT_FROM, _SOFT_TO = 0.2, 0.6  # cosine of word vectors: below strangers, above synonyms
_SYNONYM = 0.95  # of a word that only another word stands for
_OF_HEADER = 0.9  # of a word that only the title or heading has
_WORTH_READING = 0.9  # terms that a sentence elsewhere must bring to be read, too
_CONTEXT = 200  # characters of the sentence before a window


@dataclass(frozen=True, slots=True)
class Term:
    """A word that says something, or a number, date, time or name, of a sentence."""

    text: str
    span: Span
    fact: Fact | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A sentence of a passage; equal to none but itself."""

    passage: Passage
    span: Span  # offsets into the article's text
    text: str
    cover: Floats  # of each term, 0 to 1
    head: Floats  # likewise by title and heading


@dataclass(frozen=True, eq=False)
class Window:
    """Sentences of a passage that stand together."""

    rows: tuple[Row, ...]

    @cached_property
    def cover(self) -> Floats:
        """Of each term, title and heading included."""
        cover: Floats = np.max([*(row.cover for row in self.rows), self.rows[0].head], axis=0)
        return cover

    @property
    def worth(self) -> float:
        """The mean coverage; of windows that cover as much the shortest is worth most."""
        return _mean(self.cover) - _PER_SENTENCE * (len(self.rows) - 1)

    @property
    def text(self) -> str:
        """The sentences."""
        return " ".join(row.text for row in self.rows)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is read beside a sentence: the best window, and one sentence elsewhere that has what it lacks."""

    terms: tuple[Term, ...]  # of the sentence
    rows: tuple[Row, ...]  # every sentence of the passages
    window: Window
    more: Row | None

    @cached_property
    def cover(self) -> Floats:
        """Of each term, by all that is read."""
        return self.window.cover if self.more is None else np.maximum(self.window.cover, self.more.cover)

    @property
    def text(self) -> str:
        """As it is read: title and heading, the sentence before the window, the window, the other one."""
        first = self.window.rows[0]
        place = self.rows.index(first)
        before = [row.text[-_CONTEXT:] for row in self.rows[:place][-1:] if row.passage is first.passage]
        parts = [header(first.passage.article, first.passage.chunk.section), *before, self.window.text]
        return "\n".join([*parts, self.more.text] if self.more else parts)


def evidence_for(sentence: str, passages: Sequence[Passage], embedder: Embedder) -> Evidence | None:
    """The sentences of the passages that cover a sentence's terms best; None without any."""
    terms = terms_of(sentence)
    rows = _rows(terms, passages, embedder)
    window = max(_windows(rows), key=lambda each: each.worth, default=None)
    if window is None:
        return None
    missing = 1 - window.cover
    others = [row for row in rows if row not in window.rows]
    brings, place = max(
        ((float(np.minimum(row.cover, missing).sum()), i) for i, row in enumerate(others)), default=(0.0, 0)
    )
    return Evidence(tuple(terms), rows, window, others[place] if brings >= _WORTH_READING else None)


def terms_of(sentence: str) -> list[Term]:
    """The facts and the other content words of a sentence, in order."""
    facts = [fact for fact in (*figures(sentence), *names(sentence)) if fact.firm or fact.is_name]
    found = [Term(fact.text, fact.span, fact) for fact in facts]
    taken = [term.span for term in found]
    for match in WORD.finditer(sentence):
        word = match.group()
        inside = any(a < match.end() and match.start() < b for a, b in taken)
        if not inside and len(word) > 1 and word.lower() not in FUNCTION_WORDS:
            found.append(Term(word, match.span()))
    return sorted(found, key=lambda term: term.span)


def _rows(terms: Sequence[Term], passages: Sequence[Passage], embedder: Embedder) -> tuple[Row, ...]:
    """Each sentence of the passages, once."""
    rows: dict[tuple[str, Span], Row] = {}
    for passage in passages:
        chunk, article = passage.chunk, passage.article
        title = header(article, chunk.section)
        head = np.array([_OF_HEADER * _said(term, title, frozenset()) for term in terms], np.float32)
        years = years_of(f"{article.date or ''} {article.title} {chunk.text}")
        covers = _by_words(terms, passage, embedder)
        for span, cover in zip(chunk.sentences, covers, strict=True):
            text = chunk.part(span)
            for number, term in enumerate(terms):
                if term.fact is not None:
                    cover[number] = _said(term, text, years)
            rows.setdefault((article.source, span), Row(passage, span, text, cover, head))
    return tuple(row for row in rows.values() if not row.text.endswith("?"))  # a question says nothing


def _said(term: Term, text: str, years: frozenset[int]) -> float:
    """How much of a fact or word a text has, word for word."""
    if term.fact is not None and term.fact.kind is not Kind.NAME:
        return float(is_told(term.fact, figures(text), years))
    told = words_of(text)
    words = term.fact.words if term.fact is not None else (term.text,)
    return sum(told.has((word,)) for word in words) / len(words)


def _by_words(terms: Sequence[Term], passage: Passage, embedder: Embedder) -> Floats:
    """How far the words of each sentence of a passage stand for each term, shape (sentences, terms)."""
    reading = read(passage.chunk)
    result = np.zeros((len(reading.sentences), len(terms)), np.float32)
    columns = [number for number, term in enumerate(terms) if term.fact is None]
    if not columns or not reading.distinct:
        return result
    words = [terms[number].text for number in columns]
    cosine = embedder.word_vectors(reading.distinct) @ embedder.word_vectors(words).T
    soft = ((cosine - _SOFT_FROM) / (_SOFT_TO - _SOFT_FROM)).clip(0, _SYNONYM)
    soft[reading.capital] *= 0.5
    stems = np.array(reading.stems)
    for column, word in enumerate(words):
        soft[stems == stem_of(word), column] = 1.0
    soft = soft[reading.order]
    for place, (first, last) in enumerate(reading.sentences):
        if last > first:
            result[place, columns] = soft[first:last].max(axis=0)
    return result


def _windows(rows: Sequence[Row]) -> list[Window]:
    """Every run of one to three neighbouring sentences of a passage."""
    found = []
    for first, row in enumerate(rows):
        for last in range(first + 1, first + 1 + _LONGEST_WINDOW):
            run = tuple(rows[first:last])
            if len(run) == last - first and run[-1].passage is row.passage:
                found.append(Window(run))
    return found


def _mean(cover: Floats) -> float:
    return float(cover.mean()) if len(cover) else 0.0
