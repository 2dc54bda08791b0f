"""What a question asks for: its kind, the words that carry its content, and what it refers back to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.answering import follow_up
from bot.answering.datatypes import Turn

# what turns a sentence into its opposite
NEGATION = re.compile(
    r"\b(?:not|never|no|nobody|none|nothing|without|neither|nor|cannot)\b|n[’']t\b", re.IGNORECASE
)
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
    wat wut wht wot waht wots whut wich whcih wen wher hw hwo hows pls plz thx r ur y ya abt abut bout n da
    teh dis dat cuz coz gonna hey hi hello thanks thank ok okay tell know explain describe give name list
    mention mentioned article articles according exactly kind sort thing things happen happens happened
    happening say anything there're""".split()
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
_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)"
# verbs that look like plurals: "What happens after a warning?" asks for one thing
_NO_PLURAL = (
    r"(?:is|was|does|has|his|its|this|process|news|happens|causes|makes|means|needs|says|comes|goes|helps|gives|"
    r"takes|keeps|lets|gets|wins|costs|owns|runs|plays|works|looks|starts|ends|begins|opens|closes|leads|lives|"
    r"contains|includes|remains|becomes|seems|tells|leaves|applies|counts|belongs|always|sometimes|towards|perhaps)"
)
_LIST = re.compile(
    rf"\b(?:which|what)\s+(?:(?!{_AUXILIARY}\b)\w+\s+){{0,3}}?(?!{_NO_PLURAL}\b)[a-z]{{3,}}(?<!ss)(?<!us)s\b|"
    r"\b(?:what|which)\s+(?:are|were)\b|\b(?:list|name)\s+(?:all|the|every|some|both|two|three)\b|"
    r"\bwho\s+(?:all|are|were|attended|took\s+part|participated|joined|came|else|signed|competed)\b",
    re.IGNORECASE,
)
_REFERS_BACK = re.compile(
    r"\b(?:he|she|him|her|his|hers|they|them|their|it|its|this|these|those|then|ones|"
    r"that(?!\s+(?:the|an?|i|we|you|there)\b)|"  # "who said that the pool is closed"
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbe )there(?!\s+(?:is|are|was|were|will|be)\b)|"
    r"there(?=[\s?.!]*$))\b",
    re.IGNORECASE,
)
_OPENS_BACK = re.compile(r"^\W*(?:and|but|so|also|what about|how about|why)\b", re.IGNORECASE)
_ASKS = re.compile(
    rf"\W*(?:and\s+)?(?:who|whom|whose|what|when|where|why|how|which|{_AUXILIARY})\b", re.IGNORECASE
)
_PARTS = re.compile(
    r"(?<=\?)\s+(?=\S)|[,;]?\s+(?:and|&)\s+(?=(?:what|when|where|why|how|which)\s+\w)"
    r"|(?<!\bwho)(?<!\bthat)[,;]?\s+(?:and|&)\s+(?=who\s+\w)",
    re.IGNORECASE,
)
_ONE_WORD = re.compile(r"\w+")
_MOST_PARTS = 4
_POLITE = re.compile(
    r"^\W*(?:(?:hi|hey|hello|ok|so)\b\W*)?(?:(?:can|could|would|will|do)\s+(?:you|u|anyone|anybody|someone|somebody)\s+"
    r"(?:please\s+|pls\s+)?(?:tell\s+(?:me|us)|know|say|explain|list|name|give\s+(?:me|us))|please\s+tell\s+me|tell\s+me)\s+"
    r"(?:if\s+|whether\s+)?(?=\w)",
    re.IGNORECASE,
)
_CHAT = dict(
    pair.replace("|", " ").split("=")
    for pair in """wat=what wut=what wht=what wot=what waht=what whats=what|is wich=which whcih=which
    wen=when wher=where hw=how hwo=how
    whos=who|is
    y=why r=are u=you ur=your abut=about abt=about bout=about teh=the da=the n=and cuz=because coz=because
    thats=that|is hows=how|is wheres=where|is whens=when|is pls=please plz=please dont=don't didnt=didn't
    doesnt=doesn't isnt=isn't wasnt=wasn't cant=can't wont=won't thx=thanks""".split()
)
_CHATTED = re.compile(r"(?<![\w.’'-])[a-z]+(?![\w’'-]|\.\w)")
_ASKS_LIST = re.compile(
    r"^\W*(?:(?:can|could|would|will)\s+(?:you|u)\s+(?:please\s+)?)?(?:list|name)\b", re.IGNORECASE
)
_LOOK_BACK = 3  # turns
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is searched, read and answered."""

    text: str  # as asked
    context: str  # what it refers back to, "" if it stands alone
    standalone: str  # as it would be asked without the conversation before it
    kind: Kind
    wants_list: bool
    filled: bool = False  # whether `standalone` has words of the conversation

    @property
    def search_text(self) -> str:
        """What is given to retrieval: what stands alone, or else the question with what it refers back to."""
        return self.standalone if self.filled else f"{spelt_out(self.text)} {self.context}".strip()


def understand(text: str, history: Sequence[Turn] = ()) -> Question:
    """The question behind a text, with the part of the conversation that it refers back to."""
    context = " ".join(_context(text, history))
    standalone = follow_up.standalone(text, history[-_LOOK_BACK:]) if context else text
    filled = standalone != text
    return worded(
        Question(text, context, standalone, Kind.OTHER, wants_list=False, filled=filled), standalone
    )


def worded(question: Question, standalone: str) -> Question:
    """The question in other words: what it asks for is told from these."""
    plain = spelt_out(_POLITE.sub("", standalone))
    lists = bool(_LIST.search(plain)) or bool(_ASKS_LIST.match(standalone))
    return replace(question, standalone=plain, kind=_kind(plain), wants_list=lists)


def spelt_out(text: str) -> str:
    """A question without chat spellings of little words, which the articles cannot put right.

    Only lower case: the US, J. R. Ewing and vitamin K are no chat.
    """
    return _CHATTED.sub(lambda match: _CHAT.get(match.group(), match.group()), text)


def parts(text: str) -> list[str]:
    """The questions that a text asks one after another: "When was it opened and how much did it cost?"."""
    found = [part.strip(" ,;") for part in _PARTS.split(text)]
    if any(_ONE_WORD.fullmatch(part) for part in found[:-1]):
        return [text]
    # "who and when?" is one question with two words, and a statement before a question is no question
    if len(found) < 2 or not all(_ASKS.match(part) for part in found):
        return [text]
    return (
        [*found[: _MOST_PARTS - 1], " ".join(found[_MOST_PARTS - 1 :])] if len(found) > _MOST_PARTS else found
    )


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
    opens_or_refers = _OPENS_BACK.match(text) or _REFERS_BACK.search(text)
    return len(content) == 0 or bool(opens_or_refers) or follow_up.is_bare(text)


def content_words(text: str) -> list[str]:
    """The words of a question that say what it is about, as written; the US, IT and the WHO among them."""
    shouted = text.isupper()
    return [
        word
        for word in _WORD.findall(text)
        if word.lower() not in FUNCTION_WORDS
        or word == "May"
        or (len(word) > 1 and word.isupper() and not shouted)
    ]


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
