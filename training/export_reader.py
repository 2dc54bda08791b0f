"""From a checkpoint of the trainer to the int8 ONNX file that is shipped.

python -m training.export_reader CHECKPOINT … [--shares .65 .35] [--save FILE] [--folder bot/answering/model]

Several checkpoints of which one went on from the other are averaged, weight by weight, by their shares
(Wortsman et al. 2022, "Model soups"); --save keeps the average as a checkpoint. Weights of 7 bits, for
processors without VNNI saturate on 8; --keep says how many of the down-projections of the feed-forward
layers, which carry most of the error of quantisation, stay fp32. What goes into the other layers is smoothed
first, for a few channels are ten times as large as the rest and take the steps of int8 from them.
"""

import argparse
import itertools
import shutil
import tempfile
from pathlib import Path

import onnx
import torch
from tokenizers import Tokenizer

from training.rows import LONGEST
from training.sources import WRITTEN, articles
from training.train_reader import Reader
from vectorstore.model_files import DEFAULT_MODEL, find_weights, quantise

# how much of the difficulty goes from the activations to the weights. On 60 questions the error of the logits
# (root mean square) is .108 with it, .166 without smoothing, .194 at .5, .141 at .8
_SMOOTHING = 0.7
_LOOKED_AT = 60  # of our articles, to see how large each channel gets

FOLDER = Path(__file__).parent.parent / "bot" / "answering" / "model"


class _Served(torch.nn.Module):
    """The reader without padding: a question and a passage at a time."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.reader(input_ids, torch.ones_like(input_ids), token_type_ids)


def main() -> None:
    """Export, quantise, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--shares", type=float, nargs="+", help="of each checkpoint; equal without it")
    parser.add_argument("--save", type=Path, help="where the average is kept as a checkpoint")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--bits", type=int, default=7)
    parser.add_argument("--keep", type=int, default=1)
    args = parser.parse_args()
    shares = args.shares or [1 / len(args.checkpoints)] * len(args.checkpoints)
    if len(shares) != len(args.checkpoints):
        parser.error("--shares takes as many numbers as there are checkpoints")
    reader = Reader()
    reader.load_state_dict(averaged(args.checkpoints, shares))
    if args.save:
        torch.save({"reader": reader.state_dict()}, args.save)
    args.folder.mkdir(parents=True, exist_ok=True)
    smooth(reader.encoder, inputs())
    with tempfile.TemporaryDirectory() as work:
        full = Path(work) / "reader.fp32.onnx"
        export(reader, full)
        quantise(full, args.folder / "reader.onnx", args.bits, keep=args.keep)
    strip(args.folder / "reader.onnx")
    shutil.copyfile(f"{find_weights(DEFAULT_MODEL)}/tokenizer.json", args.folder / "tokenizer.json")
    print(f"{args.folder / 'reader.onnx'}: {(args.folder / 'reader.onnx').stat().st_size / 1e6:.1f} MB")


def averaged(checkpoints: list[Path], shares: list[float]) -> dict[str, torch.Tensor]:
    """The weights of several checkpoints, averaged by their shares."""
    states = [torch.load(path, map_location="cpu")["reader"] for path in checkpoints]
    return {
        name: sum(share * state[name] for share, state in zip(shares, states, strict=True)).to(first.dtype)
        for name, first in states[0].items()
    }


class _Smoothed(torch.nn.Module):
    """A layer whose inputs are scaled down, channel by channel, and its weights up by as much."""

    def __init__(self, layer: torch.nn.Linear, scale: torch.Tensor) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("inverse", 1 / scale)
        layer.weight.data *= scale

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.layer(given * self.inverse)


def smooth(encoder: torch.nn.Module, examples: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Scale what goes into each layer, in place; what comes out stays the same.

    The method is SmoothQuant (Xiao et al. 2023), but that the scaling is a step of its own here: what a layer
    norm gives also goes past the layer.
    `examples` are token ids and kinds, each of shape (1, tokens).
    """
    most: dict[str, torch.Tensor] = {}

    def note(name: str, given: torch.Tensor) -> None:
        seen = given.abs().flatten(0, -2).amax(0)
        most[name] = torch.maximum(most[name], seen) if name in most else seen

    layers = {n: m for n, m in encoder.named_modules() if isinstance(m, torch.nn.Linear)}
    hooks = [
        layer.register_forward_hook(lambda _, given, __, name=name: note(name, given[0]))
        for name, layer in layers.items()
    ]
    with torch.no_grad():
        for ids, kinds in examples:
            encoder(input_ids=ids, attention_mask=torch.ones_like(ids), token_type_ids=kinds)
    for hook in hooks:
        hook.remove()
    for name, layer in layers.items():
        weights = layer.weight.detach().abs().amax(0).clamp(min=1e-4)
        scale = (most[name].clamp(min=1e-3) ** _SMOOTHING / weights ** (1 - _SMOOTHING)).clamp(0.01, 100)
        parent, _, own = name.rpartition(".")
        setattr(encoder.get_submodule(parent), own, _Smoothed(layer, scale))


def inputs() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Questions on some of our articles, as the models are given them: token ids and kinds."""
    tokenizer = Tokenizer.from_file(f"{find_weights(DEFAULT_MODEL)}/tokenizer.json")
    tokenizer.enable_truncation(LONGEST)
    tokenizer.no_padding()
    some = itertools.islice(articles(WRITTEN / "articles.txt"), _LOOKED_AT)
    pairs = [tokenizer.encode(asked[0][0], text) for _, text, asked in some]
    return [(torch.tensor([pair.ids]), torch.tensor([pair.type_ids])) for pair in pairs]


def strip(path: Path) -> None:
    """Without what the exporter notes of each node: half a megabyte, with the paths of this machine."""
    model = onnx.load(str(path))
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.save(model, str(path))


def export(reader: Reader, path: Path) -> None:
    """The graph in fp32: token ids and kinds in, the four heads' logits out."""
    ids = torch.full((1, 12), 1000)
    length = torch.export.Dim("length", min=4, max=LONGEST)
    with torch.no_grad():
        program = torch.onnx.export(
            _Served(reader).eval(),
            (ids, torch.zeros_like(ids)),
            dynamo=True,
            input_names=["input_ids", "token_type_ids"],
            output_names=["start", "end", "items", "answers"],
            dynamic_shapes=({1: length}, {1: length}),
            verbose=False,
        )
    assert program is not None  # noqa: S101  (None only without dynamo)
    program.save(str(path))


if __name__ == "__main__":
    main()
