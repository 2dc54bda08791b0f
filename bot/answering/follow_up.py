"""A follow-up as it would be asked by itself: the words that it refers back to are put into it."""

import re
from collections.abc import Sequence

from bot.answering.datatypes import Turn

_WH = r"(?:who|whom|whose|what|when|where|why|how(?:\s+(?:many|much|long|often|old|far))?|which)"
_ASKS = re.compile(rf"^\W*(?P<wh>{_WH})\b\s*(?P<rest>.*?)[\s?.!]*$", re.IGNORECASE)
# "Why?", "And when?", "When was that?", "How come?": the rest is in the question before
_BARE = re.compile(
    rf"^\W*(?:(?:and|but|so)\W+)?(?P<wh>{_WH}|how come|what for)(?:\s+(?:(?:is|was|were|are)\s+(?:that|this)|"
    r"(?:did|does|do|was|is)\s+(?:that|this|it|they)\s+(?:happen|done)))?[\s?.!]*$",
    re.IGNORECASE,
)
# "And the French president?", "What about Mr Macron?": the same question of somebody or something else
_OTHER = re.compile(
    r"^\W*(?:(?:and|or|but|so)\s+)?(?:what\s+about|how\s+about|and)\s+(?P<other>[^?]{2,60}?)[\s?.!]*$",
    re.IGNORECASE,
)
_NO_OTHER = re.compile(
    r"^(?:i|you|u|we|he|she|it|they|this|that|then|now|so|tell|give|show|say|can|could|will|would|is|are|was|were|do|does|"
    r"did|its|his|her|their)\b",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(
    r"^(?:in|on|at|by|for|from|to|with|during|after|before|about|until|since)\b", re.IGNORECASE
)
_MOST_OTHER = 5  # words
# "Is it true that …", "What time is it?": nothing is referred to
_EXPLETIVE = re.compile(
    r"\bit\b(?=[^?.!]{0,40}\b(?:to|that|if|when)\b)|(?<=time is )it\b|(?<=does )it(?= (?:cost|take) to\b)",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|him)\b", re.IGNORECASE)
_PERSONS_OWN = re.compile(r"\b(?:his|her|hers)\b", re.IGNORECASE)
_THING = re.compile(r"\b(?:it|they|them)\b|\b(?:this|that|these|those)\b(?!\s+[a-z]{3,})", re.IGNORECASE)
_THINGS_OWN = re.compile(r"\b(?:its|their)\b", re.IGNORECASE)
_WORD = r"(?:(?:Mr|Mrs|Ms|Dr|St|[A-Z])\.|[A-Z][\w’'-]*)"
_NAME = re.compile(rf"\b(?:the\s+)?{_WORD}(?:\s+(?:(?:of|the|de|von|van|bin|al)\s+)?{_WORD})*")
_NOUN_PHRASE = re.compile(
    r"\b(?:the|a|an|this|our|their|its|his|her)\s+[\w’'-]+(?:\s+[\w’'-]+){0,4}", re.IGNORECASE
)
_ENDS_PHRASE = re.compile(
    r"\s(?:(?:was|were|is|are|did|does|do|has|have|had|will|can|of|in|on|at|for|to|from|by|with|about|that|which|who|"
    r"start|begin|end|open|close|happen|take|cost|mean|say|tell|think|want|agree|make|give|get|go|come|see|win|play|"
    r"work|live|need|use|do)|\w{3,}ed)\b.*$",
    re.IGNORECASE,
)
_OPENS_SENTENCE = frozenset(
    "who whom whose what when where why how which and but so the a an is are was were did does do".split()
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
    r"\b(?:meeting|call|summit|conference|talks|session|hearing|debate|workshop|webinar|election|vote|match|game|race|"
    r"final|tournament|championship|contest|competition|festival|concert|ceremony|party|parade|march|protest|"
    r"rally|raid|quiz|auction|hackathon|stream|event)$",
    re.IGNORECASE,
)
_PLACED = re.compile(rf"\b(?:in|at|from|near)\s+(?P<name>{_NAME.pattern})")
_MOST_ANSWER = 8  # words of an answer that can stand in a question as a name


def standalone(text: str, history: Sequence[Turn]) -> str:
    """The question with what it refers back to; by rules, so that it is quick and never invents a word."""
    if not history:
        return text
    question, answer = history[-1]
    before = standalone(question, history[:-1]) if len(history) > 1 else question
    if bare := _BARE.match(text):
        wh = "why" if bare["wh"].lower() in {"how come", "what for"} else bare["wh"]
        return _asked_with(wh, before, answer)
    other = _OTHER.match(text)
    if other and _names_something(other["other"]):
        return _asked_of(other["other"], before)
    return _filled_in(text, before, answer)


def is_bare(text: str) -> bool:
    """Whether it is hardly more than a question word: "Why?", "How come?"."""
    return bool(_BARE.match(text))


def _names_something(other: str) -> bool:
    """Whether what follows "and" or "what about" is a thing, and not a new sentence."""
    opens = re.match(_WH, other, re.IGNORECASE) or _NO_OTHER.match(other)
    return not opens and len(other.split()) <= _MOST_OTHER


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
    subject = _name(answer) if asked["wh"].lower() == "who" else ""
    return " ".join(f"{wh} {subject} {asked['rest']}".split()) + "?"


def _is_event(thing: str) -> bool:
    """Whether it takes place: the meeting of the club, and not the record in the race."""
    return bool(_EVENT.search(_ENDS_PHRASE.sub("", thing)))


def _name(answer: str) -> str:
    """An answer that is a name, without its footnote's mark or date; "" for any other."""
    bare = re.sub(r"\s*(?:\[\d+\]|\(\d{4}-\d\d-\d\d\))", "", answer).strip(" .")
    return bare if len(bare.split()) <= _MOST_ANSWER and _NAME.fullmatch(bare) else ""


def _asked_of(other: str, before: str) -> str:
    """The question before about somebody or something else."""
    if _PREPOSITION.match(other):
        return f"{before.rstrip(' ?.!')} {other}?"
    if other.isdigit() and re.search(r"\b\d+\b", before):
        return re.sub(r"\b\d+\b", other, before, count=1)
    names = _names(before)
    phrases = [m.group() for m in _NOUN_PHRASE.finditer(before)]
    found = phrases if other.lower().startswith(("the ", "a ", "an ")) and phrases else names or phrases
    if not found:
        return f"{before.rstrip(' ?')} {other}?"
    phrase = found[0]
    if not phrase[:1].isupper():
        phrase = _ENDS_PHRASE.sub("", phrase)
    return before.replace(phrase, other, 1)


def _filled_in(text: str, before: str, answer: str) -> str:
    """The question with each pronoun as what it stands for."""
    person, thing = _person(before, answer), _thing(before)
    filled = text
    if person:
        filled = _PERSON.sub(lambda _: person, filled)
        filled = _PERSONS_OWN.sub(lambda _: f"{person}'s", filled)
    if thing and not _EXPLETIVE.search(text):
        filled = _THING.sub(lambda _: thing, filled)
        filled = _THINGS_OWN.sub(lambda _: f"{thing}'s", filled)
    return filled


def _person(before: str, answer: str) -> str:
    """Whom "he" or "she" means: the answer if it is a name, else the last name of the question before."""
    if " " in (named := _name(answer)):
        return named
    if names := _not_places(before) or _names(before):
        return names[-1]
    first = _NAME.search(answer)
    return first.group() if first else ""


def _thing(before: str) -> str:
    """What "it" or "that" means: the last thing that the question before names."""
    phrases = [_ends(m.group()) for m in _NOUN_PHRASE.finditer(before)]
    phrases = [phrase for phrase in phrases if " " in phrase]
    if phrases:
        return phrases[-1]
    return next(reversed(_not_places(before) or _names(before)), "")


def _ends(phrase: str) -> str:
    """A noun phrase without what follows it; "of the club" belongs to it."""
    head, of, rest = phrase.partition(" of ")
    ended = _ENDS_PHRASE.sub("", phrase)
    return f"{head}{of}{_ENDS_PHRASE.sub('', rest)}" if of and ended == head else ended


def _not_places(question: str) -> list[str]:
    """The names in a question that are not where something is: "Ann Lee from Orrham" is not Orrham."""
    placed = {match["name"] for match in _PLACED.finditer(question)}
    return [name for name in _names(question) if name not in placed]


def _names(question: str) -> list[str]:
    """The names in a question, without a question word that has a capital too: "Did Bo Lind"."""
    found = []
    for match in _NAME.finditer(question):
        words = match.group().split()
        while words and words[0].lower() in _OPENS_SENTENCE:
            words.pop(0)
        if words:
            found.append(" ".join(words))
    return found
