"""Train the reader: question and passage in, the answer's span and items out, or that there is none.

    python -m training.train_reader FOLDER QUESTIONS.json.gz … --minutes 100

It starts from the embedding model's own encoder. The learning rate falls linearly over the minutes given, so
that a run ends well on any machine; FOLDER keeps a checkpoint from which the same command goes on. Minutes in
which the process is stopped (`kill -STOP`, to have the machine for something else) do not count.
"""

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModel

from training.examples import Example, Questions
from vectorstore.model_files import DEFAULT_MODEL, find_weights

LONGEST = 288  # tokens of question and passage
_QUESTION = 48
_BATCH_TOKENS = 4096
_RATE, _WARM = 1.6e-4, 0.04
_SAVE_SECONDS, _TELL_SECONDS = 240, 60
_PAUSE = 30  # seconds: no step takes as long, so the process was stopped meanwhile
_OUTSIDE, _BEGIN, _INSIDE = range(3)
_MARK_WEIGHTS = (1.0, 5.0, 3.0)  # for most of a passage is outside


class Reader(torch.nn.Module):
    """An encoder with three heads: the answer's span, whether there is one, and the items of a list.

    Position 0 of the span logits stands for "no answer" (Devlin et al. 2019, section 4.3). The items are
    marked word by word as begin, inside or outside, as in the tagger of MultiSpanQA (Li et al. 2022).
    """

    def __init__(self) -> None:
        super().__init__()
        # no dropout: two epochs do not overfit, and on a CPU it takes more than half of the time;
        # eager attention is the faster one there, too
        self.encoder = AutoModel.from_pretrained(
            find_weights(DEFAULT_MODEL),
            add_pooling_layer=False,
            attn_implementation="eager",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        width = self.encoder.config.hidden_size
        self.span = torch.nn.Linear(width, 2)
        self.answers = torch.nn.Linear(width, 1)
        self.items = torch.nn.Linear(width, 3)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits: start and end (batch, length), items (batch, length, 3), is there an answer (batch,)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=kinds).last_hidden_state
        start, end = self.span(hidden).unbind(-1)
        return start, end, self.items(hidden), self.answers(hidden[:, 0]).squeeze(-1)


@dataclass(frozen=True, slots=True)
class Row:
    """An example in tokens: `lead` is where the passage begins, `items` the first and last token of each."""

    ids: list[int]
    lead: int
    items: tuple[tuple[int, int], ...]
    span: tuple[int, int]  # of the answer, or of the first items that stand together; (0, 0) without one


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


def batches(rows: list[Row], chance: random.Random) -> Iterator[list[Row]]:
    """Rows of like length together, about as many tokens in each batch, batches in random order."""
    ordered = sorted(rows, key=lambda row: len(row.ids) + chance.random() * 8)
    groups: list[list[Row]] = [[]]
    for row in ordered:
        if groups[-1] and (len(groups[-1]) + 1) * len(row.ids) > _BATCH_TOKENS:
            groups.append([])
        groups[-1].append(row)
    chance.shuffle(groups)
    yield from groups


