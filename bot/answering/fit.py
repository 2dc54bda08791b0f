"""Does a sentence hold the type of answer that a question asks for."""

import re
from functools import lru_cache

from bot.answering.question import Kind
from vectorstore.lexical import stem_of, stems

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?)"
)
_YEAR = r"(?:1[0-9]|20)\d\d"
_DATE = re.compile(
    rf"\b(?:(?:{_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH})"
    rf"(?:,?\s+{_YEAR})?|{_MONTH},?\s+(?:of\s+)?{_YEAR}|{_YEAR}-\d\d-\d\d|(?:the\s+)?{_YEAR}s?\b(?!\s*(?:km|kg|m\b|%))"
    rf"|(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)(?:\s+and\s+\d{{1,2}}(?:st|nd|rd|th))?\s+centur(?:y|ies)"
    r"|\d{1,2}[:.]\d\d\s*(?:a\.?m\.?|p\.?m\.?)?|\d{1,2}\s*(?:a\.?m\.?|p\.?m\.?)\b"
    r"|(?:(?:last|next|this|every|on)\s+)?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?"
    r"|\d{1,4}\s+(?:BC|BCE|AD|CE)\b"
    r"|(?:last|next|this|earlier this|later this)\s+(?:week|month|year|summer|winter|spring|autumn)"
    r"|(?:a|an|\d+|two|three|four|five|six|ten)\s+(?:day|week|month|year|decade|centurie?)s?\s+(?:ago|later|earlier|before)"
    r"|yesterday|tomorrow|tonight|midnight|noon)",
)
_NUMBER_WORD = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    r"(?:tens\s+of\s+|hundreds\s+of\s+)?(?:hundreds?|thousands?|millions?|billions?|trillions?|dozens?)|half|"
    r"a\s+third|a\s+quarter|both|several|no\s+one|none|once|twice)"
)
_NUMBER = re.compile(
    rf"(?:[$€£]\s?)?\b\d[\d,.]*(?:\s?%|\b)(?:\s+(?:hundred|thousand|million|billion|trillion|percent|per\s+cent))*"
    rf"|\b{_NUMBER_WORD}\b(?:[\s-]+{_NUMBER_WORD}\b)*",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![\w’'])[A-Z][\w’'-]*(?:\s+(?:(?:of|the|de|von|van|bin|al)\s+)?[A-Z][\w’'-]*)*")
_PLACE = re.compile(
    r"\b(?:in|at|to|from|near|outside|inside|across|towards?|throughout|on|off)\s+(?:the\s+)?(?:\w+\s+)?[A-Z]\w+"
    r"|\b(?:in|at|near|outside|inside|behind|under|below|above|on)\s+(?:the|a|an|its|their|his|her)\s+\w+"
)
_REASON = re.compile(
    r"\b(?:because|since|so that|in order to|due to|owing to|thanks to|as a result|therefore|thus|hence|"
    r"caused|reasons?|so as to|which is why|that is why|to (?!the\b|a\b|an\b|be\b)\w+|for \w+ing|led to|"
    r"as (?:it|he|she|they|we|the))\b",
    re.IGNORECASE,
)
_THING = (
    r"(?!(?:has|was|is|does|this|its|his|as|us|across|always|plus|less|unless|perhaps|towards|afterwards|times)\b)"
    r"[a-z]{2,}s"
)
_HOW_MANY = re.compile(rf"\bhow many\s(?:(?!people\b)[\w’'-]+\s)??({_THING})\b", re.IGNORECASE)
_COUNTED = re.compile(
    rf"(?:{_NUMBER.pattern})(?:\s(?:of|the|more|other|different)\b)*\s(?:[\w’'-]+\s)??({_THING})\b",
    re.IGNORECASE,
)
# and not "who do I tell how many we are"
_ASKS_HOW_MANY = re.compile(
    r"^(?:(?!\b(?:who|what|when|where|why|which|how)\b).)*\bhow\s+many\b", re.IGNORECASE
)
# what tells how many without a number
_QUANTITY = re.compile(
    r"\b(?:an?|all|most|many|few|fewer|some|any|every|each|single|pair|couple|handful|infinit\w+|countless|"
    r"numerous|majority|minority|third|quarter|fifth|tenth|no)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\b(?:people|members?|residents?|students?|officials?|leaders?|minister|president|scientists?|workers?|"
    r"council|committee|government|company|team|police|editors?|moderators?|admins?|staff|volunteers?)\b",
    re.IGNORECASE,
)


def fits(kind: Kind, sentence: str, question: str) -> bool | None:
    """Whether the sentence has something of the type asked for; None when the kind asks for no type."""
    match kind:
        case Kind.WHEN:
            return bool(_new(_DATE, sentence, question))
        case Kind.NUMBER:
            return bool(_new(_NUMBER, sentence, question))
        case Kind.WHO:
            return bool(names(sentence, question) or _new(_SUBJECT, sentence, question))
        case Kind.WHERE:
            return bool(_PLACE.search(sentence))
        case Kind.WHY:
            return bool(_REASON.search(sentence))
        case _:
            return None


def counts_nothing(question: str, answer: str) -> bool:
    """Whether how many are asked for, and an answer has no quantity: "enough"."""
    asked = _ASKS_HOW_MANY.match(question)
    return bool(asked) and not _NUMBER.search(answer) and not _QUANTITY.search(answer)


def counts_another(question: str, sentence: str, span: tuple[int, int]) -> bool:
    """Whether the number in a span counts something else in a sentence that has the thing asked for.

    "How many hammers?" and "enough hammers for three lifetimes".
    """
    asked = _HOW_MANY.search(question)
    counted = _COUNTED.search(sentence, span[0])
    if asked is None or counted is None or counted.start() >= span[1]:
        return False
    thing = stem_of(asked.group(1).lower())
    return stem_of(counted.group(1).lower()) != thing and thing in stems(sentence)


def names(sentence: str, question: str) -> list[str]:
    """The capitalised names of a sentence that the question does not hold already."""
    asked = set(re.findall(r"\w+", question.lower()))
    return [name for name in _named(sentence) if not set(name.lower().split()) <= asked]


def _new(pattern: re.Pattern[str], sentence: str, question: str) -> list[str]:
    """The matches in a sentence that are not just the question's own words."""
    asked = question.lower()
    return [
        found
        for found in _found(pattern, sentence)
        if not re.search(rf"(?<!\w){re.escape(found.lower())}(?!\w)", asked)
    ]


# the sentences of a community's best-read articles are met again and again
@lru_cache(maxsize=4096)
def _found(pattern: re.Pattern[str], sentence: str) -> tuple[str, ...]:
    return tuple(match.group() for match in pattern.finditer(sentence))


@lru_cache(maxsize=4096)
def _named(sentence: str) -> tuple[str, ...]:
    matches = _NAME.finditer(sentence)
    return tuple(match.group() for match in matches if not _only_begins(sentence, match))


def _only_begins(sentence: str, name: re.Match[str]) -> bool:
    """A capital at the start of a sentence says nothing."""
    before = sentence[: name.start()].rstrip()
    return " " not in name.group() and (not before or before[-1] in '.“":?!')
