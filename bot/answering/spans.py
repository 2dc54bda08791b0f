"""Where the answer may stand: the reader's best spans in the best passages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.answering.picking import Candidate
from bot.answering.question import Kind, Question
from bot.answering.reader import Logits, Reader
from vectorstore.datatypes import Passage, Span, header

_MOST_READ = 4  # passages
_MOST_CHARACTERS = 3000  # of passages, about 650 tokens: what two cores read in 50 ms
_EACH = 2  # spans of a passage
_AT_FIRST = 2  # passages that are read at once; the others only where these leave it open
# a span of this score ends the reading. At -4 the sample article loses an answer to a worse one from the
# passages that are read first; from here on, up to reading all, nothing changes there nor on the news pages
_CLEAR = -1.0
# what is left of a sentence beside its best span may score next, and answers nothing: "by", "the", "."
_NO_ANSWER = frozenset(
    "a an and are as at be been but by for from had has have in is of or that the to was were will with "
    "would".split()
)
_WORD = re.compile(r"\w+|[^\w\s.,:;!?()\[\]'\"‘’“”–—-]")  # a sign may be an answer: "✅"
# where the best span is not sure, it and those near to it are read once more with nothing but the sentences
# around them, as many as training leaves of a passage that it cuts: of a third of the questions. On 5,432
# held-out ones the gain (`training/fit_verifier.py`) is .711 with it, .704 without, and .711 if all were
_CLOSER, _BEHIND, _HOPELESS, _SURE = 3, 8.0, -8.0, 6.0
_BEFORE, _AFTER = 2, 1
_AS_NEAR = 0.2  # of the retrieval score: another article so near to the best may say something else


@dataclass(frozen=True, slots=True)
class Found:
    """A span that may answer, and the sentence that it stands in."""

    passage: Passage
    span: Span  # offsets into the article's text
    text: str
    sentence: Candidate
    score: float  # the reader's, 0 is "no answer"
    answers: float  # the reader's logit that the passage holds an answer
    close: float  # the score where only the sentences around it are read
    close_answers: float  # likewise
    items: tuple[Span, ...]  # of a list, in the passage: offsets into the article's text

    @property
    def is_refuted(self) -> bool:
        """Whether only the rest of the passage made it seem an answer."""
        return self.close < 0 < self.score

    @property
    def span_in_sentence(self) -> Span:
        """The span as offsets into the sentence."""
        at = self.sentence.span[0]
        return self.span[0] - at, self.span[1] - at


def find(
    question: Question, passages: Sequence[Passage], candidates: list[Candidate], reader: Reader
) -> list[Found]:
    """The best spans of the passages, best first."""
    chosen = _to_read(passages, candidates)
    sentences = {(c.passage.article.source, c.span): c for c in candidates}
    found: dict[tuple[str, Span], Found] = {}
    for some in (chosen[:_AT_FIRST], chosen[_AT_FIRST:]):
        for reading in reader.read(question.standalone, [f"{_header(p)}{p.chunk.text}" for p in some]):
            spans = reading.spans(_EACH + 2, of_list=question.wants_list)
            listed = reading.listed(asked=question.wants_list)
            for each in _in_passage(some[reading.text], reading, spans, listed, sentences):
                if question.kind is not Kind.OTHER and len(each.text) == 1 and each.text.isalpha():
                    continue  # "on X": a letter is a group or a grade, but no person, place, time or reason
                key = (each.passage.article.source, each.span)
                if key not in found or found[key].score < each.score:
                    found[key] = each
        if not question.wants_list and _is_clear(list(found.values()), chosen):
            break
    ranked = sorted(found.values(), key=lambda each: -each.score)
    return _read_closer(question, ranked, reader)


def _read_closer(question: Question, ranked: list[Found], reader: Reader) -> list[Found]:
    """The same spans, the likely ones with their scores where only the sentences around them are read."""
    if not ranked or ranked[0].score >= _SURE:
        return ranked
    least = max(_HOPELESS, ranked[0].score - _BEHIND)
    likely = [each for each in ranked[:_CLOSER] if each.score > least]
    around = [_around(each) for each in likely]
    texts = list(dict.fromkeys(text for text, _ in around if text))
    readings = reader.read(question.standalone, texts) if texts else []
    closer = []
    for each, (text, shift) in zip(likely, around, strict=True):
        span = each.span[0] - shift, each.span[1] - shift
        scores = [
            (reading.score(span), reading.answers) for reading in readings if texts[reading.text] == text
        ]
        score, answers = max(scores, default=(each.score, each.answers))
        closer.append(replace(each, close=score, close_answers=answers))
    return closer + ranked[len(likely) :]


def _around(each: Found) -> tuple[str, int]:
    """The sentences around a span below their header, and where in the article that text would begin.

    No text where that would be the whole passage.
    """
    chunk, title = each.passage.chunk, _header(each.passage)
    place = next(i for i, (a, b) in enumerate(chunk.sentences) if a <= each.span[0] < b)
    first, last = max(0, place - _BEFORE), min(len(chunk.sentences) - 1, place + _AFTER)
    if first == 0 and last == len(chunk.sentences) - 1:
        return "", 0
    start, end = chunk.sentences[first][0], chunk.sentences[last][1]
    return title + chunk.part((start, end)), start - len(title)


def says_nothing(text: str) -> bool:
    """Whether a span is no answer to anything, being no more than little words and punctuation."""
    return _NO_ANSWER.issuperset(_WORD.findall(text.lower()))


def _is_clear(found: list[Found], chosen: list[Passage]) -> bool:
    """Whether the first passages answer, and no article beside theirs is as near to the question."""
    read, rest = chosen[:_AT_FIRST], chosen[_AT_FIRST:]
    if not rest:
        return True
    least = max(passage.score for passage in chosen) - _AS_NEAR
    known = {passage.article.source for passage in read}
    others = any(p.article.source not in known and p.score >= least for p in rest)
    return not others and max((each.score for each in found), default=_CLEAR - 1) >= _CLEAR


def _to_read(passages: Sequence[Passage], candidates: list[Candidate]) -> list[Passage]:
    """As many passages as there is time for: the first, and those with the likeliest sentences."""
    likely = {id(c.passage): i for i, c in reversed(list(enumerate(candidates)))}
    order = sorted(
        range(len(passages)), key=lambda i: min(2 * i, 1 + 2 * likely.get(id(passages[i]), len(candidates)))
    )
    chosen: list[Passage] = []
    room = _MOST_CHARACTERS
    for passage in (passages[place] for place in order):
        if not chosen or (len(passage.chunk.text) <= room and len(chosen) < _MOST_READ):
            chosen.append(passage)
            room -= len(passage.chunk.text)
    return chosen


def _header(passage: Passage) -> str:
    return f"{header(passage.article, passage.chunk.section)}\n"


def _in_passage(
    passage: Passage,
    reading: Logits,
    spans: list[tuple[float, Span]],
    listed: list[Span],
    sentences: dict[tuple[str, Span], Candidate],
) -> list[Found]:
    """A reading's best spans, as parts of sentences of the article; not of its header."""
    chunk, source = passage.chunk, passage.article.source
    shift = chunk.start - len(_header(passage))
    items = tuple((a + shift, b + shift) for a, b in listed if a + shift >= chunk.start)
    made = []
    for score, (start, end) in spans:
        span = (start + shift, end + shift)
        inside = next((s for s in chunk.sentences if s[0] <= span[0] < s[1]), None)
        if inside is None or (sentence := sentences.get((source, inside))) is None:
            continue
        span = (span[0], min(span[1], inside[1]))
        text = chunk.part(span)
        if says_nothing(text):
            continue
        scores = score, reading.answers, score, reading.answers
        made.append(Found(passage, span, text, sentence, *scores, items))
    return made[:_EACH]
