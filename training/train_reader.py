"""Train the reader: question and passage in, the answer's span and items out, or that there is none.

    python -m training.train_reader FOLDER QUESTIONS.json.gz … --minutes 100
    python -m training.train_reader TEACHER QUESTIONS.json.gz … --encoder all-mpnet-base-v2 --rate 6e-5 …
    python -m training.train_reader FOLDER QUESTIONS.json.gz … --teacher TEACHER/checkpoint.pt …

It starts from the embedding model's own encoder, or from MPNet's (`--encoder`, a folder with its weights),
which reads the same word pieces: a larger one makes a teacher, from whose certainty, and not only from the
right answers, the small one then learns (`--teacher`). The learning rate falls linearly over the minutes
given, so that a run ends well on any machine; FOLDER keeps a checkpoint from which the same command goes on.
Minutes in which the process is stopped (`kill -STOP`, to have the machine for something else) do not count.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoModel

from training.rows import IGNORED, Batch, Batches
from vectorstore.model_files import DEFAULT_MODEL, find_weights

_RATE, _WARM = 1.6e-4, 0.04
_SAVE_SECONDS, _TELL_SECONDS = 240, 60
_PAUSE = 30  # seconds: no step takes as long, so the process was stopped meanwhile
_MARK_WEIGHTS = (1.0, 5.0, 3.0)  # for most of a passage is outside
TAUGHT = 0.8  # how much of the loss is the teacher's, the rest is that of the right answers
_TEMPERATURE = 2.0  # at which spans are compared to the teacher's (Hinton et al. 2015)
_SPECIAL = {"[PAD]": "<pad>", "[CLS]": "<s>", "[SEP]": "</s>", "[MASK]": "<mask>"}


class Reader(torch.nn.Module):
    """An encoder with three heads: the answer's span, whether there is one, and the items of a list.

    Position 0 of the span logits stands for "no answer" (Devlin et al. 2019, section 4.3). The items are
    marked word by word as begin, inside or outside, as in the tagger of MultiSpanQA (Li et al. 2022).
    """

    def __init__(self, encoder: Path | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.other = encoder  # the folder of another encoder than the one that is shipped
        # no dropout: it takes more than half of the time on a CPU; eager attention is the faster one there
        swift = torch.cuda.is_available() and encoder is None  # MPNet has no other than the eager one
        self.encoder = AutoModel.from_pretrained(
            encoder or find_weights(DEFAULT_MODEL),
            add_pooling_layer=False,
            attn_implementation="sdpa" if swift else "eager",
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
        width = self.encoder.config.hidden_size
        self.span = torch.nn.Linear(width, 2)
        self.answers = torch.nn.Linear(width, 1)
        self.items = torch.nn.Linear(width, 3)
        self.register_buffer("_own", None if encoder is None else own_ids(encoder), persistent=False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits: start and end (batch, length), items (batch, length, 3), is there an answer (batch,)."""
        return self.heads(self.encoded(ids, mask, kinds))

    def heads(self, hidden: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The same logits of the last layer's vectors."""
        start, end = self.span(hidden).unbind(-1)
        return start, end, self.items(hidden), self.answers(hidden[:, 0]).squeeze(-1)

    def encoded(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """The last layer, shape (batch, length, width); token ids are ours, whosever the encoder is."""
        given = (
            {"input_ids": ids, "token_type_ids": kinds}
            if self._own is None
            else {"input_ids": self._own[ids]}
        )
        hidden: torch.Tensor = self.encoder(attention_mask=mask, **given).last_hidden_state
        return hidden


def own_ids(encoder: Path) -> torch.Tensor:
    """For each token id of ours that of another encoder with the same word pieces, such as MPNet."""
    theirs, ours = (
        json.loads((Path(folder) / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
        for folder in (encoder, find_weights(DEFAULT_MODEL))
    )
    own = torch.zeros(len(ours), dtype=torch.long)
    for token, number in ours.items():
        # MPNet has BERT's special tokens as well, but never learned what they mean
        own[number] = theirs.get(_SPECIAL.get(token, token), theirs.get(token, theirs["[UNK]"]))
    return own


@dataclass
class Teaching:
    """A larger reader to learn from, and how the smaller one's last layer is held against its own."""

    teacher: Reader
    projection: torch.nn.Module  # from the pupil's width to the teacher's; needed while it learns only
    closeness: float = 1.0  # the weight of that, beside the answers


def loss_of(reader: Reader, batch: Batch, teaching: Teaching | None = None) -> torch.Tensor:
    """Cross-entropies of start, end, whether there is an answer, and the items' marks.

    With a teacher mostly those to its answers, and how far the last layer is from its own.
    """
    told, hidden = _read(reader, batch)
    right = _loss_of_answers(told, batch)
    if teaching is None:
        return right
    with torch.no_grad():
        wanted, theirs = _read(teaching.teacher, batch)
    answers = (1 - TAUGHT) * right + TAUGHT * _loss_of_taught(told, wanted, batch)
    return answers + teaching.closeness * _distance(teaching.projection(hidden), theirs, batch.mask)


def _read(reader: Reader, batch: Batch) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    """Logits, and the last layer's vectors."""
    with torch.autocast(batch.ids.device.type, dtype=torch.bfloat16):
        hidden = reader.encoded(batch.ids, batch.mask, batch.kinds)
        start, end, items, answers = reader.heads(hidden)
    allowed = batch.kinds == 1
    allowed[:, 0] = True
    start, end = (logits.float().masked_fill(~allowed, -1e4) for logits in (start, end))
    return (start, end, items.float(), answers.float()), hidden.float()


def _distance(ours: torch.Tensor, theirs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean square, the teacher's channels with mean 0 and variance 1; as in TinyBERT (Jiao et al. 2020)."""
    there = mask.bool()
    wanted = theirs[there]
    wanted = (wanted - wanted.mean(0)) / (wanted.std(0) + 1e-3)
    return functional.mse_loss(ours[there], wanted)


def _loss_of_answers(told: tuple[torch.Tensor, ...], batch: Batch) -> torch.Tensor:
    start, end, items, answers = told
    span = sum(functional.cross_entropy(each, batch.spans[:, i]) for i, each in enumerate((start, end)))
    there = functional.binary_cross_entropy_with_logits(answers, (batch.spans[:, 0] > 0).float())
    weights = torch.tensor(_MARK_WEIGHTS, device=items.device)
    marks = functional.cross_entropy(
        items.flatten(0, 1), batch.marks.flatten(), weight=weights, ignore_index=IGNORED
    )
    return span / 2 + there / 2 + marks


def _loss_of_taught(
    told: tuple[torch.Tensor, ...], wanted: tuple[torch.Tensor, ...], batch: Batch
) -> torch.Tensor:
    """The same with the teacher's probabilities in place of what is right."""
    span = sum(
        functional.kl_div(
            (ours / _TEMPERATURE).log_softmax(-1),
            (theirs / _TEMPERATURE).log_softmax(-1),
            reduction="batchmean",
            log_target=True,
        )
        for ours, theirs in zip(told[:2], wanted[:2], strict=True)
    )
    there = functional.binary_cross_entropy_with_logits(told[3], wanted[3].sigmoid())
    passage = batch.marks != IGNORED
    theirs = wanted[2][passage].softmax(-1)
    weights = theirs @ torch.tensor(_MARK_WEIGHTS, device=theirs.device)
    marks = -(theirs * told[2][passage].log_softmax(-1)).sum(-1)
    return _TEMPERATURE**2 * span / 2 + there / 2 + (weights * marks).sum() / weights.sum()


@dataclass
class Run:
    """What a checkpoint keeps."""

    reader: Reader
    optimizer: torch.optim.Optimizer
    checkpoint: Path
    teaching: Teaching | None = None
    spent: float = 0.0  # seconds
    step: int = 0

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, map_location="cpu")
            self.reader.load_state_dict(state["reader"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.teaching is not None:
                self.teaching.projection.load_state_dict(state["projection"])
            self.spent, self.step = state["spent"], state["step"]

    def save(self) -> None:
        """Write the checkpoint in one step."""
        state = {"reader": self.reader.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {"encoder": str(self.reader.other) if self.reader.other else None}
        if self.teaching is not None:
            state["projection"] = self.teaching.projection.state_dict()
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
    parser.add_argument("--tokens", type=int, default=4096, help="of a batch")
    parser.add_argument("--workers", type=int, default=0, help="processes that make examples, for a GPU")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--start", type=Path, help="a finished run's checkpoint, whose weights to go on from")
    parser.add_argument("--encoder", type=Path, help="the folder of another encoder, for a teacher")
    parser.add_argument("--teacher", type=Path, help="the checkpoint of a larger reader to learn from")
    args = parser.parse_args()
    torch.manual_seed(7)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    reader = Reader(args.encoder, args.dropout).to(device)
    if args.start is not None:
        reader.load_state_dict(torch.load(args.start, map_location=device)["reader"])
    teaching = None
    learned = list(reader.parameters())
    if args.teacher is not None:
        teacher = of_checkpoint(args.teacher).to(device).eval()
        widths = (each.encoder.config.hidden_size for each in (reader, teacher))
        teaching = Teaching(teacher, torch.nn.Linear(*widths).to(device))
        learned += teaching.projection.parameters()
    optimizer = torch.optim.AdamW(learned, lr=args.rate, weight_decay=0.01, fused=True)
    args.folder.mkdir(parents=True, exist_ok=True)
    run = Run(reader, optimizer, args.folder / "checkpoint.pt", teaching)
    run.resume()
    stream = torch.utils.data.DataLoader(
        Batches(args.files, 7 + run.step, args.tokens),
        batch_size=None,
        num_workers=args.workers,
        pin_memory=device == "cuda",
    )
    loss = train(run, (batch.to(device) for batch in stream), 60 * args.minutes, args.rate)
    run.save()
    print(f"done after {run.step} steps, loss {loss:.3f}")


def of_checkpoint(path: Path, dropout: float = 0.0) -> Reader:
    """The reader of a checkpoint, with whichever encoder it has."""
    state = torch.load(path, map_location="cpu")
    encoder = state.get("encoder")
    reader = Reader(Path(encoder) if encoder else None, dropout)
    reader.load_state_dict(state["reader"])
    return reader


def train(run: Run, stream: Iterator[Batch], seconds: float, rate: float) -> float:
    """Until the run has taken so many seconds, the rate rising and then falling to 0; gives the last loss.

    A pupil's last layer counts as much as its answers at first, and nothing in the end.
    """
    now = saved = time.monotonic()
    told, mean = 0.0, None
    learned = [each for group in run.optimizer.param_groups for each in group["params"]]
    run.reader.train()
    while (part := run.spent / seconds) < 1:
        for group in run.optimizer.param_groups:
            group["lr"] = rate * min(1.0, part / _WARM + 0.02) * (1 - part)
        if run.teaching is not None:
            run.teaching.closeness = 1 - part
        loss = loss_of(run.reader, next(stream), run.teaching)
        run.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        run.optimizer.step()
        run.step += 1
        mean = loss.detach() if mean is None else 0.99 * mean + 0.01 * loss.detach()
        before, now = now, time.monotonic()
        run.spent += now - before if now - before < _PAUSE else 0
        if now - told > _TELL_SECONDS:
            told = now
            print(f"{part:6.1%} step {run.step} loss {mean:.3f}", flush=True)
        if now - saved > _SAVE_SECONDS:
            saved = now
            run.save()
    return float("nan") if mean is None else float(mean)


if __name__ == "__main__":
    main()
