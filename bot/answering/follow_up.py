"""A follow-up as it would be asked by itself: the words that it refers back to are put into it."""

import re
from collections.abc import Sequence

from bot.answering import another
from bot.answering.another import BEFORE, WH
from bot.answering.antecedents import innermost, name_told, person, several, thing
from bot.answering.datatypes import Turn

_ASKS = re.compile(rf"^\W*(?P<wh>{WH})\b\s*(?P<rest>.*?)[\s?.!]*$", re.IGNORECASE)
# "Why?", "And when?", "When was that?", "How come?", "By how much?": the rest is in the question before
_BARE = re.compile(
    rf"^\W*(?:(?:and|but|so)\W+)?(?P<wh>{WH}|how come|what for|{BEFORE}\s+{WH}(?:\s+\w+)?)"
    r"(?:\s+(?:(?:is|was|were|are)\s+(?:that|this)|"
    r"(?:did|does|do|was|is)\s+(?:that|this|it|they)\s+(?:happen|done)))?[\s?.!]*$",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"^(?:his|her|their|its)\b", re.IGNORECASE)
# "Is it true that …", "What time is it?": nothing is referred to
_EXPLETIVE = re.compile(
    r"\bit\b(?=[^?.!]{0,40}\b(?:to|that|if|when)\b)|(?<=time is )it\b|(?<=does )it(?= (?:cost|take) to\b)",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|him)\b", re.IGNORECASE)
_PERSONS_OWN = re.compile(r"\b(?:his|her|hers)\b", re.IGNORECASE)
_THING = re.compile(r"\bit\b|\b(?:this|that)\b(?!\s+[a-z]{3,})", re.IGNORECASE)
_THINGS_OWN = re.compile(r"\bits\b", re.IGNORECASE)
_SEVERAL = re.compile(r"\b(?:they|them)\b|\b(?:these|those)\b(?!\s+[a-z]{3,})", re.IGNORECASE)
_WHICH_ONES = re.compile(r"(?<=\bwhich )ones\b", re.IGNORECASE)
_SEVERALS_OWN = re.compile(r"\btheir\b", re.IGNORECASE)
_THERE = re.compile(r"\bthere(?=[\s?.!]*$)", re.IGNORECASE)
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
        if _POSSESSIVE.match(other):
            other = _filled_in(other, before, answer)
        return another.asked_of(other, before)
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
    to_do = _HOW_TO.search(before)
    if to_do and _TAKES.search(text):
        return _TAKES.sub(lambda it: f"{it['does']} it {it['takes']} to {to_do['do'].strip()}?", text)
    he, it, they = person(before, answer), thing(before), several(before, answer)
    filled = text
    if he:
        filled = _PERSON.sub(lambda _: he, filled)
        filled = _PERSONS_OWN.sub(lambda _: f"{he}'s", filled)
    if they:
        filled = _SEVERAL.sub(lambda _: they, filled)
        filled = _SEVERALS_OWN.sub(lambda _: f"{they}'s", filled)
        filled = _WHICH_ONES.sub(lambda _: they.removeprefix("the "), filled)
    if it and not _EXPLETIVE.search(text):
        filled = _THING.sub(lambda _: it, filled)
        filled = _THINGS_OWN.sub(lambda _: f"{it}'s", filled)
    if _is_event(it):
        filled = _THERE.sub(lambda _: f"at {it}", filled)
    return filled
