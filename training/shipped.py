"""The shipped reader's weights, read back from its int8 file: to go on from where no checkpoint is left.

    python -m training.shipped CHECKPOINT.pt [--model bot/answering/model/reader.onnx]

What the rounding to 7 bits took is lost; the logits are the file's but for the rounding of activations.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from training.export_reader import FOLDER
from training.train_reader import Reader

_OF_MODEL = "reader."  # what its parts are called in the graph
_MULTIPLY = ("MatMul", "MatMulInteger")


def main() -> None:
    """Write a checkpoint that `train_reader --start` takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--model", type=Path, default=FOLDER / "reader.onnx")
    args = parser.parse_args()
    reader = Reader()
    reader.load_state_dict(weights_of(args.model, reader))
    torch.save({"reader": reader.state_dict()}, args.checkpoint)


def weights_of(path: Path, reader: Reader) -> dict[str, torch.Tensor]:
    """The weights of the file, for a reader of its shape."""
    graph = onnx.load(str(path)).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    layers = [name for name, module in reader.named_modules() if isinstance(module, torch.nn.Linear)]
    # the graph multiplies with the layers' weights in the order in which the model has the layers,
    # but for the heads: those are told apart by their width
    products = [each for node in graph.node if node.op_type in _MULTIPLY for each in _weights(node, stored)]
    state = reader.state_dict()
    for layer in layers:
        wanted = tuple(reversed(state[f"{layer}.weight"].shape))
        weights = products.pop(next(i for i, each in enumerate(products) if each.shape == wanted))
        inverse = stored.get(f"{_OF_MODEL}{layer}.inverse")  # of smoothing
        state[f"{layer}.weight"] = _tensor((weights if inverse is None else weights * inverse[:, None]).T)
    for name in state:
        if name.endswith("embeddings.weight"):
            state[name] = _tensor(_dequantised(f"{_OF_MODEL}{name}", stored))
        else:
            plain = stored.get(f"{_OF_MODEL}{name}", stored.get(f"{_OF_MODEL}{_smoothed(name)}"))
            state[name] = state[name] if plain is None else _tensor(plain)
    return state


def _weights(node: onnx.NodeProto, stored: dict[str, NDArray]) -> list[NDArray]:
    """What a node multiplies with, if it is a layer's; its inputs may be two activations."""
    names = [name.removesuffix("_quantized") for name in node.input[:2] if name in stored]
    return [weights for name in names if (weights := _dequantised(name, stored)).ndim == 2]


def _dequantised(name: str, stored: dict[str, NDArray]) -> NDArray:
    if name in stored:
        return stored[name]
    zero = stored[f"{name}_zero_point"].astype(np.float32)
    weights: NDArray = (stored[f"{name}_quantized"].astype(np.float32) - zero) * stored[f"{name}_scale"]
    return weights


def _smoothed(name: str) -> str:
    """What a smoothed layer's weight or bias is called."""
    layer, _, own = name.rpartition(".")
    return f"{layer}.layer.{own}"


def _tensor(array: NDArray) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(array))


if __name__ == "__main__":
    main()
