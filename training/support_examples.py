"""Statements and what passages say of them: labelled ones, and such as are made from the articles.

An example is a claim, the sentences of the passages that cover it best (as the product chooses them), and
whether they support it. Claims come from `written/supported.jsonl`; from the articles' sentences, word for
word, shortened, or with a number, date, name or opposite changed into another of the same article; and from
questions with their answers, right ones and others of the same paragraph.
"""

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import squad
from bot.answering.alignment import evidence_for
from bot.answering.cloze import respelt
from bot.answering.facts import Fact, Kind
from bot.answering.figures import figures
from bot.answering.judging import is_short
from bot.answering.names import names
from bot.answering.question import understand
from ingest.plain import read_plain
from ingest.split import split
from training.examples import Questions
from training.negatives import OPPOSITES
from training.sources import OURS, WRITTEN, Asked, articles
from vectorstore.datatypes import ArticleInfo, Chunk, Passage
from vectorstore.embeddings import Embedder, OnnxEmbedder

_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|will|can|could|has|have|had|must|may|should)\b(?! (?:not|never|no)\b)"
)
_NEGATION = re.compile(r" (?:not|never)\b")
_NAMELESS = re.compile(
    r"^(?:who|what|which(?: \w+){1,2}|how many)\s+"
    r"(?!(?:did|do|does|has|have|had|can|could|will|would|should)\b)",
    re.IGNORECASE,
)
_FEWEST, _MOST = 5, 40  # words of an article's sentence
_SWAPS = 3  # of a labelled sentence's facts
_OF_QUESTIONS = 3000  # examples from question files
_WRONG = 0.5  # of the questions get a wrong answer


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence that somebody wrote about an article of ours, faithfully or not."""

    article: str
    sentence: str
    label: str
    question: str = ""  # that it answers in a few words


@dataclass(frozen=True, slots=True)
class Example:
    """A claim and what is read beside it."""

    claim: str
    evidence: str
    supported: bool
    share: float = 1.0  # of the epochs that it is in


def labelled(folder: Path = WRITTEN) -> list[Labelled]:
    """The sentences of `supported.jsonl`."""
    lines = (folder / "supported.jsonl").read_text("utf-8").splitlines()
    return [Labelled(**json.loads(line)) for line in lines]


def short_answers(folder: Path = WRITTEN) -> list[Labelled]:
    """The questions on our articles with their answers, and with another of the same article and type."""
    made = []
    for title, _, asked in articles(folder / "articles.txt"):
        short = [(question, answer) for question, _, answer in asked if answer != "-" and is_short(answer)]
        made += [Labelled(title, answer, "answer", question) for question, answer in short]
        for question, _, right in asked:
            wrong = (a for q, a in short if _type(q) == _type(question) and a not in right and right not in a)
            made += [Labelled(title, a, "other answer", question) for a in list(wrong)[:1]]
    return made


def part(title: str) -> str:
    """ "report": a third of the articles, used for nothing but that; "calibrate": two ninths; "train"."""
    number = int(hashlib.sha256(title.encode()).hexdigest()[:12], 16)
    return "report" if number % 3 == 0 else "calibrate" if number // 3 % 3 == 0 else "train"


def passages_of(embedder: OnnxEmbedder) -> dict[str, tuple[Passage, ...]]:
    """The passages of each article of ours, cut as they are when it is ingested."""
    made = {}
    for title, text, _ in (article for file in OURS for article in articles(WRITTEN / file)):
        article = read_plain(f"{title}\n\n{text}\n", source=title, name=title)
        chunks = split(article, count_tokens=embedder.count_tokens, max_tokens=embedder.card.max_tokens)
        made[title] = as_passages(article.info, chunks)
    return made


def as_passages(info: ArticleInfo, chunks: list[Chunk]) -> tuple[Passage, ...]:
    """Chunks as if they had been retrieved."""
    return tuple(
        Passage(chunk_id=f"{info.source}.{i}", article=info, chunk=chunk, score=1.0, dense=0.5, lexical=0.5)
        for i, chunk in enumerate(chunks)
    )


class Examples:
    """Everything that the model is trained on; nothing of articles that calibrate it or report on it."""

    def __init__(self, files: list[Path], embedder: OnnxEmbedder) -> None:
        self._embedder, self._chance = embedder, random.Random(5)  # noqa: S311
        ours = {t: p for t, p in passages_of(embedder).items() if part(t) == "train"}
        self.made = [e for each in labelled() if each.article in ours for e in self._labelled(each, ours)]
        for passages in ours.values():
            self.made += self._of_sentences(passages)
        asked = [a for a in Questions(files).asked if a.source not in OURS.values() or a.title in ours]
        self.made += self._of_questions(asked, ours)

    # ---- inside

    def _example(
        self, claim: str, passages: tuple[Passage, ...], *, supported: bool, share: float = 1.0
    ) -> Iterator[Example]:
        evidence = evidence_for(claim, passages, self._embedder)
        if evidence is not None:
            yield Example(respelt(claim, evidence.text), evidence.text, supported, share)

    def _labelled(self, each: Labelled, ours: dict[str, tuple[Passage, ...]]) -> Iterator[Example]:
        passages, faithful = ours[each.article], each.label == "faithful"
        yield from self._example(each.sentence, passages, supported=faithful)
        if faithful:
            yield from self._changed(each.sentence, passages, _SWAPS)

    def _of_sentences(self, passages: tuple[Passage, ...]) -> Iterator[Example]:
        for sentence in dict.fromkeys(s for p in passages for s in _sentences(p)):
            if not _FEWEST <= len(sentence.split()) <= _MOST:
                continue
            yield from self._example(sentence, passages, supported=True, share=0.3)
            shorter = sentence.rpartition(", ")[0]
            if len(shorter.split()) >= _FEWEST and self._chance.random() < 0.5:
                yield from self._example(f"{shorter}.", passages, supported=True, share=0.6)
            yield from self._changed(sentence, passages, 1)

    def _changed(self, sentence: str, passages: tuple[Passage, ...], swaps: int) -> Iterator[Example]:
        """The sentence made untrue in several ways."""
        pool = [fact for p in passages for fact in _facts(p.chunk.text)]
        ways: list[tuple[Callable[[], str | None], float]] = [
            *[(lambda: self._swapped(sentence, pool), 0.6)] * swaps,
            (lambda: self._reordered(sentence, names), 0.5),
            (lambda: self._reordered(sentence, figures), 0.5),
            (lambda: _negated(sentence), 0.3),
            (lambda: self._opposite(sentence), 0.3),
        ]
        made = {claim: share for way, share in ways if (claim := way()) is not None}
        for claim, share in made.items():
            if claim != sentence:
                yield from self._example(claim, passages, supported=False, share=share)

    def _swapped(self, sentence: str, pool: list[Fact]) -> str | None:
        """With another fact of the article in the place of one, or a number a little off."""
        facts = _facts(sentence)
        if not facts:
            return None
        mine = self._chance.choice(facts)
        if mine.text.isdigit() and self._chance.random() < 0.15:
            number = int(mine.text) + self._chance.choice((-10, -3, -2, -1, 1, 2, 3, 10))
            return _put(sentence, mine, str(number)) if number > 0 else None
        others = [f for f in pool if _alike(f, mine) and f.text not in sentence]
        return _put(sentence, mine, self._chance.choice(others).text) if others else None

    def _reordered(self, sentence: str, of: Callable[[str], tuple[Fact, ...]]) -> str | None:
        """With two facts in each other's place, unless they are items of one list."""
        facts = [fact for fact in of(sentence) if fact.firm]
        if len(facts) < 2:
            return None
        one, other = sorted(self._chance.sample(facts, 2), key=lambda fact: fact.span)
        between = re.findall(r"[a-z]{3,}", sentence[one.span[1] : other.span[0]])
        if not _alike(one, other) or not set(between) - {"and", "the", "with"}:
            return None
        return _put(_put(sentence, other, one.text), one, other.text)

    def _opposite(self, sentence: str) -> str | None:
        words = [match for match in re.finditer(r"\w+", sentence) if match.group() in OPPOSITES]
        if not words:
            return None
        mine = self._chance.choice(words)
        return f"{sentence[: mine.start()]}{OPPOSITES[mine.group()]}{sentence[mine.end() :]}"

    def _of_questions(self, asked: list[Asked], ours: dict[str, tuple[Passage, ...]]) -> Iterator[Example]:
        """Questions with an answer: the right one, or another one of the paragraph, of the same type."""
        told: dict[str, list[tuple[str, str]]] = {}
        for each in asked:
            if each.choices:
                told.setdefault(each.passage, []).append((_type(each.question), _answer(each)))
        chosen = [a for a in asked if a.source in {"near", "squad20", "article"}]
        for each in self._chance.sample(chosen, min(_OF_QUESTIONS, len(chosen))):
            right = bool(each.choices) and self._chance.random() > _WRONG
            golds = {answer.lower() for answer in each.told()}
            same = _type(each.question)
            others = [
                answer
                for kind, answer in told.get(each.passage, [])
                if kind == same and not any(answer.lower() in g or g in answer.lower() for g in golds)
            ]
            if not right and not others:
                continue
            claim = self._statement(each.question, _answer(each) if right else self._chance.choice(others))
            if (passages := ours.get(each.title)) is None:
                title = each.title.rpartition("/")[2].replace("_", " ")
                passages = as_passages(squad.info(title), squad.chunks([each.passage]))
            yield from self._example(claim, passages, supported=right, share=0.6)

    def _statement(self, question: str, answer: str) -> str:
        """Question and answer, or, of some, a statement: "Who won?" and "Ann" make "Ann won."."""
        asks = _NAMELESS.match(question)
        if asks and self._chance.random() < 0.7:
            many = question[asks.start() : asks.end()].lower().startswith("how many")
            answer = answer if not many or answer[:1].isdigit() else answer.lower()
            return f"{answer[:1].upper()}{answer[1:]} {question[asks.end() :].rstrip('? ')}."
        return f"{question} {answer}"


