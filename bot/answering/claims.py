"""A chat model's answer cut into claims as it is written: sentences and list lines, each with its marks.

A mark with a full stop behind it ends a claim at once; elsewhere the first word that follows has to be seen.
It depends on nothing else: however the text comes in, the claims are the same.
"""

import re
from dataclasses import dataclass

from ingest.split import split_sentences

_NUMBERED = r"(?:(?:passages?|sources?|no\.?)\s*)?#?\d{1,2}"
_MARK = rf"(?:\[\^?{_NUMBERED}(?:\s*(?:,|;|&|and|-|–)\s*{_NUMBERED})*\]|【\d{{1,2}}[^】\n]{{0,20}}】)"
_MARKS = re.compile(rf"[ \t]*{_MARK}", re.IGNORECASE)
_RANGE = re.compile(r"(\d+)\s*[-–]\s*(\d+)")
# a claim's end as far as it can be seen, and the whole of the first word after it, which is no mark
_END = re.compile(
    rf"(?:[.!?…][.!?…\"”’'»)*_]*)?(?:(?:\s*{_MARK})+[.!?]?)?(?P<gap>\s+)(?=(?P<next>[^\s\[【]\S*)(?P<full>\s|$))",
    re.IGNORECASE,
)
# a mark and a full stop: nothing that follows could change where the claim ends
_CLOSED = re.compile(rf"{_MARK}[.!?]", re.IGNORECASE)
_STOPPED = re.compile(r"[.!?…][\"”’'»)*_]*$")
_BULLET = re.compile(r"(?:[-*•·–—‣▪]|\(?\d{1,3}[.)])[ \t]+")
_HEADING = re.compile(r"#{1,6}[ \t]|(?P<strong>\*\*|__)[^*_\n]+:?(?P=strong):?$|[-*_=]{3,}$")
_EMPHASIS = re.compile(
    r"\*\*|(?<!\w)__|__(?!\w)|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)|`+"
)
_UNKNOWN = re.compile(r"\W*UNKNOWN\W*")
_LONGEST_END = 100  # characters of punctuation and marks
_LONGEST_QUOTATION = 600  # characters; a mark that is not closed by then is taken for none


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence or a line of a list, without marks and Markdown."""

    text: str
    marks: tuple[int, ...]  # numbers of passages, as cited
    bullet: str = ""  # what a list line begins with, "- " or "2. "
    gap: str = " "  # what stands between it and the claim before: " ", "\n" or "\n\n"

    @property
    def opens_list(self) -> bool:
        """Whether it leads over to the lines below it."""
        return self.text.endswith(":")


class Cutter:
    """Cuts a text that grows."""

    def __init__(self) -> None:
        self._open, self._gap = "", ""

    def feed(self, piece: str) -> list[Claim]:
        """The claims that are complete now."""
        self._open += piece.replace("\r", "")
        return self._cut(last=False)

    def finish(self) -> list[Claim]:
        """What is left, complete or not."""
        claims = self._cut(last=True)
        claims += self._claim(self._open, "")
        self._open = ""
        return claims

    def _cut(self, *, last: bool) -> list[Claim]:
        claims: list[Claim] = []
        at = 0
        while True:
            end, closed = _END.search(self._open, at), self._closed()
            if closed and (end is None or closed.start() < end.start("gap")):
                claims += self._claim(self._open[: closed.end()], "")
                self._open, at = self._open[closed.end() :], 0
            elif end is None or not (last or end["full"]):
                return claims
            elif _is_border(self._open, end):
                claims += self._claim(self._open[: end.start("gap")], end["gap"])
                self._open, at = self._open[end.end() :], 0
            else:
                at = end.start("gap") + 1

    def _closed(self) -> re.Match[str] | None:
        """The first mark with a full stop that ends a claim; in a list line or in brackets none does."""
        return next((m for m in _CLOSED.finditer(self._open) if not _goes_on(self._open[: m.end()])), None)

    def _claim(self, raw: str, gap: str) -> list[Claim]:
        """The claim in a piece of the answer; none in a heading, and none in the word for "no answer"."""
        before, self._gap = self._gap, max(self._gap, _gap(gap), key=len)
        line = raw.strip().removeprefix("> ")
        bullet = _BULLET.match(line)
        body = line[bullet.end() :] if bullet else line
        marks = tuple(dict.fromkeys(n for mark in _MARKS.findall(body) for n in _numbers(mark)))
        text = " ".join(_EMPHASIS.sub("", _MARKS.sub("", body)).split())
        text = re.sub(r"\s+(?=[.,;:!?](?:\s|$))", "", text)
        if not re.search(r"\w", text) or _UNKNOWN.fullmatch(text) or (not marks and _HEADING.match(line)):
            return []
        self._gap = _gap(gap)
        return [Claim(text, marks, bullet.group() if bullet else "", before)]


def _is_border(text: str, end: re.Match[str]) -> bool:
    """Whether a claim that began with the text ends here."""
    if "\n" in end["gap"]:
        return True
    stop = end.start("gap")
    if not _STOPPED.search(_MARKS.sub("", text[max(0, stop - _LONGEST_END) : stop])):
        return False
    bare = _MARKS.sub("", text[:stop])
    if _in_line_or_quotation(bare):
        return False
    return split_sentences(f"{bare} {end['next']}")[-1][0] == len(bare) + 1


def _goes_on(text: str) -> bool:
    """Whether what ends in a mark and a full stop may belong to something longer."""
    bare = _MARKS.sub("", text)
    return _in_line_or_quotation(bare) or bare.count("(") > bare.count(")") or bare.count("*") % 2 == 1


def _in_line_or_quotation(bare: str) -> bool:
    """Whether a text without marks is a list line, which is one claim, or a quotation is still open in it."""
    quoting = len(bare) < _LONGEST_QUOTATION and _quoting(bare)
    return quoting or _BULLET.match(f"{bare.lstrip()} ") is not None


def _quoting(text: str) -> bool:
    """Whether a quotation is still open at the end."""
    return text.count('"') % 2 == 1 or text.count("“") > text.count("”")


def _numbers(mark: str) -> list[int]:
    spans = _RANGE.sub(lambda m: " ".join(map(str, range(int(m[1]), int(m[2]) + 1))), mark.partition("†")[0])
    return [int(number) for number in re.findall(r"\d+", spans)]


def _gap(space: str) -> str:
    return "\n" * min(2, space.count("\n")) or " "
