"""Questions that a passage only seems to answer, made from those that it does answer."""

import random
import re

from sentencex import get_sentence_boundaries

from training.sources import WRITTEN, Asked

_NAME = re.compile(r"(?<=[a-z,’'] )(?:[A-Z][\w’'-]+(?: (?:of |the )?[A-Z][\w’'-]+)*)")
_NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve)\b")

# words whose change turns a question into another one
OPPOSITES = dict(
    pair
    for line in (WRITTEN / "opposites.txt").read_text("utf-8").splitlines()
    for pair in (tuple(line.split()), tuple(reversed(line.split())))
)
_WORD = re.compile(r"[^\W_]+")
_NEGATED = re.compile(r"\b(?:did|does|do|was|were|is|are|could|would|has|have|had)\b", re.IGNORECASE)


def twisted(asked: Asked, elsewhere: str, chance: random.Random) -> str | None:
    """The question about another name, number or opposite thing, so that the passage has no answer.

    Names and numbers come from the passage itself or from `elsewhere`, a passage of the same article.
    """
    question, told = asked.question, asked.told()
    ways = [_other_name, _other_number, _opposite]
    chance.shuffle(ways)
    for way in ways:
        other = way(question, asked.passage, elsewhere, told, chance)
        if other is not None:
            return other
    if chance.random() < 0.25 and not re.search(r"\b(?:not|never)\b|n[’']t\b", question):
        negated = _NEGATED.sub(lambda verb: f"{verb.group()}n't", question, count=1)
        return negated if negated != question else None
    return None


def without_answer(asked: Asked) -> str | None:
    """The passage without the sentences that hold an answer; None if too little or an answer is left."""
    passage = asked.passage
    answers = [span for choice in asked.choices for span in choice]
    spans = [(s["start_index"], s["end_index"]) for s in get_sentence_boundaries("en", passage)]
    kept = [(a, b) for a, b in spans if not any(start < b and end > a for start, end in answers)]
    text = " ".join(passage[a:b].strip() for a, b in kept)
    left = any(answer in text.lower() for answer in asked.told())
    return None if len(text) < 150 or left else text


def _other_name(
    question: str, passage: str, elsewhere: str, told: set[str], chance: random.Random
) -> str | None:
    own = [m.group() for m in _NAME.finditer(question) if m.group() in passage]
    if not own:
        return None
    mine = chance.choice(own)
    # a name from elsewhere is surely not answered here; one from the passage itself is the harder miss
    source = passage if chance.random() < 0.3 else elsewhere
    others = [
        name
        for name in dict.fromkeys(m.group() for m in _NAME.finditer(source))
        if name not in question
        and name.lower() not in told
        and not set(name.split()) & set(mine.split())
        and (source is passage or name not in passage)
    ]
    return _changed(question, mine, chance.choice(others)) if others else None


def _other_number(
    question: str, passage: str, elsewhere: str, told: set[str], chance: random.Random
) -> str | None:
    own = [m.group() for m in _NUMBER.finditer(question) if m.group() in passage]
    if not own:
        return None
    mine = chance.choice(own)
    if mine.isdigit():
        others = [
            str(int(mine) + step) for step in (-20, -10, -3, -2, -1, 1, 2, 3, 10, 20) if int(mine) + step > 0
        ]
    else:
        others = [m.group() for m in _NUMBER.finditer(f"{passage} {elsewhere}") if not m.group().isdigit()]
    others = [number for number in others if number != mine and number not in passage and number not in told]
    return _changed(question, mine, chance.choice(others)) if others else None


def _opposite(
    question: str, passage: str, elsewhere: str, told: set[str], chance: random.Random
) -> str | None:
    words = [word for word in _WORD.findall(question) if word.lower() in OPPOSITES]
    if not words:
        return None
    mine = chance.choice(words)
    other = OPPOSITES[mine.lower()]
    return None if other in passage.lower() else _changed(question, mine, other)


def _changed(question: str, mine: str, other: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(mine)}(?!\w)", lambda _: other, question, count=1)