def _sentences(passage: Passage) -> Iterator[str]:
    chunk = passage.chunk
    for start, end in chunk.sentences:
        yield " ".join(chunk.text[start - chunk.start : end - chunk.start].split())


def _facts(text: str) -> list[Fact]:
    return [fact for fact in (*figures(text), *names(text)) if fact.firm]


def _alike(one: Fact, other: Fact) -> bool:
    """Whether they are of one kind and not the same."""
    same = one.values & other.values or one.days & other.days
    if one.kind is not other.kind or one.unit != other.unit or same:
        return False
    return one.kind is not Kind.NAME or not _words(one) & _words(other)


def _words(name: Fact) -> set[str]:
    return set(re.findall(r"\w+", name.text.lower()))


def _put(sentence: str, fact: Fact, text: str) -> str:
    stop = "." if fact.text.endswith(".") and not text.endswith(".") else ""
    return f"{sentence[: fact.span[0]]}{text}{stop}{sentence[fact.span[1] :]}"


def _negated(sentence: str) -> str | None:
    if _NEGATION.search(sentence):
        return _NEGATION.sub("", sentence, count=1)
    verb = _AUXILIARY.search(sentence)
    return f"{sentence[: verb.end()]} not{sentence[verb.end() :]}" if verb else None


def _type(question: str) -> str:
    return understand(question).kind.value


def _answer(asked: Asked) -> str:
    """The first of people's answers, an enumeration joined."""
    spans = asked.choices[0]
    return ", ".join(asked.passage[a:b] for a, b in spans)


def cited_for(each: Labelled, passages: tuple[Passage, ...], embedder: Embedder) -> tuple[Passage, ...]:
    """The passages that a careful writer would cite: of the best sentences, and of one that has the rest."""
    evidence = evidence_for(f"{each.question} {each.sentence}", passages, embedder)
    if evidence is None:
        return passages[:1]
    rows = (evidence.window.rows[0], *([evidence.more] if evidence.more else []))
    return tuple({id(row.passage): row.passage for row in rows}.values())
