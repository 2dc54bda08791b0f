"""Who said it: whose words a question asks for, and whose words a sentence gives."""

import re

_VERB = (
    r"(?:said|says?|saying|told|tells?|tweet(?:ed|s)?|wrote|writes?|added|adds|stated|states?|argued?|argues|"
    r"claim(?:ed|s)?|announc(?:ed|es?)|explain(?:ed|s)?|warn(?:ed|s)?|remark(?:ed|s)?|comment(?:ed|s)?|"
    r"insist(?:ed|s)?|suggest(?:ed|s)?|admit(?:ted|s)?|mention(?:ed|s)?|respond(?:ed|s)?|repl(?:ied|ies|y)|"
    r"post(?:ed|s)?|urg(?:ed|es?)|called|calls|believ(?:ed|es?)|think|thinks|thought|promis(?:ed|es?)|"
    r"emphasi[sz](?:ed|es?)|stress(?:ed|es)?|demand(?:ed|s)?|propos(?:ed|es?)|recall(?:ed|s)?|"
    r"describ(?:ed|es?)|acknowledg(?:ed|es?)|agreed?|agrees|confirm(?:ed|s)?|report(?:ed|s)?)"
)
_NO_NAME = (
    r"(?:when|where|who|what|how|why|which|before|after|because|if|do|does|did|are|is|was|were|be|in|at|on|about|to|"
    r"from|for|with|and|or|of)"
)
_SUBJECT = rf"(?P<who>(?:(?!{_NO_NAME}\b)[\w.’'-]+,?\s+){{1,5}}?)"
_ASKS = re.compile(
    rf"\b(?:what|wat|how|why|when|which)\b[^?.]{{0,60}}?\b(?:did|does|do|has|have|had)\s+{_SUBJECT}{_VERB}\b",
    re.IGNORECASE,
)
_ACCORDING = re.compile(
    rf"\baccording to\s+(?P<who>(?:(?!{_NO_NAME}\b)[\w.’'-]+\s*){{1,4}})|"
    r"\bin\s+(?P<view>[\w.-]+(?:\s[\w.-]+){0,3})[’']s?\s+(?:view|opinion|words)\b",
    re.IGNORECASE,
)
_WHO_SAID = re.compile(
    r"^\W*(?:(?:and|but|so)\W+)?(?:who|which(?:\s+[\w’'-]+){1,3}?(?<!s))(?:\s+(?:has|had|first|also))?\s+"
    r"(?:said|says|stated|remarked|joked|argued|argues|warned|warns)\b(?!\W+(?:yes|no|hello|goodbye|thanks?)\b)",
    re.IGNORECASE,
)
_SAYS = re.compile(rf"\b{_VERB}\b", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:he|she|they|his|her|their)\b", re.IGNORECASE)
_NO_NAMES = frozenset(
    "the a an mr mrs ms dr sir he she they it you we i people anyone anybody somebody someone article author "
    "prime minister president leader leaders of is are was were that".split()
)
_SPOKEN_TO = re.compile(
    r"\b(?:told|tells|asked|to|with|about|against|of)\s+(?:the\s+)?(?:[A-Z][\w.’'-]*\s*){1,4}"
)
_BY_NAME = re.compile(
    rf"\b[A-Z][\w’'-]+(?<!He)(?<!She)(?<!They)\s+{_VERB}\b|\b(?:said|says|added|wrote)\s+(?:[A-Z][a-z]+\.?\s)?[A-Z]"
)
_LONGEST_QUOTATION = 400  # characters; more is not shown for a part of it
_QUOTATION = re.compile(r"[“\"]([^”\"]{3,})[”\"]|‘([^’]{12,})’")


def speaker_asked_for(question: str) -> frozenset[str]:
    """The words that name whose words are asked for, without titles; empty if nobody's."""
    found = _ASKS.search(question) or _ACCORDING.search(question)
    if found is None:
        return frozenset()
    who = next(filter(None, found.groups()), "")
    return frozenset(re.findall(r"[^\W_]+", who.lower())) - _NO_NAMES


def asks_who_said(question: str) -> bool:
    """Whether it is asked who said something, which is one person, more likely than not."""
    return bool(_WHO_SAID.match(question))


def is_attributed(speaker: frozenset[str], sentence: str, before: str) -> bool:
    """Whether a sentence gives that speaker's words: it names the speaker, or goes on with "he said".

    `before` is what stands before it: a pronoun, or a quotation that goes on, belongs to the last one named.
    Who is only spoken to ("Ms Stone told Mr Macron") says nothing.
    """
    if speaker & _named(_SPOKEN_TO.sub("", sentence)):
        return True
    goes_on = _PRONOUN.search(sentence) or re.search('[“”"]', sentence) or not _SAYS.search(sentence)
    by_another = _BY_NAME.search(sentence)
    return bool(goes_on) and bool(speaker & _named(before)) and not by_another


def quotation_around(sentence: str, start: int, end: int) -> tuple[int, int]:
    """The quotation that holds the part from `start` to `end`, or that it leads to, or that part itself."""
    for match in _QUOTATION.finditer(sentence):
        leads_over = end <= match.start() and not sentence[end : match.start()].strip(" ,:")
        if leads_over and len(match.group()) <= _LONGEST_QUOTATION:
            return match.span()
        if (
            match.start() <= start
            and end <= match.end()
            and end - start < len(match.group()) <= _LONGEST_QUOTATION
        ):
            return match.span()
    return start, end


def _named(text: str) -> set[str]:
    """The capitalised words of a text, in lower case: names have a capital, however the question is spelt."""
    return {word.lower() for word in re.findall(r"\b[A-Z][\w-]*", text)}
