"""Which words of several texts are not in all of them; of texts that are all different, none."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby

_ALIKE = 1 / 3  # of the shortest text's words in all of them: with no more there is nothing to see in marks
_AT_EDGES = ".,;:!?"  # of a word: where a sentence ends is no difference

Runs = tuple[tuple[str, bool], ...]
"""A text cut into runs of words, each with whether it is its own."""


def differences(texts: Sequence[str]) -> list[Runs]:
    """Each text as runs: of words that all texts have in the same order, and of words that they have not.

    Texts that share hardly anything are one run each, with nothing of their own to look for.
    """
    words = [text.split() for text in texts]
    shared = [_shared(words[0], each) for each in words]  # places in the first text
    in_all = set(range(len(words[0]))).intersection(*(places.keys() for places in shared))
    if len(in_all) <= _ALIKE * min(map(len, words)):
        return [((text, False),) for text in texts]
    found = []
    for each, places in zip(words, shared, strict=True):
        common = {places[place] for place in in_all}
        runs = groupby(enumerate(each), key=lambda pair: pair[0] in common)
        found.append(tuple((" ".join(word for _, word in run), not same) for same, run in runs))
    return found


def _shared(first: list[str], other: list[str]) -> dict[int, int]:
    """Place in the first -> place in the other, of the words that they share."""
    a, b = ([word.strip(_AT_EDGES) for word in words] for words in (first, other))
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}
