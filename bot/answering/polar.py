"""Yes or no: said only when a sentence decides it, never guessed."""

import re

from bot.answering.question import content_words
from vectorstore.lexical import stem_of

_BE = "is are was were am"
_MODAL = "can could will would should may must has have had"
_OPENS = re.compile(
    r"^\W*(?:(?:and|but|so|ok|hey|hi|pls|please)\W+)*(?P<first>is it true that|"
    rf"(?:{'|'.join(f'{_BE} do does did {_MODAL}'.split())})(?:n[’']?t)?\b)",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\bor\b(?!\s+(?:not|more|less|so|later|earlier)\b)", re.IGNORECASE)
# a question in the question: "is it known when", "and why"; not "was it the first when they won"
_WH = re.compile(
    r"(?:,\s*|\b(?:and|or|but|not|if|know\w*|tell\w*|sa(?:y|ys|id)|explain\w*|show\w*|see|seen|me|us|about|on|of|for|to|in|"
    r"at|from|by|with|sure|clear|decided|idea|info)\s+)(?:who|whom|whose|what|when|where|why|how|which)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:not|never|no|nobody|none|nothing|nowhere|neither|nor|without|cannot|unless|except|instead|only)\b|n[’']t\b",
    re.IGNORECASE,
)
_SHORTEST = 3  # words of a sentence that says something
# what a sentence only supposes, reports, plans or denies in other words is not settled by it
_OPEN = re.compile(
    r"\b(?:(?-i:may)|might|could|would|should|must|shall|will|if|whether|perhaps|possibly|likely|alleged\w*|reportedly|yet|"
    r"former\w*|ex|until|almost|nearly|hardly|barely|false|untrue|myth|wrong|rumou?rs?|claim\w*|den(?:y|ies|ied)|said|"
    r"says?|told|according|some|most|many|few|to|too)\b",
    re.IGNORECASE,
)
# little words that turn a statement into another one
_TURNS = frozenset(
    "all every each only both any before after since until during under over more less least with without "
    "for from by to against of in on at off out up down near between than as".split()
)


def is_polar(question: str) -> bool:
    """Whether a question asks for yes or no; one that offers a choice, or also asks when or who, does not."""
    opens = _OPENS.match(question)
    return bool(opens) and not _CHOICE.search(question) and not _WH.search(question)


def settles_nothing(question: str, sentence: str) -> bool:
    """Whether a line of a word or two, which is a heading, cannot answer a yes/no question."""
    return is_polar(question) and len(sentence.split()) < _SHORTEST


def verdict(question: str, sentence: str) -> str | None:
    """ "Yes", "No", or None where the sentence leaves it open.

    The sentence must begin with the question's words in the question's order, with no other word that says
    something among them, with the same little words and the same auxiliary verb, and suppose nothing: "Ann
    promised to resign", "Bo beat Ann" or "the former mayor" settle nothing of Ann's resigning, winning or
    office. That is rarely met, and then the sentence alone is shown.
    """
    opens = _OPENS.match(question)
    asked = content_words(question[opens.end() :]) if opens else []
    telling = set(content_words(sentence))
    said = [word for word in re.finditer(r"[^\W_]+", sentence) if word.group() in telling][: len(asked)]
    same = [stem_of(word) for word in asked] == [stem_of(word.group()) for word in said]
    if not opens or not asked or not same or sentence.rstrip().endswith("?") or _NOT.search(question):
        return None
    head, rest = sentence[: said[-1].end()], sentence[said[-1].end() :]
    little = [_little(question[opens.end() :]), _little(head)]
    supposed = {word.lower() for word in _OPEN.findall(sentence)} - set(_words(question))
    past = [word.lower().endswith("ed") for word in asked] != [
        word.group().lower().endswith("ed") for word in said
    ]
    if past and opens["first"].lower() != "did":  # "does it stop" is not settled by "it stopped"
        return None
    same_verb = _same_verb(opens["first"].lower(), question[opens.end() :], head)
    if little[0] != little[1] or supposed or _NOT.search(rest) or not same_verb:
        return None
    return "No" if _NOT.search(head) else "Yes"


def _same_verb(verb: str, rest: str, head: str) -> bool:
    """Whether a statement has the auxiliary that the question opens with: "is" is not settled by "was"."""
    said, auxiliaries = set(_words(head)), set(f"{_BE} {_MODAL}".split())
    if verb == "is it true that":
        return said & auxiliaries == set(_words(rest)) & auxiliaries
    if verb in auxiliaries:
        return verb in said
    other = {"was", "were", "had"} if verb in {"do", "does"} else set()
    return not said & other


def _little(text: str) -> list[str]:
    return sorted(word for word in _words(text) if word in _TURNS)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
