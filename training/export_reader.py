"""From a checkpoint of the trainer to the int8 ONNX file that is shipped.

python -m training.export_reader CHECKPOINT … [--shares .65 .35] [--save FILE] [--folder bot/answering/model]

Several checkpoints of which one went on from the other are averaged, weight by weight, by their shares
(Wortsman et al. 2022, "Model soups"); --save keeps the average as a checkpoint. Weights of 7 bits, for
processors without VNNI saturate on 8; --keep says how many of the down-projections of the feed-forward
layers, which carry most of the error of quantisation, stay fp32.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import onnx
import torch

from training.train_reader import LONGEST, Reader
from vectorstore.model_files import DEFAULT_MODEL, find_weights, quantise

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
