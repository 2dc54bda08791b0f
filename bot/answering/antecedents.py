"""What a pronoun stands for: the people and things that the question before and its answer name."""

import re

_WORD = r"(?:(?:Mr|Mrs|Ms|Dr|St|[A-Z])\.|[A-Z][\w’'-]*)"
NAME = re.compile(rf"\b(?:the\s+)?{_WORD}(?:\s+(?:(?:of|the|de|von|van|bin|al)\s+)?{_WORD})*")
_ARTICLE = r"(?:the|an?|this|my|your|our|their|its|his|her)"
NOUN_PHRASE = re.compile(
    rf"\b{_ARTICLE}\s+[\w’'-]+(?:\s+of\s+{_ARTICLE}\s+[\w’'-]+|\s+(?!{_ARTICLE}\b)[\w’'-]+){{0,4}}",
    re.IGNORECASE,
)
_VERB = re.compile(r"^(an?\s+\S+)\s+\w+(?<!s)s\b.*$", re.IGNORECASE)  # "a rope wears out"
_ENDS_PHRASE = re.compile(
    r"\s(?:(?:was|were|is|are|did|does|do|has|have|had|will|can|of|in|on|at|for|to|from|by|with|about|that|which|who|"
    r"over|under|across|near|behind|between|along|against|"
    r"start|begin|end|open|close|happen|take|cost|mean|say|tell|think|want|agree|make|give|get|go|come|see|win|play|"
    r"work|live|need|use|do|meet|pay|lose|leave|arrive|last|help|join|stay|keep|hold|bring|know|show|"
    r"the|an?|my|our|your|their|this|just|only|also|still|ever|never|always|usually|often|already|not)|\w{3,}ed)\b.*$",
    re.IGNORECASE,
)
_OPENS_SENTENCE = frozenset(
    "who whom whose what when where why how which and but so the a an is are was were did does do "
    "can could will would should may must has have had".split()
)
_PLACED = re.compile(rf"\b(?:in|at|from|near)\s+(?P<name>{NAME.pattern})")
_PEOPLE = re.compile(rf"{NAME.pattern}(?:(?:,|,?\s+and)\s+{NAME.pattern})*")
_NO_PERSON = frozenset(
    "yes no monday tuesday wednesday thursday friday saturday sunday january february march april may june "
    "july august september october november december".split()
)
# "does the server reset": what follows the auxiliary verb has the other verb at its end
_AUXILIARY = re.compile(r"\b(?:do|does|did|will|would|can|could|should|may|must)\s+$", re.IGNORECASE)
_SUBJECT = re.compile(r"\b(?:do|does|did|has|is|was|will|can)\s+(?P<who>the\s+[a-z][\w’'-]+)", re.IGNORECASE)
_ASKS_WHO = re.compile(r"\W*(?:and\s+)?who\b", re.IGNORECASE)
# "who is macron?", as it is typed in chat
_WHO_IS = re.compile(
    r"\W*(?:and\s+)?who(?:[’']?s|\s+(?:is|was))\s+(?P<who>(?!the\b|a\b|an\b|your\b|our\b)[\w.’'-]+(?:\s+[\w.’'-]+){0,2})\W*$",
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(
    r"\b(?:which|what|how\s+many)\s+(?P<things>(?:[\w’'-]+\s+){0,2}?(?!(?:is|was|does|has)\b)[a-z]{2,}s)\s+"
    r"(?:(?:are|were|did|do|does|have|has|had|can|will|would|could|may|must|should)(?:n[’']?t)?|\w{3,}ed)\b",
    re.IGNORECASE,
)
# "Do dogs pay?"
_DO_THEY = re.compile(
    r"\b(?:are|were|do|did|have|can|will|would|could|may|must|should)\s+(?P<things>[a-z]{2,}s)\s",
    re.IGNORECASE,
)
_BELONGS = re.compile(
    r"\s+(?:of|for|in|on|at|to|from|with|over|under|across|near|behind|between|along|by|against|about)\s+",
    re.IGNORECASE,
)
_MARK = re.compile(r"\s*(?:\[\d+\]|\(\d{4}-\d\d-\d\d\))")  # of a footnote, and its date
_WITH_VERB = 2  # words of a noun phrase without a verb after it
_MOST_ANSWER = 8  # words of an answer that can stand in a question as a name


def name_told(answer: str) -> str:
    """An answer that is a name, without its footnote's mark or date; "" for any other."""
    bare = _MARK.sub("", answer).strip(" .")
    return bare if len(bare.split()) <= _MOST_ANSWER and NAME.fullmatch(bare) else ""


def person(before: str, answer: str) -> str:
    """Whom "he" or "she" means: the answer if it is a name, else the last name of the question before."""
    named = name_told(answer)
    if " " in named or (_ASKS_WHO.match(before) and _may_be_person(named)):
        return named
    if found := [name for name in _not_places(before) or names(before) if _may_be_person(name)]:
        return found[-1]
    if asked := _WHO_IS.match(before):
        return asked["who"]
    if subject := _SUBJECT.search(before):
        return subject["who"]
    told = (m.group() for m in NAME.finditer(answer) if " " in m.group() or m.start() > 0)
    return next(filter(_may_be_person, told), named if _may_be_person(named) else "")


def _may_be_person(name: str) -> bool:
    return bool(name) and name.split(maxsplit=1)[0].lower() not in _NO_PERSON


def thing(before: str, *, of_several: bool = False) -> str:
    """What "it" or "that" means, or "they": the last thing that the question before names."""
    phrases: list[tuple[int, int]] = []
    for match in NOUN_PHRASE.finditer(before):
        phrase = ended(match.group())
        start, end = match.start(), _verb_left(before, match.start(), match.start() + len(phrase))
        phrase = before[start:end]
        if " " not in phrase or (of_several and phrase.lower().startswith(("a ", "an "))):
            continue
        if phrases and _BELONGS.fullmatch(before[phrases[-1][1] : start]):
            start, _ = phrases.pop()  # "the deposit for the kitchen" is a deposit
        phrases.append((start, end))
    if phrases:
        return before[slice(*phrases[-1])]
    return next(reversed(_not_places(before) or names(before)), "")


def several(before: str, answer: str) -> str:
    """Whom or what "they" means: who was asked for, the things that were asked for, or the last thing."""
    told = _MARK.sub("", answer).strip(" .")
    if _ASKS_WHO.match(before) and len(told.split()) <= _MOST_ANSWER and _PEOPLE.fullmatch(told):
        return told
    if asked := _ASKED_FOR.search(before):
        return f"the {asked['things']}"
    if subject := _DO_THEY.search(before):
        return subject["things"]
    return thing(before, of_several=True)


def ended(phrase: str) -> str:
    """A noun phrase without what follows it; "of the club" belongs to it."""
    head, of, rest = phrase.partition(" of ")
    alone = _ENDS_PHRASE.sub("", phrase)
    return f"{head}{of}{_ENDS_PHRASE.sub('', rest)}" if of and alone == head else _VERB.sub(r"\1", alone)


def innermost(question: str) -> list[str]:
    """The noun phrases one by one: "the captain", "the red team" of "the captain of the red team"."""
    found = []
    for match in re.finditer(rf"\b{_ARTICLE}\s", question, re.IGNORECASE):
        phrase = NOUN_PHRASE.match(question, match.start())
        if phrase and " " in (alone := _ENDS_PHRASE.sub("", phrase.group())):
            found.append(
                question[match.start() : _verb_left(question, match.start(), match.start() + len(alone))]
            )
    return found


def _verb_left(question: str, start: int, end: int) -> int:
    """Where a noun phrase ends that must leave a verb to its clause: "does [the server] reset?"."""
    words = question[start:end].split()
    if not _AUXILIARY.search(question[:start]) or question[end:].strip(" ?.!") or len(words) <= _WITH_VERB:
        return end
    with_object = len(words) > _WITH_VERB + 1 and words[-1].endswith("s")  # "the club sell shirts"
    return start + len(" ".join(words[: -2 if with_object else -1]))


def names(question: str) -> list[str]:
    """The names in a question, without a question word that has a capital too: "Did Bo Lind"."""
    found = []
    for match in NAME.finditer(question):
        words = match.group().split()
        while words and words[0].lower() in _OPENS_SENTENCE:
            words.pop(0)
        if words and words != ["I"]:
            found.append(" ".join(words))
    return found


def _not_places(question: str) -> list[str]:
    """The names in a question that are not where something is: "Ann Lee from Orrham" is not Orrham."""
    placed = {match["name"] for match in _PLACED.finditer(question)}
    return [name for name in names(question) if name not in placed]
