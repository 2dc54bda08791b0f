"""A follow-up as it would be asked by itself: the words that it refers back to are put into it."""

import re
from collections.abc import Sequence

from bot.answering import another
from bot.answering.another import BEFORE, WH
from bot.answering.antecedents import innermost, name_told, person, several, thing
from bot.answering.datatypes import Turn

_ASKS = re.compile(
    rf"^\W*(?:{BEFORE}\s+)?(?P<wh>{WH})\b(?:\s+(?:year|month|week|day|date|time|hour))?\s*(?P<rest>.*?)[\s?.!]*$",
    re.IGNORECASE,
)
# "Why?", "And when?", "When was that?", "How come?", "By how much?": the rest is in the question before
_BARE = re.compile(
    rf"^\W*(?:(?:and|but|so)\W+)?(?P<wh>{WH}|how come|what for|{BEFORE}\s+{WH}(?:\s+\w+)?)"
    r"(?:\s+(?:(?:is|was|were|are)\s+(?:that|this)|"
    r"(?:did|does|do|was|is)\s+(?:that|this|it|they)\s+(?:happen|done)))?[\s?.!]*$",
    re.IGNORECASE,
)
_HAS_PRONOUN = re.compile(r"^(?:his|her|their|its|if)\b", re.IGNORECASE)
# "Is it true that …", "What time is it?": nothing is referred to
_EXPLETIVE = re.compile(
    r"\bit\b(?=[^?.!]{0,40}\b(?:to|that|if|when)\b)|(?<=does )it(?= (?:cost|take) to\b)|"
    r"\bit\s+(?:rain|snow)|\bit\s+(?:true|possible)\b|\b(?:time|day|date|month|year)\s+is\s+it\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    rf"\b(?:(?P<he>he|she|him|her(?!\s+(?!{BEFORE}\b)\w))|(?P<his>his|hers|her)|"
    r"(?P<it>(?<!\bdo )(?<!\bdone )(?<!\bdoing )"
    r"(?:it|(?:this|that)(?!\s+(?:[a-z]{3,}|i|we|he|it|my|u|an?)\b)))|"
    r"(?P<its>its)|(?P<they>they|them|(?:these|those)(?!\s+[a-z]{3,}))|(?P<their>their)|"
    r"(?P<ones>(?<=which )ones))\b",
    re.IGNORECASE,
)
# "What should members do when they join?": what it stands for is in the same text
_SUBORDINATE = re.compile(
    r"\b(?:when|if|after|before|because|while|until|once|that|unless|since|whether)\s+$", re.IGNORECASE
)
_NOUN = re.compile(
    r"\b(?:the|an?|my|our|your|each|every|any|all|new)\s+\w|"
    r"\b(?!(?:does|says|was|has|this|always|means|happens|is)\b)[a-z]{3,}s\b|[^\W_](?=\W+[A-Z][a-z])"
)
_CLAUSE = re.compile(r"[,;]|\b(?:and|but)\b", re.IGNORECASE)
_MINE = re.compile(r"\b(?:my|our|your)\s+\w")
_THERE = re.compile(
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bhi )(?<!\bget )(?<!\bgo )(?<!\bcome )"
    r"\bthere(?=[\s?.!]*$)",
    re.IGNORECASE,
)
_NO_QUESTION = re.compile(r"^\W*(?:thanks|thank you|thx|ty|lol)\b[^?]*$", re.IGNORECASE)
# "How long does that take?" after "How do I appeal a ban?"
_TAKES = re.compile(
    r"\b(?P<does>does|will|would|did)\s+(?:it|that|this)\s+(?P<takes>take|cost)[\s?.!]*$", re.IGNORECASE
)
_HOW_TO = re.compile(
    r"\bhow\s+(?:(?:do|can|could|should|would|may)\s+(?:i|you|u|we|one)|to)\s+(?P<do>[^?.!]+)", re.IGNORECASE
)
_DONE = re.compile(
    r"(?P<verb>(?!is\b|was\b|are\b|were\b)\w+)\s+(?P<thing>(?:the|a|an|this|our)\s[\w\s’'-]+)$", re.IGNORECASE
)
# who takes part in an event does so when and where it is: "Who chaired the meeting?", "When was that?"
_TAKES_PART = re.compile(
    r"arranged|organi[sz]ed|hosted|held|chaired|led|ran|moderated|convened|attended|joined|won|lost|played",
    re.IGNORECASE,
)
_EVENT = re.compile(
    r"\b(?:meeting|call|summit|conference|convention|talks|session|hearing|debate|workshop|webinar|election|vote|match|"
    r"game|race|final|tournament|championship|contest|competition|festival|concert|ceremony|party|parade|march|protest|"
    r"rally|raid|quiz|auction|hackathon|stream|event)$",
    re.IGNORECASE,
)


