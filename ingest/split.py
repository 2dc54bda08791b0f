"""Article in, chunks out: runs of whole sentences that the embedding model can read in full."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sentencex import get_sentence_boundaries

from ingest.article import Article, clip_title, unmarked
from vectorstore.datatypes import Chunk, Span, UserError, header

CountTokens = Callable[[list[str]], list[int]]

_LONG_SENTENCE = 300  # characters: beyond it, sentences inside a quotation count as sentences
_LONGEST_SENTENCE = 1000  # characters: beyond it, it is no sentence, and is cut before tokens are counted
_MOST_ABOVE = 3  # headings that stand above another one
_LONGEST_SECTION = 80  # characters of a heading that go into the header
_ABBREVIATION = re.compile(
    r"(?:^|[\s(“‘\"'])(?:approx|appr|ca|cf|vs|e\.g|i\.e|viz|resp|No|Nos|no|nos|pp?|vol|figs?|eqs?|ch|sec|art|est|min|max|"
    r"incl|excl|tel|ext|dept|Mrs?|Ms|Drs?|Prof|Sen|Rep|Gov|Gen|Col|Lt|Capt|Sgt|Rev|Hon|St|Mt|Ft|[A-Z])\.$"
)
_QUOTES = re.compile(r"[\"“”„‟«»‘’‚‹›]")
_CLOSING = "”»›’\"')]"
_LINK = re.compile(r"\S+://\S+")
_BORDERS = (r"(?<=[.!?])\s+", r"(?<=[;:])\s+", r"(?<=,)\s+|\s+(?=[—–(])", r"\s+")  # the best first


@dataclass(frozen=True, slots=True)
class _Sentence:
    start: int
    end: int
    section: int  # which heading it stands under, by number


def split(article: Article, *, count_tokens: CountTokens, max_tokens: int) -> list[Chunk]:
    """Chunks of at most `max_tokens` tokens, context header included, by `count_tokens`.

    Neighbouring chunks of a section share one sentence. Each character of a block that is neither space nor
    heading is in a chunk. Raises UserError when the title alone leaves no room.
    """
    text, sections = article.text, [""]
    sentences: list[_Sentence] = []
    waiting: list[str] = []  # headings that other headings follow
    last_text = max((i for i, block in enumerate(article.blocks) if not block.heading), default=-1)
    for place, block in enumerate(article.blocks):
        following = article.blocks[place + 1] if place + 1 < len(article.blocks) else None
        heads_text = block.heading and following is not None and not following.heading
        if heads_text:
            own = unmarked(text[block.start : block.end])
            above = waiting if len(waiting) < _MOST_ABOVE else []  # so many may be a list
            sections.append(clip_title(" — ".join([*above, own]), _LONGEST_SECTION))
            waiting = []
        else:  # a heading with nothing under it is text, of the section that it may lead to
            heads_heading = block.heading and place < last_text
            waiting = [*waiting, unmarked(text[block.start : block.end])] if heads_heading else []
            section = len(sections) - 1 + heads_heading
            spans = split_sentences(text[block.start : block.end])
            sentences += [_Sentence(block.start + a, block.start + b, section) for a, b in spans]
    packer = _Packer(article, sections, count_tokens, max_tokens)
    return packer.chunks(sentences)


def split_sentences(text: str) -> list[Span]:
    """The sentences of a block, without surrounding space; all that is not space is in one of them.

    sentencex keeps a quotation whole, however many sentences it has, and everything after a quotation mark
    that is never closed: beyond `_LONG_SENTENCE` characters it is asked again without the marks.
    """
    spans: list[Span] = []
    for start, end in _boundaries(text):
        part = text[start:end]
        if len(part) > _LONG_SENTENCE and _QUOTES.search(part):
            inner = _boundaries(_QUOTES.sub(" ", part))
            spans += [(start + a, start + b) for a, b in _with_quotes(part, inner)]
        else:
            spans.append((start, end))
    return [piece for span in _joined(text, spans) for piece in _bounded(text, span)]


def _boundaries(text: str) -> list[Span]:
    found = []
    for sentence in get_sentence_boundaries("en", text):
        start, end = sentence["start_index"], sentence["end_index"]
        body = text[start:end]
        start += len(body) - len(body.lstrip())
        if start < start + len(body.strip()):
            found.append((start, start + len(body.strip())))
    return found


def _with_quotes(text: str, spans: list[Span]) -> list[Span]:
    """Spans found without quotation marks, widened by them: an opening one goes to what follows."""
    starts = [0]
    for (_, end), (following, _) in pairwise(spans):
        gap = text[end:following]
        closing = next((i for i, char in enumerate(gap) if char not in _CLOSING), len(gap))
        starts.append(end + closing)
    return [
        _strip(text, a, b) for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if text[a:b].strip()
    ]


def _strip(text: str, start: int, end: int) -> Span:
    body = text[start:end]
    start += len(body) - len(body.lstrip())
    return start, start + len(body.strip())


def _joined(text: str, spans: list[Span]) -> list[Span]:
    """Sentences that were cut at an abbreviation, or go on in lower case, are one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and _continues(text, joined[-1], start):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _continues(text: str, before: Span, start: int) -> bool:
    if "\n" in text[before[1] : start]:
        return False
    tail = text[max(before[0], before[1] - 12) : before[1]]
    return tail[-1] == "." and (text[start].islower() or bool(_ABBREVIATION.search(tail)))


