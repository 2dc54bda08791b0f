"""Train the entailment model of the citation check: claim and evidence in, whether it is supported out.

    python -m training.train_support FOLDER QUESTIONS.json.gz … --start READER/checkpoint.pt --minutes 13

It starts from the reader, which knows near misses already. Started from the reader's teacher it makes a
teacher for itself, from which it then learns (`--teacher`). The learning rate falls linearly over the minutes
given; FOLDER gets the checkpoint, and model/support.onnx is what is made of it. Afterwards
`python -m training.fit_support` calibrates it.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from bot.answering.entailment import LONGEST_CLAIM, LONGEST_EVIDENCE
from training.export_reader import FOLDER, inputs, smooth, strip
from training.support_examples import Example, Examples
from training.train_reader import TAUGHT, Reader, of_checkpoint
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.model_files import DEFAULT_MODEL, find_weights, quantise

_BATCH_TOKENS = 2048
_RATE, _WARM = 5e-5, 0.06
_SMOOTHING = 0.05
_OF_SUPPORTED = 2.0  # their weight: there are fewer of them

Row = tuple[list[int], int, Example]
"""Token ids, where the evidence begins, and what they are of."""


class Entailment(torch.nn.Module):
    """The reader's encoder with one head, on the first token."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """Logits, shape (batch,)."""
        logits: torch.Tensor = self.reader.answers(self.reader.encoded(ids, mask, kinds)[:, 0]).squeeze(-1)
        return logits


class _Served(torch.nn.Module):
    """The model without padding: a claim at a time."""

    def __init__(self, model: Entailment) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids, torch.ones_like(input_ids), token_type_ids)


def main() -> None:
    """Train until the minutes are over, then export, but for a teacher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--start", type=Path, required=True, help="the reader's checkpoint, or its teacher's")
    parser.add_argument("--teacher", type=Path, help="the checkpoint of a larger model to learn from")
    parser.add_argument("--minutes", type=float, default=13)
    parser.add_argument("--rate", type=float, default=_RATE)
    parser.add_argument("--tokens", type=int, default=_BATCH_TOKENS, help="of a batch")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--models", type=Path, default=Path("data/models"))
    args = parser.parse_args()
    rows = list(encoded(Examples(args.files, OnnxEmbedder(DEFAULT_MODEL, args.models)).made))
    model = trained(rows, args)
    if model.reader.other is None:
        export(model.to("cpu"), FOLDER / "support.onnx")


def trained(rows: list[Row], args: argparse.Namespace) -> Entailment:
    """The model, trained on the rows; its checkpoint is in the folder."""
    torch.manual_seed(3)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Entailment(of_checkpoint(args.start, args.dropout)).to(device)
    teacher = None if args.teacher is None else Entailment(of_checkpoint(args.teacher)).to(device).eval()
    train(model, rows, args, teacher)
    args.folder.mkdir(parents=True, exist_ok=True)
    other = str(model.reader.other) if model.reader.other else None
    torch.save({"reader": model.reader.state_dict(), "encoder": other}, args.folder / "checkpoint.pt")
    return model


def encoded(examples: list[Example]) -> Iterator[Row]:
    """The examples in tokens, cut as they are when they are served."""
    tokenizer = Tokenizer.from_file(f"{find_weights(DEFAULT_MODEL)}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    cls, sep = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    for example in examples:
        pair = [example.claim, example.evidence]
        ours, theirs = (e.ids for e in tokenizer.encode_batch(pair, add_special_tokens=False))
        head = [cls, *ours[:LONGEST_CLAIM], sep]
        yield [*head, *theirs[:LONGEST_EVIDENCE], sep], len(head), example


def train(
    model: Entailment, rows: list[Row], args: argparse.Namespace, teacher: Entailment | None = None
) -> None:
    """Epoch after epoch, until the minutes are over."""
    chance = random.Random(3)  # noqa: S311
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, weight_decay=0.01, fused=True)
    stream: Iterator[list[Row]] = iter(())
    began, told, step = time.monotonic(), 0.0, 0
    model.train()
    while (part := (time.monotonic() - began) / (60 * args.minutes)) < 1:
        batch = next(stream, None)
        if batch is None:
            stream = batches([row for row in rows if chance.random() < row[2].share], args.tokens, chance)
            continue
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1.0, part / _WARM + 0.02) * (1 - part)
        loss = loss_of(model, batch, teacher)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{part:6.1%} step {step} loss {loss.item():.3f}", flush=True)
    print(f"done after {step} steps", flush=True)


def batches(rows: list[Row], tokens: int, chance: random.Random) -> Iterator[list[Row]]:
    """Rows of like length together, about so many tokens in each batch, batches in random order."""
    groups: list[list[Row]] = [[]]
    for row in sorted(rows, key=lambda row: len(row[0]) + chance.random() * 8):
        if groups[-1] and (len(groups[-1]) + 1) * len(row[0]) > tokens:
            groups.append([])
        groups[-1].append(row)
    chance.shuffle(groups)
    yield from groups


def loss_of(model: Entailment, batch: list[Row], teacher: Entailment | None = None) -> torch.Tensor:
    """Binary cross-entropy, to what is right and to what the teacher holds likely."""
    device = next(model.parameters()).device.type
    width = max(len(ids) for ids, _, _ in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, (tokens, lead, _) in enumerate(batch):
        ids[i, : len(tokens)] = torch.tensor(tokens)
        mask[i, : len(tokens)] = 1
        kinds[i, lead : len(tokens)] = 1
    given = [tensor.to(device) for tensor in (ids, mask, kinds)]
    wanted = [1 - _SMOOTHING if example.supported else _SMOOTHING for _, _, example in batch]
    weight = torch.tensor(_OF_SUPPORTED, device=device)
    cross = functional.binary_cross_entropy_with_logits
    with torch.autocast(device, dtype=torch.bfloat16):
        logits = model(*given).float()
    right = cross(logits, torch.tensor(wanted, device=device), pos_weight=weight)
    if teacher is None:
        return right
    with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16):
        likely = teacher(*given).float().sigmoid()
    return (1 - TAUGHT) * right + TAUGHT * cross(logits, likely)


def export(model: Entailment, path: Path) -> None:
    """The int8 ONNX file: token ids and kinds in, a logit out."""
    smooth(model.reader.encoder, inputs())
    ids = torch.full((1, 12), 1000)
    length = torch.export.Dim("length", min=4, max=LONGEST_CLAIM + LONGEST_EVIDENCE + 3)
    with torch.no_grad(), tempfile.TemporaryDirectory() as work:
        program = torch.onnx.export(
            _Served(model).eval(),
            (ids, torch.zeros_like(ids)),
            dynamo=True,
            input_names=["input_ids", "token_type_ids"],
            output_names=["supported"],
            dynamic_shapes=({1: length}, {1: length}),
            verbose=False,
        )
        assert program is not None  # noqa: S101  (None only without dynamo)
        full = Path(work) / "support.fp32.onnx"
        program.save(str(full))
        quantise(full, path, 7, keep=1)  # 7 bits: processors without VNNI saturate on 8
    strip(path)


if __name__ == "__main__":
    main()
