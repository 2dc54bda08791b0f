"""Train the reader: question and passage in, the answer's span out, or that there is none.

    python -m training.train_reader FOLDER QUESTIONS.json.gz … --minutes 100

It starts from the embedding model's own encoder. The learning rate falls linearly over the minutes given, so
that a run ends well on any machine; FOLDER keeps a checkpoint from which the same command goes on.
"""

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModel

from training.examples import Example, Questions
from vectorstore.model_files import DEFAULT_MODEL, find_weights

LONGEST = 352  # tokens of question and passage
_QUESTION = 64
_BATCH_TOKENS = 4096
_RATE, _WARM = 1.5e-4, 0.03
_SAVE_SECONDS = 300


class Reader(torch.nn.Module):
    """An encoder with a span head; position 0 of the span logits stands for "no answer"."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(
            find_weights(DEFAULT_MODEL), add_pooling_layer=False, attn_implementation="sdpa"
        )
        width = self.encoder.config.hidden_size
        self.span = torch.nn.Linear(width, 2)
        self.answers = torch.nn.Linear(width, 1)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Start and end logits, shape (batch, length), and whether there is an answer, shape (batch,)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=kinds).last_hidden_state
        start, end = self.span(hidden).unbind(-1)
        return start, end, self.answers(hidden[:, 0]).squeeze(-1)


Row = tuple[list[int], int, int, int]
"""Token ids, where the passage begins, and the first and last token of the answer (0, 0 without one)."""


class Encoder:
    """Turns examples into token ids."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(f"{find_weights(DEFAULT_MODEL)}/tokenizer.json")
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls, self._sep = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))

    def rows(self, examples: list[Example], chance: random.Random) -> list[Row]:
        """A row for each example whose answer falls on tokens."""
        texts = [f"{e.header}\n{e.passage}" if e.header else e.passage for e in examples]
        questions = self._tokenizer.encode_batch([e.question for e in examples], add_special_tokens=False)
        passages = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        made = []
        for example, question, passage in zip(examples, questions, passages, strict=True):
            shift = len(example.header) + 1 if example.header else 0
            asked = question.ids[:_QUESTION]
            room = LONGEST - len(asked) - 3
            first = last = -1
            if example.start >= 0:
                inside = [
                    i
                    for i, (a, b) in enumerate(passage.offsets)
                    if a < example.end + shift and b > example.start + shift
                ]
                if not inside or inside[-1] - inside[0] >= room:
                    continue
                first, last = inside[0], inside[-1]
            begin = 0
            if len(passage.ids) > room:
                low, high = max(0, last - room + 1), min(first if first >= 0 else 0, len(passage.ids) - room)
                begin = chance.randint(min(low, high), max(low, high))
            lead = len(asked) + 2
            ids = [self._cls, *asked, self._sep, *passage.ids[begin : begin + room], self._sep]
            where = (first - begin + lead, last - begin + lead) if first >= 0 else (0, 0)
            made.append((ids, lead, *where))
        return made


def batches(rows: list[Row], chance: random.Random) -> Iterator[list[Row]]:
    """Rows of like length together, about as many tokens in each batch, batches in random order."""
    ordered = sorted(rows, key=lambda row: len(row[0]) + chance.random() * 8)
    groups: list[list[Row]] = [[]]
    for row in ordered:
        if groups[-1] and (len(groups[-1]) + 1) * len(row[0]) > _BATCH_TOKENS:
            groups.append([])
        groups[-1].append(row)
    chance.shuffle(groups)
    yield from groups


def loss_of(reader: Reader, batch: list[Row], device: str) -> torch.Tensor:
    """Cross-entropy of start and end, and of whether there is an answer."""
    width = max(len(row[0]) for row in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, (sequence, lead, _, _) in enumerate(batch):
        ids[i, : len(sequence)] = torch.tensor(sequence)
        mask[i, : len(sequence)] = 1
        kinds[i, lead : len(sequence)] = 1
    starts = torch.tensor([row[2] for row in batch], device=device)
    ends = torch.tensor([row[3] for row in batch], device=device)
    allowed = (kinds == 1).to(device)
    allowed[:, 0] = True
    with torch.autocast(device, dtype=torch.bfloat16):
        start, end, answers = reader(ids.to(device), mask.to(device), kinds.to(device))
    start, end = (logits.float().masked_fill(~allowed, -1e4) for logits in (start, end))
    span = torch.nn.functional.cross_entropy(start, starts) + torch.nn.functional.cross_entropy(end, ends)
    there = torch.nn.functional.binary_cross_entropy_with_logits(answers.float(), (starts > 0).float())
    return span / 2 + there / 2


def main() -> None:
    """Train until the minutes are over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--rate", type=float, default=_RATE)
    parser.add_argument("--start", type=Path, help="weights to start from, instead of the encoder's own")
    args = parser.parse_args()
    torch.manual_seed(7)
    chance = random.Random(7)  # noqa: S311
    device = "cuda" if torch.cuda.is_available() else "cpu"
    reader = Reader().to(device)
    if args.start:
        reader.load_state_dict(torch.load(args.start, map_location=device)["reader"])
    optimizer = torch.optim.AdamW(reader.parameters(), lr=args.rate, weight_decay=0.01)
    args.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = args.folder / "checkpoint.pt"
    spent, step = 0.0, 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location=device)
        reader.load_state_dict(state["reader"])
        optimizer.load_state_dict(state["optimizer"])
        spent, step = state["spent"], state["step"]
        chance = random.Random(step)  # noqa: S311
    questions, encoder = Questions(args.files), Encoder()
    began, saved, told, mean = time.monotonic() - spent, time.monotonic(), 0.0, 0.0
    stream = endless(questions, encoder, chance)
    reader.train()
    while (part := (time.monotonic() - began) / (60 * args.minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1.0, part / _WARM + 0.02) * (1 - part)
        loss = loss_of(reader, next(stream), device)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        step += 1
        mean = loss.item() if step == 1 else 0.99 * mean + 0.01 * loss.item()
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{part:6.1%} step {step} loss {mean:.3f}", flush=True)
        if time.monotonic() - saved > _SAVE_SECONDS:
            saved = time.monotonic()
            save(checkpoint, reader, optimizer, saved - began, step)
    save(checkpoint, reader, optimizer, time.monotonic() - began, step)
    print(f"done after {step} steps, loss {mean:.3f}")


def endless(questions: Questions, encoder: Encoder, chance: random.Random) -> Iterator[list[Row]]:
    """Batches of one epoch after another."""
    number = 0
    while True:
        number += 1
        rows = encoder.rows(questions.epoch(chance), chance)
        negative = sum(row[2] == 0 for row in rows) / len(rows)
        tokens = sum(len(row[0]) for row in rows)
        print(
            f"epoch {number}: {len(rows)} examples, {negative:.0%} without answer, {tokens} tokens",
            flush=True,
        )
        yield from batches(rows, chance)


def save(path: Path, reader: Reader, optimizer: torch.optim.Optimizer, spent: float, step: int) -> None:
    """Write a checkpoint in one step."""
    state = {"reader": reader.state_dict(), "optimizer": optimizer.state_dict(), "spent": spent, "step": step}
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


if __name__ == "__main__":
    main()