def standalone(text: str, history: Sequence[Turn]) -> str:
    """The question with what it refers back to; by rules, so that it is quick and never invents a word."""
    if not history:
        return text
    question, answer = history[-1]
    before = standalone(question, history[:-1]) if len(history) > 1 else question
    if bare := _BARE.match(text):
        wh = "why" if bare["wh"].lower() in {"how come", "what for"} else bare["wh"]
        return _asked_with(wh, before, answer)
    if other := another.asked_for(text):
        if _HAS_PRONOUN.match(other):
            other = _filled_in(other, before, answer)
        if asked := another.asked_of(other, before):
            return asked
    return _filled_in(text, before, answer)


def is_bare(text: str) -> bool:
    """Whether it is hardly more than a question word, or what to ask the same of: "Why?", "The blue one?"."""
    return bool(_BARE.match(text) or another.asked_for(text))


def _asked_with(wh: str, before: str, answer: str) -> str:
    """The question before with another wh-word: "Who opened the bridge?", "When?"."""
    asked = _ASKS.match(before)
    if asked is None:
        return f"{wh} {before}"
    done = _DONE.match(asked["rest"]) if asked["wh"].lower() == "who" else None
    if (
        done
        and wh.lower() in {"when", "where"}
        and _is_event(done["thing"])
        and _TAKES_PART.fullmatch(done["verb"])
    ):
        return f"{wh} was {done['thing']}?"
    if done and wh.lower() in {"when", "where", "why", "how"}:  # in the passive, who did it is no matter
        return f"{wh} was {done['thing']} {done['verb']}?"
    subject = name_told(answer) if asked["wh"].lower() == "who" else ""
    return " ".join(f"{wh} {subject} {asked['rest']}".split()) + "?"


def _is_event(phrase: str) -> bool:
    """Whether it takes place: the meeting of the club, and not the record in the race."""
    return bool(_EVENT.search(innermost(phrase)[0] if innermost(phrase) else phrase))


def _filled_in(text: str, before: str, answer: str) -> str:
    """The question with each pronoun as what it stands for."""
    if _NO_QUESTION.match(text):
        return text
    to_do = _HOW_TO.search(before)
    if to_do and _TAKES.search(text):
        return _TAKES.sub(lambda it: f"{it['does']} it {it['takes']} to {to_do['do'].strip()}?", text)
    he, it, they = person(before, answer), thing(before), several(before, answer)
    stands_for = {
        "he": he,
        "his": f"{he}'s" if he else "",
        "it": "" if _EXPLETIVE.search(text) else it,
        "its": f"{it}'s" if it else "",
        "they": they,
        "their": f"{they}'s" if they else "",
        "ones": they.removeprefix("the "),
    }
    told: dict[str, str] = {}  # what was put in -> for which pronoun

    def in_place_of(pronoun: re.Match[str]) -> str:
        meant, word = stands_for[str(pronoun.lastgroup)], pronoun.group().lower()
        if told.setdefault(meant, word) != word:  # what she told him was not told by him
            return pronoun.group()
        return _in_place_of(pronoun, meant)

    filled = _PRONOUN.sub(in_place_of, text)
    return _THERE.sub(lambda _: f"at {it}", filled) if _is_event(it) else filled


def _in_place_of(pronoun: re.Match[str], meant: str) -> str:
    """What a pronoun stands for, or the pronoun where that is in the same text, or not known."""
    before = pronoun.string[: pronoun.start()]
    is_subject = re.match(r"\s+\w", pronoun.string[pronoun.end() :])
    inside = bool(is_subject and _SUBORDINATE.search(before) and _NOUN.search(before))
    clauses = [boundary.start() for boundary in _CLAUSE.finditer(before)]
    inside = inside or bool(clauses and _NOUN.search(before[: clauses[-1]]))
    owned = pronoun.lastgroup in {"his", "its", "their"} and _NOUN.search(before)
    mine = pronoun.lastgroup in {"he", "his"} and _MINE.search(before)
    return pronoun.group() if inside or owned or mine or not meant else meant
