"""Examples in tokens, and batches of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer

from training.examples import Example, Questions
from vectorstore.model_files import DEFAULT_MODEL, find_weights

LONGEST = 288  # tokens of question and passage
_QUESTION = 48
OUTSIDE, BEGIN, INSIDE = range(3)
IGNORED = -100  # the mark of a token that is none of the passage's


class Batch(NamedTuple):
    """Rows side by side, padded to the longest: token ids, which tokens are there, which are the passage's.

    Those and `marks` (outside, begin or inside of an item) have the shape (rows, tokens); `spans`, (rows, 2),
    are the answers' first and last tokens, 0 and 0 without one.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    kinds: torch.Tensor
    marks: torch.Tensor
    spans: torch.Tensor

    def to(self, device: str) -> "Batch":
        """The same on another device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


@dataclass(frozen=True, slots=True)
class Row:
    """An example in tokens: `lead` is where the passage begins, `items` the first and last token of each."""

    ids: list[int]
    lead: int
    items: tuple[tuple[int, int], ...]
    span: tuple[int, int]  # of the answer, or of the first items that stand together; (0, 0) without one


class Batches(torch.utils.data.IterableDataset[Batch]):
    """One epoch after another, without end; questions written meanwhile are in the next one.

    Of several workers of a DataLoader each makes a part of every epoch.
    """

    def __init__(self, files: list[Path], seed: int, tokens: int) -> None:
        super().__init__()
        self._files, self._seed, self._tokens = files, seed, tokens

    def __iter__(self) -> Iterator[Batch]:
        """The batches of this worker."""
        worker = torch.utils.data.get_worker_info()
        part = (worker.id, worker.num_workers) if worker else (0, 1)
        chance = random.Random(f"{self._seed} {part[0]}")  # noqa: S311
        encoder, number = Encoder(), 0
        while True:
            number += 1
            rows = list(encoder.rows(Questions(self._files).epoch(chance, part), chance))
            if not rows:
                raise ValueError(f"{self._files} make no examples for worker {part[0]}: take fewer workers")
            if part[0] == 0:
                _tell(number, rows, part[1])
            yield from (collated(group) for group in grouped(rows, self._tokens, chance))


class Encoder:
    """Turns examples into token ids."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(f"{find_weights(DEFAULT_MODEL)}/tokenizer.json")
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls, self._sep = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))

    def rows(self, examples: list[Example], chance: random.Random) -> Iterator[Row]:
        """A row for each example whose answer falls on tokens that there is room for."""
        texts = [f"{e.header}\n{e.passage}" if e.header else e.passage for e in examples]
        questions = self._tokenizer.encode_batch([e.question for e in examples], add_special_tokens=False)
        passages = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        for example, question, passage in zip(examples, questions, passages, strict=True):
            shift = len(example.header) + 1 if example.header else 0
            asked = question.ids[:_QUESTION]
            room = LONGEST - len(asked) - 3
            items = [
                within(passage.offsets, (start + shift, end + shift))
                for start, end in sorted(example.answers)
            ]
            if not all(items) or (items and items[-1][1] - items[0][0] >= room):
                continue
            begin = 0
            if len(passage.ids) > room:
                first, last = (items[0][0], items[-1][1]) if items else (0, len(passage.ids) - 1)
                low, high = max(0, last - room + 1), min(first, len(passage.ids) - room)
                begin = chance.randint(min(low, high), max(low, high))
            lead = len(asked) + 2
            shifted = tuple((first - begin + lead, last - begin + lead) for first, last in items)
            yield Row(
                [self._cls, *asked, self._sep, *passage.ids[begin : begin + room], self._sep],
                lead,
                shifted,
                _together(shifted),
            )


def within(offsets: list[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int] | tuple[()]:
    """The first and last token of a span of characters; nothing if it falls between tokens."""
    inside = [i for i, (a, b) in enumerate(offsets) if a < span[1] and b > span[0]]
    return (inside[0], inside[-1]) if inside else ()


def _together(items: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """The stretch of the first items of a list that follow each other with hardly a word between."""
    if not items:
        return 0, 0
    first, last = items[0]
    for start, end in items[1:]:
        if start - last > 5:
            break
        last = end
    return first, last


def grouped(rows: list[Row], tokens: int, chance: random.Random) -> Iterator[list[Row]]:
    """Rows of like length together, at most so many tokens in each group, the groups in random order."""
    ordered = sorted(rows, key=lambda row: len(row.ids) + chance.random() * 8)
    groups: list[list[Row]] = [[]]
    longest = 0
    for row in ordered:
        longest = max(longest, len(row.ids))
        if groups[-1] and (len(groups[-1]) + 1) * longest > tokens:
            groups.append([])
            longest = len(row.ids)
        groups[-1].append(row)
    chance.shuffle(groups)
    yield from groups


def collated(rows: list[Row]) -> Batch:
    """The rows as tensors."""
    width = max(len(row.ids) for row in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask, kinds, marks = torch.zeros_like(ids), torch.zeros_like(ids), torch.full_like(ids, IGNORED)
    for i, row in enumerate(rows):
        length = len(row.ids)
        ids[i, :length] = torch.tensor(row.ids)
        mask[i, :length] = 1
        kinds[i, row.lead : length] = 1
        marks[i, row.lead : length] = OUTSIDE
        for first, last in row.items:
            marks[i, first] = BEGIN
            marks[i, first + 1 : last + 1] = INSIDE
    return Batch(ids, mask, kinds, marks, torch.tensor([row.span for row in rows]))


def _tell(number: int, rows: list[Row], parts: int) -> None:
    negative = sum(not row.items for row in rows) / len(rows)
    several = sum(len(row.items) > 1 for row in rows) / len(rows)
    tokens = sum(len(row.ids) for row in rows) * parts
    print(
        f"epoch {number}: about {len(rows) * parts} examples, {negative:.0%} without answer, "
        f"{several:.0%} lists, {tokens} tokens",
        flush=True,
    )
