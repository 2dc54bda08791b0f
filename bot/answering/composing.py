"""From the likeliest spans to the text of an answer and its footnotes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.answering import bullets, lists, polar, speech
from bot.answering.datatypes import Citation
from bot.answering.question import Kind, Question
from bot.answering.spans import Found
from bot.answering.wording import readable, trimmed
from vectorstore.datatypes import ArticleInfo, Chunk, Passage, Span

_MOST_CITED = 3
_ALSO = 0.75  # of the best answer's probability: another article's answer with less is not shown
_AS_LIKELY = 0.5  # of it: another place of the same words may be the one to cite
# of that probability: an enumeration with so much comes first where a list is asked for
_LIST_SHARE, _LIST_SHARE_OF_LONG = 0.05, 0.2
_NO_LIST = 3  # words: so short an answer is hardly a list
_SHORTEST_REASON = 4  # words; a shorter answer to "why?" is shown as its sentence
_REST_OF_REASON = 12  # words up to the end of the sentence that still belong to a reason


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the answer and the sentence that supports it."""

    text: str
    citation: Citation


def composed(
    question: Question, passages: Sequence[Passage], ranked: list[tuple[float, Found]], least: float
) -> list[Part]:
    """One part for each sentence that the answer is in; `ranked` has probabilities, the likeliest first.

    Other articles that answer as likely are told too: the newest first, each with its date.
    """
    if question.kind is Kind.WHO and not question.wants_list:
        ranked = _agreed(ranked, least)
    chance, best = _enumerating(ranked) if question.wants_list else _best_supported(ranked)
    listed = _listed(question, best, passages, [each for _, each in ranked])
    if listed:
        article = best.passage.article
        return [
            Part(part.text, quoting(article, part.chunk, part.sentence, chance))
            for part in listed[:_MOST_CITED]
        ]
    answers = [(chance, best), *_of_other_articles(question, ranked, max(least, _ALSO * chance))]
    if len(answers) == 1:
        return [Part(_verdict(question, best) + _text(question, best), _citation(best, chance))]
    parts = [Part(_text(question, each), _citation(each, likely)) for likely, each in answers]
    parts.sort(key=lambda part: part.citation.date or "", reverse=True)
    return [Part(_dated(part), part.citation) for part in parts]


def _agreed(ranked: list[tuple[float, Found]], least: float) -> list[tuple[float, Found]]:
    """The likeliest first of those of one name that are likelier together than one that stands alone.

    "Mr Reed" at .62, "Ann Stone" at .58 and "Stone" at .52: two places say that it is Stone.
    """
    near = [pair for pair in ranked if pair[0] >= max(least, _ALSO * ranked[0][0])]

    def together(pair: tuple[float, Found]) -> float:
        own = _words(pair[1].text)
        if not own:  # a sign is nobody's name
            return pair[0]
        return sum(chance for chance, each in near if (words := _words(each.text)) <= own or own <= words)

    if not near:
        return ranked
    first = max(near, key=together)
    return [first, *(pair for pair in ranked if pair is not first)]


def _best_supported(ranked: list[tuple[float, Found]]) -> tuple[float, Found]:
    """The likeliest span; where the article has the same words twice, in the sentence that fits the question.

    Who was against it is "Joel", and not because he is among those present.
    """
    chance, best = ranked[0]
    source, told = best.passage.article.source, best.text.casefold()
    same = [
        pair
        for pair in ranked
        if pair[0] >= _AS_LIKELY * chance
        and pair[1].passage.article.source == source
        and pair[1].text.casefold() == told
    ]
    return chance, max(same, key=lambda pair: pair[1].sentence.probability)[1]


def _enumerating(ranked: list[tuple[float, Found]]) -> tuple[float, Found]:
    """The likeliest span in a sentence that enumerates: "who came?" is answered by names, not "leaders"."""
    short = len(ranked[0][1].text.split()) <= _NO_LIST
    least = (_LIST_SHARE if short else _LIST_SHARE_OF_LONG) * ranked[0][0]
    named = (pair for pair in ranked if pair[0] >= least and lists.enumerates(pair[1].sentence.text))
    return next(named, ranked[0])


