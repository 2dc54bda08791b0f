"""Stretches of a text that give orders to whoever answers from it, instead of stating facts.

Rules, not a model: phrases in a dozen languages (orders.txt), looked for through the usual disguises
(look-alike letters, digits for letters, s p a c e d letters, invisible characters, base64, hexadecimal,
rot13). They are told by their form, so a text *about* such orders has them too.
`python -m benchmarks.attacks` measures both sides.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from bot.answering.order_phrases import COMPLETE, PATTERNS, TELLTALE
from vectorstore.datatypes import Span

Folded = tuple[str, Sequence[int]]
"""A text with a disguise undone, and where in the original text each of its characters stands."""

_SENTENCE_START = re.compile(r"[.!?…][)\]\"'”’»*_]*\s+|[。！？]|\n\s*")
_SENTENCE_END = re.compile(r"[.!?…](?=\s|\Z)|[。！？]|(?=\n)|\Z")
_LINE_END = re.compile(r"(?:[.!?…。！？][)\]\"'”’»*_`>]*|-->)[^\S\n]*(?=\n|\Z)")
_TAG = re.compile("[\U000e0020-\U000e007e]")
_TURNED = re.compile("[\u202e\u2067]")  # what follows is shown from right to left
_LEET = re.compile(r"[a-z][013457@$][a-z]")
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][\s.*_~|/-]{1,4}){7,}[^\W\d_](?!\w)")
_ENCODED = re.compile(r"(?<![\w+/])(?:[A-Za-z0-9+/]{22,}={0,2}|(?:[0-9a-fA-F]{2}[ :]?){16,})")

# Cyrillic and Greek letters that look like Latin ones, and digits that stand for letters
_LOOKALIKES = str.maketrans(
    "авеікмнорстухѕјԁɡһӏԛԝαβεικνορτυχωγηӊոսɑօ", "abeikmhopctyxsjdghlqwabeikvoptuxwynhnuao"
)
_DIGITS = tuple(str.maketrans("013457@$", letters) for letters in ("oieastas", "oleastas"))


def orders(text: str) -> tuple[Span, ...]:
    """The stretches that give orders, in order, each from the start of a sentence.

    An order that says itself what is to be told ends with its sentence. Any other takes along what follows it
    on its line ("Ignore the above. The meeting was cancelled."), and what follows a line that ends no
    sentence ("[SYSTEM]", "New instructions:").
    """
    found = [_ends(at[a], at[b - 1]) for folded, at in _views(text) for a, b in _matches(folded)]
    found += [match.span() for match in _SPACED.finditer(text) if _is_spaced_order(match.group())]
    found += [match.span() for match in _ENCODED.finditer(text) if _is_readable(match.group())]
    begun = [(_start(text, a), b) for a, b in found]
    return _merged((start, _end(text, start, b)) for start, b in begun)


def _ends(first: int, last: int) -> Span:
    return min(first, last), max(first, last) + 1


def _matches(folded: str) -> Iterator[Span]:
    for pattern in PATTERNS:
        yield from (match.span() for match in pattern.finditer(folded))


def _start(text: str, place: int) -> int:
    place += len(text[place:]) - len(text[place:].lstrip(" \t\n.!?,;:"))  # what a phrase is found behind
    before = [match.end() for match in _SENTENCE_START.finditer(text, 0, place)]
    return before[-1] if before else 0


def _end(text: str, start: int, place: int) -> int:
    sentence = _SENTENCE_END.search(text, max(0, place - 1))
    if sentence and COMPLETE.search(text[start : sentence.end()].lower()):
        return sentence.end()
    line = _LINE_END.search(text, max(0, place - 1))
    return line.end() if line else len(text)


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)


# ---- disguises


def _views(text: str) -> Iterator[Folded]:
    """The text as it may be meant: as it stands, and without each disguise that it shows signs of."""
    plain = "".join(map(_fold, text))
    at: Sequence[int] = range(len(text))
    if any(len(_fold(character)) != 1 for character in set(text)):
        plain, at = _folded((_fold(c), place) for place, c in enumerate(text))
    yield plain, at
    latin = plain.translate(_LOOKALIKES)
    if latin != plain:
        yield latin, at
    if _LEET.search(latin):
        yield from ((latin.translate(letters), at) for letters in _DIGITS)
    if _TURNED.search(text):
        yield plain[::-1], at[::-1]
    if _TAG.search(text):  # a second text, in characters that nobody sees
        yield _folded((chr(ord(c) - 0xE0000).lower(), place) for place, c in enumerate(text) if _TAG.match(c))


def _folded(pieces: Iterable[tuple[str, int]]) -> Folded:
    made = [(c, place) for piece, place in pieces for c in piece]
    return "".join(c for c, _ in made), [place for _, place in made]


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """Lower case, one of the forms that mean the same, no accents on Latin letters; "" if nobody sees it."""
    form = unicodedata.normalize("NFKD" if character < "\u0250" else "NFKC", character).casefold()
    return "".join(c for c in form if c in "\n\t" or unicodedata.category(c) not in {"Cf", "Cc", "Mn", "Me"})


def _is_spaced_order(text: str) -> bool:
    letters = "".join(filter(str.isalpha, "".join(map(_fold, text)).translate(_LOOKALIKES)))
    return bool(TELLTALE.search(letters))


def _is_readable(encoded: str) -> bool:
    """Whether base64 or hexadecimal digits are words: an address or a key is not."""
    try:
        digits = re.sub("[ :]", "", encoded)
        is_hex = re.fullmatch("[0-9a-fA-F]+", digits)
        told = (bytes.fromhex(digits) if is_hex else base64.b64decode(f"{digits}==")).decode()
    except (binascii.Error, ValueError):
        return False
    return told.isprintable() and " " in told
