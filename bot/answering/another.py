"""The same question of somebody or something else: "And the French president?", "per year?"."""

import re

from bot.answering.antecedents import ended, innermost, names

WH = r"(?:who|whom|whose|what|when|where|why|how(?:\s+(?:many|much|long|often|old|far))?|which)"
BEFORE = r"(?:in|on|at|by|for|from|to|with|during|after|before|about|until|since|within)"
# "And the French president?", "What about Mr Macron?": the same question of somebody or something else
_OTHER = re.compile(
    r"^\W*(?:(?:and|or|but|so)\s+)?(?:what\s+about|how\s+about|(?:the\s+)?same\s+(?:question\s+)?(?:for|with|about)|and)\s+"
    r"(?P<other>[^?]{2,60}?)[\s?.!]*$",
    re.IGNORECASE,
)
# "about buses?", "per year?"
_AT_OTHER = re.compile(
    rf"^\W*(?P<other>(?:{BEFORE}|per)\s+(?!{WH}\b)[\w’'-]+(?:\s+[\w’'-]+){{0,2}})[\s?]*$", re.IGNORECASE
)
_NO_OTHER = re.compile(
    r"^(?:when|because|whether|unless|i|you|u|we|he|she|it|they|this|that|then|now|so|tell|give|show|say|can|could|"
    r"will|would|is|are|was|were|do|does|did|has|have|had|should|may|might|must|am|please|list|name|explain|thanks?|"
    r"ok(?:ay)?|one more|\w+n[’']t)\b",
    re.IGNORECASE,
)
# "the blue one?"
_ONE = re.compile(
    r"^\W*(?:the\s+)?(?P<which>(?!(?:that|this|which|no|any|some|every|each)\b)[\w’'-]+)\s+one(?P<s>s?)[\s?.!]*$",
    re.IGNORECASE,
)
_NO_QUESTION = re.compile(
    r"^\W*(?:by the way|for (?:real|sure|now)|about time|with pleasure|of course|in general|"
    r"in (?:english|short)(?: please)?|(?:good|nice|great) ones?)\W*$",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?:on |at )?(?:today|tomorrow|tonight|(?:week(?:end|day)|morning|evening|night|holiday|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)s?)$",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"(?<!^if )\b(?:it|them|him)\s*$", re.IGNORECASE)  # "and close it?"
_HAS_ARTICLE = re.compile(r"^(?:the|an?|my|your|our)\s", re.IGNORECASE)
_PREPOSITION = re.compile(rf"^(?:{BEFORE}|per)\b", re.IGNORECASE)
_PLACE_OF = rf"\s+(?!the\b|a\b|an\b)[^?.!,]+?(?=\s+{BEFORE}\b|[\s?.!]*$)"  # what follows a preposition
_OF_ARTICLE = rf"\s+(?:the|an?)\s[^?.!,]+?(?=\s+{BEFORE}\b|[\s?.!]*$)"
# who or what a question is about, where that has no article: "do juniors train", "how many books",
# "for adults", "post links"
_NO_SLOT = (
    r"(?!(?:of|not|is|are|was|were|do|does|did|can|could|may|will|would|should|must|i|you|u|we|he|she|it|they|"
    r"there|this|that|these|those|the|an?|my|our|your|his|her|its|their|\w+ed|\w+ing)\b)"
)
_SLOT = rf"{_NO_SLOT}(?P<slot>[a-z][\w’'-]+)"
_SLOTS = (
    r"\b(?i:can|may|must|should|could|will|would)\s+(?P<slot>(?:the|an?)\s+[a-z][\w’'-]+)(?=\s+\w)",
    rf"\b(?i:do|does|did|are|is|were|was|can|may|must|should|will|would|could)\s+{_SLOT}(?=\s+\w)",
    rf"\b(?i:how\s+(?:many|much))\s+{_SLOT}",
    rf"\b(?!to\b){BEFORE}\s+{_SLOT}",
    rf"\s{_NO_SLOT}(?P<slot>[a-z]{{3,}}s)[\s?.!]*$",
)
_ALIKE = 5  # letters at the end: "postgraduates", "undergraduates"
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")
_MOST_OTHER = 5  # words
_IF = re.compile(r"\s*\bif\s+[^?.!,]+", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<what>[^\W\d]+)\s+\d[\w.]*")  # "rule 5"
_ONE_AT = re.compile(rf"^(?:the\s+)?ones?\s+(?={BEFORE}\b)", re.IGNORECASE)  # "the one on 5 May"
_UP_TO_NAME = re.compile(r".*(?<![\w’'-])[A-Z0-9][\w:.]*")
_ONES = re.compile(r"\bones?$", re.IGNORECASE)