def told_by_byline(passage: Passage, span: Span) -> Part:
    """The author's name, and the line that it stands in."""
    chunk = passage.chunk
    line = next((s for s in chunk.sentences if s[0] <= span[0] and span[1] <= s[1]), span)
    return Part(chunk.part(span), quoting(passage.article, chunk, line, 1.0))


def _listed(
    question: Question, best: Found, passages: Sequence[Passage], spans: list[Found]
) -> list[bullets.Stretch]:
    """What the best span's sentences list, where a list is asked for or nothing of another type.

    The reader says it, too: "who held the record" may have been four. But a reason, a number or somebody's
    words are one thing, and whoever was present was not therefore against it.
    """
    if polar.is_polar(question.standalone):
        return []
    said = speech.speaker_asked_for(question.standalone) or speech.asks_who_said(question.standalone)
    one = question.kind in {Kind.WHY, Kind.NUMBER} or said
    if not one and (below := bullets.under_heading(best, question.standalone)):
        return below
    if question.kind is Kind.WHO and not said and (names := lists.after_name(best, question.standalone)):
        return names
    found: list[bullets.Stretch] = []
    goes_on = bullets.with_items(best.passage.chunk, best.sentence.span) != best.sentence.span
    if question.wants_list or (goes_on and question.kind is Kind.OTHER):
        found = lists.stretches(best, passages)
    if question.wants_list or not one:
        told = {stretch.sentence for stretch in found}
        if not question.wants_list:
            told |= {each.sentence.span for each in spans if each.is_refuted} - {best.sentence.span}
        found += [stretch for stretch in lists.marked(best) if stretch.sentence not in told]
    return sorted(found, key=lambda stretch: stretch.sentence)


def _of_other_articles(
    question: Question, ranked: list[tuple[float, Found]], least: float
) -> list[tuple[float, Found]]:
    """The answers of other articles that say something else, one an article."""
    best = ranked[0][1]
    if question.kind is Kind.WHY or question.wants_list:
        return []
    sources, told = {best.passage.article.source}, [_words(_text(question, best))]
    found: list[tuple[float, Found]] = []
    for likely, each in ranked[1:]:
        source, words = each.passage.article.source, _words(_text(question, each))
        if likely < least or len(found) == _MOST_CITED - 1:
            break
        if source not in sources and not any(words <= other or other <= words for other in told):
            found.append((likely, each))
            sources.add(source)
            told.append(words)
    return found


def _text(question: Question, each: Found) -> str:
    """The span; of a yes/no question the sentence; all of a quotation where words are asked for."""
    sentence, (start, end) = each.sentence.text, each.span_in_sentence
    if polar.is_polar(question.standalone):
        return readable(sentence)
    if question.kind is Kind.WHY:
        if len(sentence[end:].split()) <= _REST_OF_REASON:  # a reason is a clause, and goes on to its end
            end = len(sentence)
        if len(sentence[start:end].split()) < _SHORTEST_REASON:
            return readable(sentence)
    if speech.speaker_asked_for(question.standalone):
        start, end = speech.quotation_around(sentence, start, end)
    return trimmed(sentence[start:end]) or readable(sentence)


def _verdict(question: Question, best: Found) -> str:
    """ "Yes. ", "No. " or nothing, before the sentence."""
    if not polar.is_polar(question.standalone):
        return ""
    said = polar.verdict(question.standalone, best.sentence.text)
    return f"{said}. " if said else ""


def _dated(part: Part) -> str:
    return f"{part.text} ({part.citation.date})" if part.citation.date else part.text


def _citation(each: Found, chance: float) -> Citation:
    chunk = each.passage.chunk
    return quoting(each.passage.article, chunk, bullets.with_items(chunk, each.sentence.span), chance)


def quoting(article: ArticleInfo, chunk: Chunk, span: Span, chance: float) -> Citation:
    """The citation of a part of a chunk, word for word."""
    return Citation(
        title=article.title,
        source=article.source,
        date=article.date,
        quote=chunk.part(span),
        start=span[0],
        end=span[1],
        score=chance,
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
