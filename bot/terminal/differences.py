"""What each of several texts has that the one most like it has not, word by word."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby

_WORD = re.compile(r"\S+\s*")
_BARE = ".,;:!? \n"  # around a word: where a sentence or a line ends is no difference
_ALIKE = 1 / 3  # of the shorter text's words in the other: with no more, all would be marked

Runs = tuple[tuple[str, bool], ...]
"""A text cut between words, each piece with whether it is the text's own."""


def differences(texts: Sequence[str]) -> list[Runs]:
    """Each text as pieces: what the text most like it has in the same order, and what it has not.

    A text that shares hardly anything with the others is one piece, with nothing of its own to look for.
    """
    words = [_WORD.findall(text) for text in texts]
    return [
        _pieces(text, each, words[:place] + words[place + 1 :])
        for place, (text, each) in enumerate(zip(texts, words, strict=True))
    ]


def _pieces(text: str, words: list[str], others: list[list[str]]) -> Runs:
    pairs = [(_shared(words, other), other) for other in others]
    shared, nearest = max(pairs, key=lambda pair: len(pair[0]))
    if len(shared) <= _ALIKE * min(len(words), len(nearest)):
        return ((text, False),)
    runs = groupby(enumerate(words), key=lambda pair: pair[0] not in shared)
    return tuple(("".join(word for _, word in run), own) for own, run in runs)


def _shared(words: list[str], other: list[str]) -> set[int]:
    """The places of the words that the other has, too."""
    a, b = ([word.strip(_BARE) for word in each] for each in (words, other))
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return {place for block in blocks for place in range(block.a, block.a + block.size)}
