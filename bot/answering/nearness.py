"""Do a claim's facts stand in the evidence by the words that they stand by in the claim?

"Pebble needs 55 grams" of "Pebble needs 45 grams, Gravel 55": 45 is nearer to Pebble than 55 is.
"""

import re
from collections.abc import Sequence

import numpy as np

from bot.answering.alignment import Floats, Term, terms_of
from bot.answering.facts import Fact
from bot.answering.figures import figures, is_told, years_of
from bot.answering.names import all_forms, forms, named, names, tokens_of
from vectorstore.datatypes import Span
from vectorstore.embeddings import Embedder

_CLAUSE = re.compile(r"[,;:()]|\b(?:and|but|while)\b")
_SENTENCE = re.compile(r"[.!?\n]\s")
_OF_CLAUSE, _OF_SENTENCE = 12, 60  # characters that a border counts for
_FAR = 30  # characters: what is nearer by so much is clearly nearer
_BESIDE = 15  # characters in the claim: words at such a distance count for half
_SYNONYM = 0.45  # cosine of word vectors


def nearness(claim: str, evidence: str, embedder: Embedder) -> tuple[float, ...]:
    """Of each fact that the evidence has others like: 1 where it is nearest to its words, -1 if they are."""
    terms, told = terms_of(claim), [*figures(evidence), *names(evidence)]
    years = years_of(evidence)
    at = _coordinates(evidence)
    spans = [
        places_of(term.fact, evidence, told, years) if term.fact else _words(term.text, evidence, embedder)
        for term in terms
    ]
    found = []
    for term, own in zip(terms, spans, strict=True):
        rivals = rivals_of(term.fact, own, told) if term.fact and own else []
        if rivals:
            mine, theirs = _middles(own, at), _middles([rival.span for rival in rivals], at)
            others = [
                (o, where) for o, where in zip(terms, spans, strict=True) if where and not _alike(o, term)
            ]
            weights = [1 / (1 + abs(other.span[0] - term.span[0]) / _BESIDE) for other, _ in others]
            leads = [_lead(_middles(where, at), mine, theirs) for _, where in others]
            if leads:
                found.append(float(np.average(leads, weights=weights)))
    return tuple(found)


def places_of(fact: Fact, text: str, told: Sequence[Fact], years: frozenset[int]) -> list[Span]:
    """Where a text, whose facts are given, has a fact."""
    if fact.is_name:
        return named(fact.words, text)
    return [other.span for other in told if not other.is_name and is_told(fact, [other], years)]


def rivals_of(fact: Fact, own: Sequence[Span], told: Sequence[Fact]) -> list[Fact]:
    """Facts of the same kind elsewhere."""
    alike = (other for other in told if other.kind is fact.kind)
    return [o for o in alike if not any(start < o.span[1] and o.span[0] < end for start, end in own)]


def _alike(one: Term, other: Term) -> bool:
    """Whether both are facts of one kind: names stand by numbers, not by names."""
    return one.fact is not None and other.fact is not None and one.fact.kind is other.fact.kind


def _lead(word: Floats, mine: Floats, theirs: Floats) -> float:
    """By how much a word is nearer to the fact than to its rivals, -1 to 1."""
    gap = np.abs(word[:, None] - theirs).min() - np.abs(word[:, None] - mine).min()
    return float(np.tanh(gap / _FAR))


def _coordinates(text: str) -> Floats:
    """Where each character stands, with borders of clauses and sentences as distances."""
    steps = np.ones(len(text) + 1, np.float32)
    for pattern, extra in ((_CLAUSE, _OF_CLAUSE), (_SENTENCE, _OF_SENTENCE)):
        for match in pattern.finditer(text):
            steps[match.start()] += extra
    places: Floats = steps.cumsum(dtype=np.float32)
    return places


def _middles(spans: Sequence[Span], at: Floats) -> Floats:
    middles: Floats = at[[(start + end) // 2 for start, end in spans]]
    return middles


def _words(word: str, text: str, embedder: Embedder) -> list[Span]:
    """Where a text has a word, or else the one that is most like it."""
    tokens = tokens_of(text)
    same = [token.span() for token in tokens if all_forms(token.group()) & forms(word)]
    if same or not tokens:
        return same
    cosine = embedder.word_vectors([token.group() for token in tokens]) @ embedder.word_vectors([word])[0]
    best = int(cosine.argmax())
    return [tokens[best].span()] if cosine[best] > _SYNONYM else []
