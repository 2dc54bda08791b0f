"""From question files to examples for the reader, with many honest negatives.

An example is a question, a passage and where the answer stands in it: one span, several for a list, none in a
negative. Negatives come from the data themselves (SQuAD 2.0's and those in `written/` were written to look
answerable) and are made here: the question with another passage that shares its words, with the answer's
sentence taken out of the passage, or with a name, number or word of the question changed into another.
"""

import math
import random
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from sentencex import get_sentence_boundaries

from bot.answering.lists import split_items
from training.negatives import twisted, without_answer
from training.sources import OURS, Asked, Span, held_out, squad, written

_WORD = re.compile(r"[^\W_]+")
_SEVERAL = re.compile(
    r"\b(?:two|three|four|five|six|seven|both|names?|list|kinds|types|who are|who were|what are|what were|"
    r"(?:what|which)(?: \w+)? [a-z]{3,}s "
    r"(?:are|were|did|do|have|has|was|is|can|will|would|could|make|made))\b",
    re.IGNORECASE,
)

# how much of each source an epoch holds: less of reviews and of questions made for single sentences
SHARES = {
    "shift_amazon_reviews": 0.12,
    "shift_reddit": 0.15,
    "qamr": 0.2,
    "qed": 0.7,
    "squad20": 1.5,
    "squad2train": 0.8,
    "shift_new_wiki": 0.9,
    "near": 0.8,
    "article": 2.0,
    "list": 2.0,
    "said": 2.0,
    "report": 2.0,
    "entry": 2.0,
    "page": 2.0,
    "short": 1.5,
    "table": 2.5,
    "note": 2.5,
    "story": 3.0,
    "listed": 1.0,
}
# people wrote negatives to these, fewer are made
_OWN_NEGATIVES = {"squad20", "near", "listed", *OURS.values()}
_WITH_TITLE = {*_OWN_NEGATIVES, "squad2train", "shift_new_wiki"}
_MADE_NEGATIVE, _MADE_BESIDE_OWN = 0.7, 0.2  # of the answerable ones, in addition
_HEADED = 0.5  # passages with their context header in front, as they are in a library
_CHATTED = 0.2  # questions as people type them
# passages of which some sentences at either end are left out, for where a chunk begins and ends is chance;
# so many sentences stay before an answer, which say who speaks, and after it
_CROPPED, _BEFORE, _AFTER = 0.3, 2, 1
_LOOKED_AT = 200  # passages among which the one most like the question is sought


@dataclass(frozen=True, slots=True)
class Example:
    """Each `passage[start:end]` of `answers` is an item of the answer; there are none in a negative."""

    question: str
    passage: str
    answers: tuple[Span, ...] = ()
    header: str = ""


