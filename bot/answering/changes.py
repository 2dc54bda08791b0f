"""What was and what is: "from 30 to 40", "40 instead of 30"."""

import re

from vectorstore.datatypes import Span

_SIDE = r"[^\s;!?]+(?:\s(?!(?:to|on|in|at|for|from|until|and|but|as|because)\b)[^\s;!?]+){0,4}"  # a few words
_FROM_TO = re.compile(
    r"\b(?:ris(?:e|es|en|ing)|rose|rais(?:e|ed|es|ing)|falls?|fallen|fell|lower(?:ed|s)?|mov(?:e|ed|es|ing)|"
    r"chang(?:e|ed|es|ing)|increas(?:e|ed|es|ing)|decreas(?:e|ed|es)|drop(?:s|ped)?|cut|went|grow[sn]?|grew|"
    r"switch(?:ed|es)?|shift(?:ed|s)?|reduc(?:e|ed|es)|shorten(?:ed|s)?|renamed?|transfer(?:red|s)?|postponed?|"
    rf"jump(?:ed|s)?|climb(?:ed|s)?|up|down)(?:\s[^\s;!?]+){{0,8}}?\sfrom\s(?P<old>{_SIDE})\sto\s(?P<new>{_SIDE})",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"(?P<new>[^\s;!?]+(?:\s[^\s;!?]+){0,4}?),?\s(?:instead of|rather than|up from|down from)\s"
    rf"(?P<old>{_SIDE})(?!\sto\b)",
    re.IGNORECASE,
)
_ASKS_OLD = re.compile(
    r"\b(?:before|previous(?:ly)?|(?<!how )old|original(?:ly)?|formerly|earlier|until now|so far|used to|"
    r"at first)\b|\bfrom\W*$",
    re.IGNORECASE,
)
_ASKS_NEW = re.compile(
    r"\b(?:now|new|current(?:ly)?|will|is|are|does|do|after|today|from)\b|[’']s\b", re.IGNORECASE
)


def is_other_side(question: str, sentence: str, span: Span) -> bool:
    """Whether a span is what something was where the question asks what it is, or the other way round."""
    asks_old = _ASKS_OLD.search(question)
    if not asks_old and not _ASKS_NEW.search(question):
        return False
    wrong = "new" if asks_old else "old"
    changes = (match for pattern in (_FROM_TO, _INSTEAD) for match in pattern.finditer(sentence))
    return any(change.start(wrong) <= span[0] and span[1] <= change.end(wrong) for change in changes)
