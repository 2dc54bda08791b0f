"""Who wrote the article: the one question that an article's head answers, not its sentences."""

import re
from collections.abc import Sequence

from bot.answering.question import content_words
from vectorstore.datatypes import Passage, Span
from vectorstore.lexical import stem_of, stems

_HEAD = 400  # characters of an article in which its author is named
_ARTICLE = r"(?:article|story|post|report|piece|news|text|page|entry|announcement|blog)"
_OF = r"(?:\s+(?:about|on|titled|called)\s+[^?]{1,80})?"
_ASKS = re.compile(
    rf"^\W*(?:who(?:[’']?s|\s+is|\s+was)?\s+(?:wrote|written|penned|posted|published|the\s+author\s+of)\s+|author\s+of\s+)"
    rf"(?:this|the|that)?\s*(?:[\w’'-]+\s+){{0,4}}{_ARTICLE}{_OF}\W*$",
    re.IGNORECASE,
)
_SAYS_NOTHING = frozenset(
    stems(
        "wrote written authored author penned posted published new latest this article story post report "
        "piece news text page entry announcement blog"
    )
)


def asks_for_author(question: str) -> bool:
    """Whether it is asked who wrote an article."""
    return bool(_ASKS.search(question))


def byline(question: str, passages: Sequence[Passage]) -> tuple[Passage, Span] | None:
    """Where the author of the article that is asked about stands; None if that is not asked, or not told.

    "This article" means one only where all that was found is of one; otherwise its title must be spoken of.
    """
    if not asks_for_author(question):
        return None
    about = {stem_of(word) for word in content_words(question)} - _SAYS_NOTHING
    heads = [passage for passage in passages if passage.chunk_id.endswith(".0") and passage.article.author]
    meant = [
        passage
        for passage in heads
        if (
            about <= set(stems(passage.article.title))
            if about
            else len({p.article.source for p in passages}) == 1
        )
    ]
    if len(meant) != 1:  # not told, or of several articles
        return None
    chunk, author = meant[0].chunk, meant[0].article.author or ""
    place = re.search(rf"(?<!\w){re.escape(author)}(?!\w)", chunk.text[:_HEAD])
    return (meant[0], (chunk.start + place.start(), chunk.start + place.end())) if place else None