def _bounded(text: str, span: Span) -> Iterator[Span]:
    start, end = span
    while end - start > _LONGEST_SENTENCE:
        cut = _border(text, start, start + _LONGEST_SENTENCE)
        yield _strip(text, start, cut)
        start = _strip(text, cut, end)[0]
    yield start, end


def _border(text: str, start: int, end: int) -> int:
    """The best place to cut `text[start:end]`: in its last two thirds, else at its very end."""
    earliest = start + (end - start) // 3
    for pattern in _BORDERS:
        places = [match.start() for match in re.finditer(pattern, text[earliest:end])]
        if places and places[-1] > 0:
            return earliest + places[-1]
    return end


class _Packer:
    """Packs sentences into chunks, section by section."""

    def __init__(
        self, article: Article, sections: list[str], count_tokens: CountTokens, max_tokens: int
    ) -> None:
        self._article, self._sections, self._count = article, sections, count_tokens
        heads = count_tokens([f"{header(article.info, section)}\n" for section in sections])
        self._room = [max_tokens - head for head in heads]
        self._full = max_tokens
        if min(self._room) < 8:
            raise UserError("its title or a heading is too long for the embedding model: shorten it")

    def chunks(self, sentences: list[_Sentence]) -> list[Chunk]:
        """The chunks, in order."""
        pieces, costs = self._fitting(sentences)
        made: list[Chunk] = []
        first, new = 0, 0  # the open chunk begins at `first`; from `new` on nothing is in a chunk yet
        total = 0
        for i, piece in enumerate(pieces):
            limit = self._room[piece.section]
            other = piece.section != pieces[first].section
            if i > new and (other or total + costs[i] > limit):
                made += self._chunk(pieces, first, new, i)
                first = new = i
                shared = self._shared(pieces, i)
                if pieces[shared].section == piece.section and sum(costs[shared : i + 1]) <= limit // 2:
                    first = shared
                total = sum(costs[first:i])
            total += costs[i]
        if pieces:
            made += self._chunk(pieces, first, new, len(pieces))
        return made

    def _shared(self, pieces: list[_Sentence], end: int) -> int:
        """The sentence that the chunk from `end` on shares with the one before; a link is none."""
        first = end - 1
        while first > 0 and _LINK.fullmatch(self._article.text[pieces[first].start : pieces[first].end]):
            first -= 1
        return first

    def _fitting(self, sentences: list[_Sentence]) -> tuple[list[_Sentence], list[int]]:
        """Sentences that fit into a chunk, longer ones cut, and the tokens of each with the gap before it."""
        text = self._article.text
        done: list[_Sentence] = []
        costs: list[int] = []
        todo = sentences
        while todo:
            again: list[_Sentence] = []
            counts = self._count([text[s.start : s.end] for s in todo])
            fits = [count <= self._room[s.section] for s, count in zip(todo, counts, strict=True)]
            for sentence, count, ok in zip(todo, counts, fits, strict=True):
                if ok or sentence.end - sentence.start < 2:
                    done.append(sentence)
                    costs.append(count)
                else:
                    cut = _border(text, sentence.start, (sentence.start + sentence.end) // 2 + 1)
                    halves = _strip(text, sentence.start, cut), _strip(text, cut, sentence.end)
                    again += [_Sentence(a, b, sentence.section) for a, b in halves if a < b]
            todo = again
        order = sorted(range(len(done)), key=lambda i: done[i].start)
        return [done[i] for i in order], [costs[i] for i in order]

    def _chunk(self, pieces: list[_Sentence], first: int, new: int, end: int) -> Iterator[Chunk]:
        """The chunk of the sentences `first` to `end`, in two if what stands between them is too much."""
        run = pieces[first:end]
        chunk = Chunk(
            text=self._article.text[run[0].start : run[-1].end],
            start=run[0].start,
            end=run[-1].end,
            section=self._sections[run[0].section],
            sentences=tuple((s.start, s.end) for s in run),
        )
        full = f"{header(self._article.info, chunk.section)}\n{chunk.text}"
        if len(run) == 1 or self._count([full])[0] <= self._full:
            yield chunk
        elif first < new:  # without the sentence that it shares
            yield from self._chunk(pieces, new, new, end)
        else:
            middle = (first + end) // 2
            yield from self._chunk(pieces, first, first, middle)
            yield from self._chunk(pieces, middle, middle, end)
