"""The built-in answerer: no chat model, the answer is what the articles say, word for word."""

import re
from dataclasses import dataclass

from bot.answering.datatypes import Citation
from bot.answering.fit import short_answer
from bot.answering.picking import Candidate, pick
from bot.answering.question import Question
from vectorstore.datatypes import Passage, Span
from vectorstore.embeddings import Embedder
from vectorstore.retrieval import Retrieval

# python -m benchmarks.tune_picker DATA --limit 2500, held-out articles: at .15 it holds back on 8 % of the
# answerable questions, on 93 % of those whose article is not there, but on 19 % only of those that people
# wrote to look answerable: how well a sentence covers a question does not tell near misses
THRESHOLD = 0.15
_SHARE = 0.1  # of the probability that some sentence answers: a second one with less is not shown
_LIST_SHARE = 0.05  # where a list is asked for, an enumeration with this share comes first
_ENOUGH = 0.9  # of that probability: sentences that hold so much need no other
_MOST, _MOST_IN_LIST = 2, 3  # sentences in an answer
_NEAR = 2  # sentences on either side in which a list may go on

_BULLET = re.compile(r"(?:[-*•·–—‣▪]|\(?\w{1,3}[.)])\s+")
_NAMED = r"(?:(?:the|an?|its|their)\s(?:[a-z]+\s){0,3})?[A-Z][^\s,;:]*(?:\s[^\s,;:]+){0,5}"
_ENUMERATION = re.compile(rf"{_NAMED},\s(?:{_NAMED},\s)*{_NAMED},?\s(?:and|or|&)\s(?:the\s)?[A-Z]")
_COLON_LIST = re.compile(r":\s+([^:;.]+,[^:;.]+?(?:,|\s)\s*(?:and|or|&)\s[^:;]+?)[.!]?[”\"’]?$")


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's text and what supports it; no citation means that nothing answers."""

    text: str
    citations: tuple[Citation, ...]
    likelihood: float  # that some sentence answers


def compose(
    question: Question, retrieval: Retrieval, embedder: Embedder, threshold: float = THRESHOLD
) -> Composed:
    """The sentences that answer, or none when it is less likely than `threshold` that any does."""
    found = pick(question, retrieval, embedder)
    mass = sum(candidate.probability for candidate in found)
    if not found or mass < threshold:
        return Composed("", (), mass)
    chosen = _choose(question, found, mass)
    parts = [_part(question, candidate) for candidate in chosen]
    citations = tuple(citation for _, citation in parts)
    if len(parts) == 1:
        return Composed(parts[0][0], citations, mass)
    return Composed(" ".join(f"{text} [{i}]" for i, (text, _) in enumerate(parts, 1)), citations, mass)


def _choose(question: Question, found: list[Candidate], mass: float) -> list[Candidate]:
    if question.wants_list:  # "who attended?" is answered by the names, not by "the leaders who attended"
        likely = (c for c in found if c.probability >= _LIST_SHARE * mass)
        if (named := next((c for c in likely if _ENUMERATION.search(c.text)), None)) is not None:
            return [named, *_going_on(named, found)][:_MOST_IN_LIST]
    best = found[0]
    chosen, held = [best], best.probability
    for candidate in found[1:]:
        if len(chosen) == _MOST or held >= _ENOUGH * mass or candidate.probability < _SHARE * mass:
            break
        if _is_title(candidate):
            continue  # it may answer by itself, but it supports no other sentence
        chosen.append(candidate)
        held += candidate.probability
    return chosen


def _is_title(candidate: Candidate) -> bool:
    return " ".join(candidate.text.split()).casefold() == candidate.passage.article.title.casefold()


def _going_on(best: Candidate, found: list[Candidate]) -> list[Candidate]:
    """Sentences next to the best one that enumerate as it does: "Also there were Ann, Bob and Eve"."""
    same = sorted((c for c in found if c.passage.article == best.passage.article), key=lambda c: c.span)
    place = same.index(best)
    around = same[max(0, place - _NEAR) : place] + same[place + 1 : place + 1 + _NEAR]
    return [c for c in around if _ENUMERATION.search(c.text)]


def _part(question: Question, candidate: Candidate) -> tuple[str, Citation]:
    passage = candidate.passage
    span, items = _with_items(passage, candidate.span)
    quote = passage.chunk.text[span[0] - passage.chunk.start : span[1] - passage.chunk.start]
    citation = Citation(
        title=passage.article.title,
        source=passage.article.source,
        date=passage.article.date,
        quote=quote,
        start=span[0],
        end=span[1],
        score=candidate.probability,
    )
    if items:
        return "; ".join(items), citation
    sentence = _readable(candidate.text)
    listed = _COLON_LIST.search(sentence) if question.wants_list else None
    short = listed.group(1) if listed else short_answer(question.kind, sentence, question.search_text)
    return short or sentence, citation


def _with_items(passage: Passage, span: Span) -> tuple[Span, list[str]]:
    """A sentence that ends with a colon goes on to the last of the list items below it."""
    chunk = passage.chunk
    text = chunk.text[span[0] - chunk.start : span[1] - chunk.start]
    if not text.endswith(":"):
        return span, []
    items, before = [], span[1]
    for start, end in chunk.sentences[chunk.sentences.index(span) + 1 :]:
        lead = chunk.text[before - chunk.start : start - chunk.start]
        item = chunk.text[start - chunk.start : end - chunk.start]
        if not _BULLET.fullmatch(lead.strip(" \t\r\n") + " ") and not _BULLET.match(item):
            break
        items.append(_readable(_BULLET.sub("", item, count=1) if _BULLET.match(item) else item).rstrip(";,"))
        before = end
    return (span[0], before), items


def _readable(sentence: str) -> str:
    """A sentence on one line; of a quotation that goes on in another sentence, the missing mark is added."""
    line = " ".join(sentence.split())
    marks = re.findall("[“”]", line)
    if not marks:
        return line
    if marks[0] == "”":
        line = line[:-1] if len(marks) == 1 and line.endswith("”") else f"“{line}"
    if marks[-1] == "“":
        line = line[1:] if len(marks) == 1 and line.startswith("“") else f"{line}”"
    return line
