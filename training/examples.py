"""From question files to examples for the reader, with many honest negatives.

An example is a question, a passage and where the answer stands in it: one span, several for a list, none in a
negative. Negatives come from the data themselves (SQuAD 2.0's and those in `written/` were written to look
answerable) and are made here: the question with another passage that shares its words, with the answer's
sentence taken out of the passage, or with a name, number or word of the question changed into another.
"""

import gzip
import hashlib
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sentencex import get_sentence_boundaries

from bot.answering.lists import split_items

Span = tuple[int, int]

WRITTEN = Path(__file__).parent / "written"

_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"(?<=[a-z,’'] )(?:[A-Z][\w’'-]+(?: (?:of |the )?[A-Z][\w’'-]+)*)")
_NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve)\b")
_SEVERAL = re.compile(
    r"\b(?:two|three|four|five|six|seven|both|names?|list|kinds|types|who are|who were|what are|what were|"
    r"(?:what|which)(?: \w+)? [a-z]{3,}s "
    r"(?:are|were|did|do|have|has|was|is|can|will|would|could|make|made))\b",
    re.IGNORECASE,
)

# how much of each source an epoch holds: less of reviews and of questions made for single sentences
SHARES = {
    "shift_amazon_reviews": 0.1,
    "shift_reddit": 0.12,
    "qamr": 0.15,
    "qed": 1.0,
    "squad20": 1.5,
    "squad2train": 1.0,
    "shift_new_wiki": 1.0,
    "near": 1.0,
    "article": 2.0,
    "list": 2.2,
    "said": 2.0,
    "report": 2.0,
    "entry": 2.0,
    "page": 2.0,
    "short": 1.5,
    "table": 5.0,
    "note": 4.0,
    "listed": 1.5,
}
# files of `written/` with articles of our own
OURS = {
    "articles.txt": "article",
    "lists.txt": "list",
    "said.txt": "said",
    "reports.txt": "report",
    "entries.txt": "entry",
    "pages.txt": "page",
    "short.txt": "short",
    "tables.txt": "table",
    "notes.txt": "note",
}
# people wrote negatives to these, fewer are made
_OWN_NEGATIVES = {"squad20", "near", "listed", *OURS.values()}
_WITH_TITLE = {*_OWN_NEGATIVES, "squad2train", "shift_new_wiki"}
_MADE_NEGATIVE, _MADE_BESIDE_OWN = 0.7, 0.2  # of the answerable ones, in addition
_HEADED = 0.5  # passages with their context header in front, as they are in a library
_CHATTED = 0.2  # questions as people type them
_LOOKED_AT = 200  # passages among which the one most like the question is sought

