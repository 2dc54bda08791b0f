"""What a question asks for: its kind, the words that carry its content, and what it refers back to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.answering.datatypes import Turn

# English words (and their chat spellings) that say nothing of what a question is about
FUNCTION_WORDS = frozenset(
    """a about after all also am an and any anyone are aren as at be because been before being between both
    but by can cannot could couldn d did didn do does doesn doing don during each either else ever every
    for from further had hadn has hasn have haven having he her here hers him his how i if in into is
    isn it its itself just ll m many may me might more most much must my myself no nor not now of off
    often on once one only or other our ours out over own per please re really s same shall she should
    shouldn so some somebody someone something still such t than that the their theirs them then there
    these they this those through to too u under until up upon us ve very was wasn way we were weren
    what whats when where whether which while who whom whos whose why will with within without won would
    wouldn you your yours
    wat wut wht wot wots whut wen wher hw hwo hows pls plz thx r ur y ya abt abut bout n da teh dis dat
    cuz coz gonna hey hi hello thanks thank ok okay tell know explain describe give name list mention
    mentioned article articles according exactly kind sort thing things happen happens happened happening say
    anything there're""".split()
)


class Kind(StrEnum):
    """The type of answer that a question asks for."""

    WHO = "who"
    WHEN = "when"
    WHERE = "where"
    NUMBER = "number"
    WHY = "why"
    OTHER = "other"


_KINDS = (
    (
        Kind.NUMBER,
        r"how\s+(?:many|much|old|long|far|tall|big|large|high|fast|often)\b|what\s+(?:number|percentage)",
    ),
    (
        Kind.WHEN,
        r"when\b|wen\b|what\s+(?:year|date|day|month|time|century|decade)\b|which\s+(?:year|day|month)\b",
    ),
    (Kind.WHERE, r"where\b|wher\b|(?:what|which)\s+(?:city|country|place|town|region|state|continent)\b"),
    (Kind.WHO, r"who(?:m|se|s)?\b|hwo\b|which\s+(?:person|people|leaders?|countries|man|woman)\b"),
    (Kind.WHY, r"why\b|how\s+come\b|what\s+(?:was|is|were|are)?\s*the\s+reasons?\b|for\s+what\s+reason\b"),
)
_LIST = re.compile(
    r"\b(?:list|name|all|every|which|what)\b(?:\s+\w+){0,3}\s+(?!(?:was|is|does|has|his|its|this|process|news)\b)"
    r"[a-z]{3,}(?<!ss)s\b|\bwho\s+(?:all\s+)?(?!(?:is|was|said|says|arranged)\b)\w+|\bwho\s+(?:were|are)\b",
    re.IGNORECASE,
)
_REFERS_BACK = re.compile(
    r"\b(?:he|she|him|her|his|hers|they|them|their|it|its|this|that|these|those|there|then)\b", re.IGNORECASE
)
_OPENS_BACK = re.compile(r"^\W*(?:and|but|so|also|what about|how about|why)\b", re.IGNORECASE)
_LOOK_BACK = 3  # turns
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is searched and answered."""

    text: str  # as asked
    context: str  # what it refers back to, "" if it stands alone
    kind: Kind
    wants_list: bool

    @property
    def search_text(self) -> str:
        """What is given to retrieval."""
        return f"{self.text} {self.context}".strip()


def understand(text: str, history: Sequence[Turn] = ()) -> Question:
    """The question behind a text, with the part of the conversation that it refers back to."""
    context = " ".join(_context(text, history))
    return Question(text, context, _kind(text), bool(_LIST.search(text)))


def _context(text: str, history: Sequence[Turn]) -> list[str]:
    """The questions before that a text refers back to, and the names in their answers, the last first."""
    told: list[str] = []
    for question, answer in reversed(history[-_LOOK_BACK:]):
        if not refers_back(text):
            break
        told += [question, *_names(answer)]
        text = question  # which may refer back itself: "Where was he born?"
    return told


def refers_back(text: str) -> bool:
    """Whether a question cannot be understood without the one before it."""
    content = content_words(text)
    return len(content) == 0 or bool(_OPENS_BACK.match(text)) or bool(_REFERS_BACK.search(text))


def content_words(text: str) -> list[str]:
    """The words of a question that say what it is about, as written."""
    return [word for word in _WORD.findall(text) if word.lower() not in FUNCTION_WORDS]


def _kind(text: str) -> Kind:
    lower = text.lower()
    found = (
        (match.start(), kind) for kind, pattern in _KINDS if (match := re.search(rf"\b(?:{pattern})", lower))
    )
    return min(found, default=(0, Kind.OTHER))[1]


def _names(text: str) -> list[str]:
    """The capitalised words of an answer: whom or what a pronoun may mean."""
    words = dict.fromkeys(word for word in _WORD.findall(text) if word[0].isupper())
    return [word for word in words if word.lower() not in FUNCTION_WORDS or word == "May"][:8]