def loss_of(reader: Reader, batch: list[Row], device: str) -> torch.Tensor:
    """Cross-entropies of start, end, whether there is an answer, and the items' marks."""
    width = max(len(row.ids) for row in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    mask, kinds, marks = torch.zeros_like(ids), torch.zeros_like(ids), torch.full_like(ids, -100)
    for i, row in enumerate(batch):
        length = len(row.ids)
        ids[i, :length] = torch.tensor(row.ids)
        mask[i, :length] = 1
        kinds[i, row.lead : length] = 1
        marks[i, row.lead : length] = _OUTSIDE
        for first, last in row.items:
            marks[i, first] = _BEGIN
            marks[i, first + 1 : last + 1] = _INSIDE
    spans = torch.tensor([row.span for row in batch], device=device)
    allowed = (kinds == 1).to(device)
    allowed[:, 0] = True
    with torch.autocast(device, dtype=torch.bfloat16):
        start, end, items, answers = reader(ids.to(device), mask.to(device), kinds.to(device))
    start, end = (logits.float().masked_fill(~allowed, -1e4) for logits in (start, end))
    cross = torch.nn.functional.cross_entropy
    span = cross(start, spans[:, 0]) + cross(end, spans[:, 1])
    there = torch.nn.functional.binary_cross_entropy_with_logits(answers.float(), (spans[:, 0] > 0).float())
    tags = cross(
        items.float().flatten(0, 1),
        marks.to(device).flatten(),
        weight=torch.tensor(_MARK_WEIGHTS, device=device),
        ignore_index=-100,
    )
    return span / 2 + there / 2 + tags


@dataclass
class Run:
    """What a checkpoint keeps."""

    reader: Reader
    optimizer: torch.optim.Optimizer
    checkpoint: Path
    spent: float = 0.0  # seconds
    step: int = 0

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, map_location="cpu")
            self.reader.load_state_dict(state["reader"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.spent, self.step = state["spent"], state["step"]

    def save(self) -> None:
        """Write the checkpoint in one step."""
        state = {"reader": self.reader.state_dict(), "optimizer": self.optimizer.state_dict()}
        new = self.checkpoint.with_suffix(".new")
        torch.save(state | {"spent": self.spent, "step": self.step}, new)
        new.replace(self.checkpoint)


def main() -> None:
    """Train until the minutes are over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--rate", type=float, default=_RATE)
    parser.add_argument("--start", type=Path, help="a finished run's checkpoint, whose weights to go on from")
    args = parser.parse_args()
    torch.manual_seed(7)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    reader = Reader().to(device)
    if args.start is not None:
        reader.load_state_dict(torch.load(args.start, map_location=device)["reader"])
    optimizer = torch.optim.AdamW(reader.parameters(), lr=args.rate, weight_decay=0.01, fused=True)
    args.folder.mkdir(parents=True, exist_ok=True)
    run = Run(reader, optimizer, args.folder / "checkpoint.pt")
    run.resume()
    stream = endless(args.files, random.Random(7 + run.step))  # noqa: S311
    loss = train(run, stream, 60 * args.minutes, args.rate)
    run.save()
    print(f"done after {run.step} steps, loss {loss:.3f}")


def train(run: Run, stream: Iterator[list[Row]], seconds: float, rate: float) -> float:
    """Until the run has taken so many seconds, the rate rising and then falling to 0; gives the last loss."""
    device = next(run.reader.parameters()).device.type
    now = saved = time.monotonic()
    told, mean = 0.0, 0.0
    run.reader.train()
    while (part := run.spent / seconds) < 1:
        for group in run.optimizer.param_groups:
            group["lr"] = rate * min(1.0, part / _WARM + 0.02) * (1 - part)
        loss = loss_of(run.reader, next(stream), device)
        run.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(run.reader.parameters(), 1.0)
        run.optimizer.step()
        run.step += 1
        mean = 0.99 * mean + 0.01 * loss.item() if mean else loss.item()
        before, now = now, time.monotonic()
        run.spent += now - before if now - before < _PAUSE else 0
        if now - told > _TELL_SECONDS:
            told = now
            print(f"{part:6.1%} step {run.step} loss {mean:.3f}", flush=True)
        if now - saved > _SAVE_SECONDS:
            saved = now
            run.save()
    return mean


def endless(files: list[Path], chance: random.Random) -> Iterator[list[Row]]:
    """Batches of one epoch after another; questions written meanwhile are in the next one."""
    encoder, number = Encoder(), 0
    while True:
        number += 1
        rows = list(encoder.rows(Questions(files).epoch(chance), chance))
        negative = sum(not row.items for row in rows) / len(rows)
        several = sum(len(row.items) > 1 for row in rows) / len(rows)
        tokens = sum(len(row.ids) for row in rows)
        print(
            f"epoch {number}: {len(rows)} examples, {negative:.0%} without answer, {several:.0%} lists, "
            f"{tokens} tokens",
            flush=True,
        )
        yield from batches(rows, chance)


if __name__ == "__main__":
    main()