# words whose change turns a question into another one
OPPOSITES = dict(
    pair
    for line in (WRITTEN / "opposites.txt").read_text("utf-8").splitlines()
    for pair in (tuple(line.split()), tuple(reversed(line.split())))
)
_NEGATED = re.compile(r"\b(?:did|does|do|was|were|is|are|could|would|has|have|had)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Example:
    """Each `passage[start:end]` of `answers` is an item of the answer; there are none in a negative."""

    question: str
    passage: str
    answers: tuple[Span, ...] = ()
    header: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the training data, its paragraph, and the answers that people gave."""

    question: str
    passage: str
    choices: tuple[tuple[Span, ...], ...]  # different people's answers, each of one item or more
    title: str
    source: str

    def told(self) -> set[str]:
        """Every answer, in lower case."""
        return {self.passage[a:b].lower() for answer in self.choices for a, b in answer}


class Questions:
    """The training questions; `epoch` makes a fresh set of examples of them.

    One paragraph in ten is held out with all its questions: on those the verifier is fitted and calibrated.
    """

    def __init__(self, files: list[Path], *, held: bool = False) -> None:
        self.asked = [asked for file in files for asked in _squad(file)]
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
                made += [self._dressed(example, asked, chance) for example in own]
        chance.shuffle(made)
        return made

    def _negative(self, asked: Asked, chance: random.Random) -> Example | None:
        way = chance.random()
        if way < 0.5 and (other := self._twisted(asked, chance)):
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

    def _twisted(self, asked: Asked, chance: random.Random) -> str | None:
        """The question about another name, number or opposite thing, so that the passage has no answer."""
        question, told = asked.question, asked.told()
        ways = [_other_name, _other_number, _opposite]
        chance.shuffle(ways)
        elsewhere = chance.choice(self._of_title[asked.title])
        for way in ways:
            other = way(question, asked.passage, elsewhere, told, chance)
            if other is not None:
                return other
        if chance.random() < 0.25 and not re.search(r"\b(?:not|never)\b|n[’']t\b", question):
            negated = _NEGATED.sub(lambda verb: f"{verb.group()}n't", question, count=1)
            return negated if negated != question else None
        return None

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


def _squad(file: Path) -> Iterator[Asked]:
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        data = json.load(opened)["data"]
    for article in data:
        source = article["title"].partition("/")[0] if "/" in article["title"] else "squad20"
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                answers = () if qa["is_impossible"] else qa["answers"]
                spans = (((a["answer_start"], a["answer_start"] + len(a["text"])),) for a in answers)
                yield Asked(qa["question"], paragraph["context"], tuple(spans), article["title"], source)


def written(known: list[Asked], folder: Path = WRITTEN) -> list[Asked]:
    """Our own questions: about paragraphs of the question files (by hash), and about our own articles."""
    by_hash = {paragraph_key(asked.passage): asked for asked in known}
    made = []
    for line in (folder / "near_misses.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if (of := by_hash.get(row["paragraph"])) is not None:
            start = of.passage.find(row["answer"]) if row["answer"] else -1
            choices = (((start, start + len(row["answer"])),),) if start >= 0 else ()
            made.append(Asked(row["question"], of.passage, choices, of.title, "near"))
    for line in (folder / "paragraph_lists.tsv").read_text("utf-8").splitlines():
        paragraph, question, _, answer = line.split("\t")
        if (of := by_hash.get(paragraph)) is not None:
            choices = _choices(of.passage, answer)
            made.append(Asked(question, of.passage, choices, of.title, "listed"))
    for file, source in OURS.items():
        for title, text, questions in articles(folder / file):
            for question, _, answer in questions:
                made.append(Asked(question, text, _choices(text, answer), title, source))
    texts = {title: text for title, text, _ in articles(folder / "articles.txt")}
    for line in (folder / "yes_no.tsv").read_text("utf-8").splitlines():
        title, question, kind, answer = line.split("\t")
        spans = () if kind == "miss" else (place(texts[title], answer),)
        made.append(Asked(question, texts[title], (spans,) if spans else (), title, "article"))
    return made


def held_out(passage: str, source: str = "") -> bool:
    """Whether the reader is never trained on this paragraph."""
    share = 9 if source == "said" else 10  # by tenths none of those sixty articles would be
    return int(paragraph_key(passage), 16) % share == 0


def paragraph_key(text: str) -> str:
    """What a paragraph of the question files is called in `written/near_misses.jsonl`."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def articles(file: Path) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Title, text and questions (question, kind, answer) of each article of our own."""
    for block in re.split(r"^=== ", file.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        head, _, rest = block.partition("\n")
        text, _, asked = rest.partition("\n---\n")
        yield head.partition(" | ")[0], text.strip(), [q.split("\t") for q in asked.splitlines() if q.strip()]


def _choices(text: str, answer: str) -> tuple[tuple[Span, ...], ...]:
    """The one answer of a question of ours, or none: items between two bars each."""
    return () if answer == "-" else (tuple(place(text, item) for item in answer.split(" || ")),)


def place(text: str, told: str) -> Span:
    """Where an item first stands, as whole words if it does; `anchor >> item`: after the anchor."""
    anchor, _, item = told.rpartition(" >> ")
    begin = text.index(anchor) + len(anchor)
    found = re.compile(rf"(?<!\w){re.escape(item)}(?!\w)").search(text, begin)
    start = text.index(item, begin) if found is None else found.start()
    return start, start + len(item)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