def asked_for(text: str) -> str:
    """Of whom or what a text asks the same question; "" if it asks its own."""
    found = _OTHER.match(text) or _AT_OTHER.match(text)
    if _NO_QUESTION.match(text):
        return ""
    if found is None:
        return text.strip(" ?.!") if _ONE.match(text) else ""
    other = found["other"].strip()
    opens = re.match(WH, other, re.IGNORECASE) or _NO_OTHER.match(other) or _OBJECT.search(other)
    return "" if opens or (len(other.split()) > _MOST_OTHER and not _IF.fullmatch(other)) else other


def asked_of(other: str, before: str) -> str:
    """The question before about somebody or something else; "" where nothing in it is of that kind."""
    if one := _ONE.match(other):
        return _of_another_kind(one["which"], bool(one["s"]), before)
    if _IF.fullmatch(other):
        return f"{_IF.sub('', before).rstrip(' ?.!')} {other}?"
    other = _ONE_AT.sub("", other)
    if preposition := _PREPOSITION.match(other):
        return _asked_at(preposition.group(), other, before)
    if _TIME.match(other) and not _TIME.search(before.rstrip(" ?.!")):
        return f"{before.rstrip(' ?.!')} {other}?"
    place = _numbered(other, before) or _like(other, before)
    return f"{before[: place[0]]}{other}{before[place[1] :]}" if place else ""


def _asked_at(preposition: str, other: str, before: str) -> str:
    """The question before at another time or place, or for another: in place of what it had there."""
    has_digits = any(letter.isdigit() for letter in other)
    with_article = _HAS_ARTICLE.match(other[len(preposition) :].lstrip())
    place = _OF_ARTICLE if with_article else _PLACE_OF
    own = [
        match
        for match in re.finditer(rf"\b{preposition}{place}", before, re.IGNORECASE)
        if any(letter.isdigit() for letter in match.group()) is has_digits
    ]
    if own:
        there = _UP_TO_NAME.match(own[-1].group()) or own[-1]  # "on 3 May", without the "close" after it
        start, end = own[-1].start(), own[-1].start() + len(there.group())
        return f"{before[:start]}{_ONES.sub(there.group().split()[-1], other)}{before[end:]}"
    year = _YEAR.search(other)
    if year and len(_YEAR.findall(before)) == 1:
        return _YEAR.sub(year.group(), before)
    return f"{before.rstrip(' ?.!')} {other}?"


def _of_another_kind(which: str, plural: bool, before: str) -> str:
    """ "Who leads the sound team?" from "Who leads the lighting team?" and "the sound one"."""
    every = [phrase.split() for phrase in innermost(before)]
    phrases = [words for words in every if words[-1].endswith("s") is plural] or every
    if not phrases:
        return ""
    words = next((each for each in phrases if len(each) > 2), phrases[-1])
    rest = words[2:] if len(words) > 2 else words[1:]
    return before.replace(" ".join(words), " ".join([words[0], which, *rest]), 1)


def _numbered(other: str, before: str) -> tuple[int, int] | None:
    """Where another number of the same stands: "2024" for "2023", "rule 5" for "rule 4"."""
    if other.isdigit():  # "and 2024?" is another year, whatever else is counted
        found = (_YEAR.fullmatch(other) and _YEAR.search(before)) or re.search(r"\b\d+\b", before)
    else:
        thing = _NUMBERED.fullmatch(other)
        found = thing and re.search(rf"\b{re.escape(thing['what'])}\s+\d[\w.]*", before, re.IGNORECASE)
    return found.span() if found else None


def _like(other: str, before: str) -> tuple[int, int] | None:
    """Where in the question before something of another's kind stands, which it may take the place of."""
    has_article = _HAS_ARTICLE.match(other)
    phrases = innermost(before)
    if same := [phrase for phrase in phrases if _head(phrase) == _head(other)]:  # "the red team"
        start = before.index(same[0])
        keeps = not has_article and same[0].split()[-1] == other.rsplit(maxsplit=1)[-1]  # "and blue team?"
        return start + (len(same[0].split()[0]) + 1) * keeps, start + len(same[0])
    if other.islower() and not has_article:
        slots = [match.span("slot") for pattern in _SLOTS if (match := re.search(pattern, before))]
        alike = [span for span in slots if before[slice(*span)][-_ALIKE:] == other[-_ALIKE:]]
        if slots or len(phrases) != 1:
            return next(iter(alike or slots), None)
    same_article = [p for p in phrases if has_article and p.lower().startswith(has_article.group().lower())]
    found = (same_article or phrases) if has_article and phrases else names(before) or phrases
    phrase = ended(found[0]) if found else ""
    start = before.find(phrase)  # not there: a name with two spaces in it
    return (start, start + len(phrase)) if phrase and start >= 0 else None


def _head(phrase: str) -> str:
    """What a noun phrase is a kind of, whether there are several."""
    return phrase.rsplit(maxsplit=1)[-1].lower().removesuffix("s")