class Questions:
    """The training questions; `epoch` makes a fresh set of examples of them.

    One paragraph in ten is held out with all its questions: on those the verifier is fitted and calibrated.
    """

    def __init__(self, files: list[Path], *, held: bool = False) -> None:
        self.asked = [asked for file in files for asked in squad(file)]
        self.asked += written(self.asked)
        self.asked = [asked for asked in self.asked if held_out(asked.passage, asked.source) is held]
        passages = list(dict.fromkeys(asked.passage for asked in self.asked))
        frequency = Counter(word for text in passages for word in _words(text))
        self._idf = {word: math.log(len(passages) / count) for word, count in frequency.items()}
        self._of_title: dict[str, list[str]] = {}
        for asked in self.asked:
            self._of_title.setdefault(asked.title, []).append(asked.passage)
        self._of_title = {title: list(dict.fromkeys(texts)) for title, texts in self._of_title.items()}
        self._passages = passages
        self._words_of = {text: _words(text) for text in passages}

    def epoch(self, chance: random.Random, part: tuple[int, int] = (0, 1)) -> list[Example]:
        """One pass over the data, or over the part with such a number of so many, in random order."""
        made: list[Example] = []
        for asked in self.asked[part[0] :: part[1]]:
            share = SHARES.get(asked.source, 1.0)
            for _ in range(int(share) + (chance.random() < share % 1)):
                answers = chance.choice(asked.choices) if asked.choices else ()
                if len(answers) == 1:
                    answers = items(asked.question, asked.passage, answers[0])
                own = [Example(asked.question, asked.passage, answers)]
                more = _MADE_BESIDE_OWN if asked.source in _OWN_NEGATIVES else _MADE_NEGATIVE
                if asked.choices and chance.random() < more and (negative := self._negative(asked, chance)):
                    own.append(negative)
                own = [cropped(each, chance) if chance.random() < _CROPPED else each for each in own]
                made += [self._dressed(example, asked, chance) for example in own]
        chance.shuffle(made)
        return made

    def _negative(self, asked: Asked, chance: random.Random) -> Example | None:
        way = chance.random()
        if way < 0.5 and (other := twisted(asked, chance.choice(self._of_title[asked.title]), chance)):
            return Example(other, asked.passage)
        if way < 0.7 and (short := without_answer(asked)):
            return Example(asked.question, short)
        near = self._of_title[asked.title]
        pool = near if len(near) >= 8 else self._passages
        words, told = _words(asked.question), asked.told()
        seen = (text for text in chance.sample(pool, min(_LOOKED_AT, len(pool))) if text != asked.passage)
        ranked = sorted(
            seen, key=lambda text: -sum(self._idf.get(w, 0) for w in words & self._words_of[text])
        )
        fitting = (text for text in ranked[:3] if not any(answer in text.lower() for answer in told))
        found = next(fitting, None)
        return Example(asked.question, found) if found else None

    @staticmethod
    def _dressed(example: Example, asked: Asked, chance: random.Random) -> Example:
        question = chatted(example.question, chance) if chance.random() < _CHATTED else example.question
        title = asked.title.rpartition("/")[2].replace("_", " ")
        header = title if asked.source in _WITH_TITLE and chance.random() < _HEADED else ""
        return replace(example, question=question, header=header)


def items(question: str, passage: str, answer: Span) -> tuple[Span, ...]:
    """The items of an answer that enumerates ("Ann, Bob and Eve"); the answer itself if it does not."""
    text = passage[answer[0] : answer[1]]
    parts = split_items(text)
    told = [text[a:b] for a, b in parts]
    conjoined = re.search(r"\b(?:and|or)\b", text) is not None
    asked = _SEVERAL.search(question) is not None
    people = question.lower().startswith("who") and all(part[0].isupper() for part in told)
    if len(parts) > 1 and (conjoined or asked) and (len(parts) > 2 or asked or people):
        return tuple((answer[0] + a, answer[0] + b) for a, b in parts)
    return (answer,)


def cropped(example: Example, chance: random.Random) -> Example:
    """The same with a part of the passage that holds the answers, or, of a negative, most of the passage."""
    passage, answers = example.passage, example.answers
    sentences = [(s["start_index"], s["end_index"]) for s in get_sentence_boundaries("en", passage)]
    count = len(sentences)
    if answers:
        within = [i for i, (a, b) in enumerate(sentences) if any(x < b and a < y for x, y in answers)]
        if not within:  # a few answers of the question files stand nowhere; the rows leave them out
            return example
        first, last = max(0, within[0] - _BEFORE), min(count - 1, within[-1] + _AFTER)
    else:
        first = chance.randint(0, count // 4)
        last = count - 1 - chance.randint(0, count // 4)
    start = sentences[chance.randint(0, first)][0]
    end = sentences[chance.randint(last, count - 1)][1]
    text = passage[start:end].rstrip()
    return replace(example, passage=text, answers=tuple((a - start, b - start) for a, b in answers))


def chatted(question: str, chance: random.Random) -> str:
    """The question as it is typed in chat: without its mark, or with one slip of the fingers."""
    typed = question.rstrip("? ") if chance.random() < 0.7 else question
    words = typed.split()
    long = [i for i, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if long and chance.random() < 0.5:
        place = chance.choice(long)
        word = words[place]
        at = chance.randrange(1, len(word) - 1)
        slips = (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
        words[place] = chance.choice(slips)
    return " ".join(words)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
