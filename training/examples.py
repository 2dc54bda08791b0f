"""From question files in SQuAD's format to examples for the reader, with many honest negatives.

An example is a question, a passage and where the answer stands in it; nowhere, in a negative. Negatives come
from the data themselves (SQuAD 2.0's were written by people to look answerable) and are made here: the
question with another passage that shares its words, or with the answer's sentence taken out.
"""

import gzip
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sentencex import get_sentence_boundaries

_WORD = re.compile(r"[^\W_]+")

# how much of each source an epoch holds: full weight to what people ask of articles, less to reviews
SHARES = {"shift_amazon_reviews": 0.35, "shift_reddit": 0.4, "qamr": 0.35}
_WRITTEN = 2  # copies of the questions whose negatives people wrote
_MADE_NEGATIVE = 0.35  # of the answerable ones, in addition
_HEADED = 0.5  # passages with their context header in front, as they are in a library
_CHATTED = 0.25  # questions as people type them
_LOOKED_AT = 200  # passages among which the one most like the question is sought


@dataclass(frozen=True, slots=True)
class Example:
    """`passage[start:end]` answers the question; `start` is -1 if nothing does."""

    question: str
    passage: str
    start: int
    end: int
    header: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    passage: str
    answers: tuple[tuple[int, int], ...]
    title: str
    source: str


class Questions:
    """The training questions; `epoch` makes a fresh set of examples of them."""

    def __init__(self, files: list[Path]) -> None:
        self._asked = [asked for file in files for asked in _read(file)]
        passages = list(dict.fromkeys(asked.passage for asked in self._asked))
        frequency = Counter(word for text in passages for word in _words(text))
        self._idf = {word: math.log(len(passages) / count) for word, count in frequency.items()}
        self._of_title: dict[str, list[str]] = {}
        for asked in self._asked:
            self._of_title.setdefault(asked.title, []).append(asked.passage)
        self._of_title = {title: list(dict.fromkeys(texts)) for title, texts in self._of_title.items()}
        self._passages = passages
        self._words_of = {text: _words(text) for text in passages}

    def epoch(self, chance: random.Random) -> list[Example]:
        """One pass over the data, in random order."""
        made: list[Example] = []
        for asked in self._asked:
            copies = _WRITTEN if asked.source == "squad20" else 1
            if chance.random() >= SHARES.get(asked.source, 1.0):
                continue
            for _ in range(copies):
                start, end = chance.choice(asked.answers) if asked.answers else (-1, -1)
                own = [Example(asked.question, asked.passage, start, end)]
                if (
                    asked.answers
                    and chance.random() < _MADE_NEGATIVE
                    and (n := self._negative(asked, chance))
                ):
                    own.append(n)
                made += [self._dressed(example, asked.title, chance) for example in own]
        chance.shuffle(made)
        return made

    def _negative(self, asked: _Asked, chance: random.Random) -> Example | None:
        if chance.random() < 0.5 and (short := without_answer(asked.passage, asked.answers)):
            return Example(asked.question, short, -1, -1)
        near = self._of_title[asked.title]
        pool = near if len(near) >= 8 else self._passages
        answers = {asked.passage[a:b].lower() for a, b in asked.answers}
        words = _words(asked.question)
        seen = (text for text in chance.sample(pool, min(_LOOKED_AT, len(pool))) if text != asked.passage)
        ranked = sorted(
            seen, key=lambda text: -sum(self._idf.get(w, 0) for w in words & self._words_of[text])
        )
        fitting = (text for text in ranked[:3] if not any(answer in text.lower() for answer in answers))
        found = next(fitting, None)
        return Example(asked.question, found, -1, -1) if found else None

    @staticmethod
    def _dressed(example: Example, title: str, chance: random.Random) -> Example:
        question, header = example.question, example.header
        if chance.random() < _CHATTED:
            question = chatted(question, chance)
        if not header and len(title) > 3 and chance.random() < _HEADED:
            header = title
        return replace(example, question=question, header=header)


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


def without_answer(passage: str, answers: tuple[tuple[int, int], ...]) -> str | None:
    """The passage without the sentences that hold an answer; None if too little or an answer is left."""
    spans = [(s["start_index"], s["end_index"]) for s in get_sentence_boundaries("en", passage)]
    kept = [(a, b) for a, b in spans if not any(start < b and end > a for start, end in answers)]
    text = " ".join(passage[a:b].strip() for a, b in kept)
    told = any(passage[start:end].lower() in text.lower() for start, end in answers)
    return None if len(text) < 150 or told else text


def _read(file: Path) -> Iterator[_Asked]:
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        data = json.load(opened)["data"]
    for article in data:
        source, slash, title = article["title"].partition("/")
        if not slash:
            source, title = "squad20", source
        readable = title.replace("_", " ") if source in {"squad20", "squad2train"} else ""
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                answers = () if qa["is_impossible"] else qa["answers"]
                spans = tuple((a["answer_start"], a["answer_start"] + len(a["text"])) for a in answers)
                yield _Asked(
                    qa["question"], paragraph["context"], spans, readable or article["title"], source
                )


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
