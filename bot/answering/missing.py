"""What a claim has that its passages have not: numbers, dates, names, links and quotations."""

import re
from collections.abc import Sequence

from bot.answering.figures import figures, is_told, years_of
from bot.answering.names import names, words_of
from bot.answering.untrusted import reaching_out
from vectorstore.datatypes import Passage, header

_QUOTATION = re.compile(r"[“\"«]([^”\"»]+)[”\"»]")
_SHORTEST_QUOTATION = 3  # words: fewer may be a title or a nickname in other quotation marks


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
    links = (link for link in reaching_out(claim) if link not in whole.casefold())
    missing += sorted(links, key=claim.casefold().find)
    plain = _plain(whole)
    quoted = (q for q in _QUOTATION.findall(claim) if len(q.split()) >= _SHORTEST_QUOTATION)
    return missing + [f"“{quotation}”" for quotation in quoted if _plain(quotation) not in plain]


def _texts(passage: Passage) -> list[str]:
    chunk, article = passage.chunk, passage.article
    sentences = [chunk.part(span) for span in chunk.sentences]
    return [*sentences, header(article, chunk.section), article.date or "", article.author or ""]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
