"""What the training scripts do to the reader beside training it: it must stay the same reader."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import MPNetConfig, MPNetModel

from bot.answering.reader import MODEL, open_session
from training.examples import OURS, WRITTEN, Example, articles
from training.export_reader import inputs, smooth
from training.rows import BEGIN, IGNORED, INSIDE, OUTSIDE, Batch, Encoder, collated
from training.shipped import weights_of
from training.train_reader import Reader, loss_of, own_ids
from vectorstore.model_files import DEFAULT_MODEL, find_weights


@pytest.fixture(scope="module")
def shipped() -> Reader:
    """The shipped reader in PyTorch."""
    reader = Reader().eval()
    reader.load_state_dict(weights_of(MODEL / "reader.onnx", reader))
    return reader


def logits(reader: Reader, ids: torch.Tensor, kinds: torch.Tensor) -> np.ndarray:
    """Start and end logits, shape (2, tokens)."""
    with torch.no_grad():
        start, end, _, _ = reader(ids, torch.ones_like(ids), kinds)
    return torch.cat([start, end]).numpy()


def test_the_shipped_weights_are_read_back(shipped: Reader) -> None:
    """The logits are the file's but for the rounding of activations, which is a fraction of their spread."""
    session = open_session(MODEL / "reader.onnx")
    for ids, kinds in inputs()[:3]:
        given = {"input_ids": ids.numpy(), "token_type_ids": kinds.numpy()}
        served = np.concatenate(session.run(["start", "end"], given))
        assert np.abs(served - logits(shipped, ids, kinds)).mean() < 0.1 * served.std()


def test_smoothing_changes_no_answer(shipped: Reader) -> None:
    """What goes in is scaled down by what the weights are scaled up."""
    examples = inputs()[:3]
    before = [logits(shipped, *each) for each in examples]
    smooth(shipped.encoder, examples)
    after = [logits(shipped, *each) for each in examples]
    assert any(hasattr(module, "inverse") for module in shipped.modules())
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, atol=0.01)


def test_every_answer_of_ours_stands_in_its_article() -> None:
    """Word for word; and no title names two articles."""
    titles = []
    for file in OURS:
        for title, text, asked in articles(WRITTEN / file):
            titles.append(title)
            for question, kind, answer in asked:
                assert (kind == "miss") == (answer == "-"), question
                items = [] if answer == "-" else answer.split(" || ")
                places = [text.find(item) for item in items]
                assert -1 not in places, question
    assert len(titles) == len(set(titles))


@pytest.fixture(scope="module")
def other_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny MPNet, whose word pieces are ours under other numbers, with other special tokens."""
    folder = tmp_path_factory.mktemp("mpnet")
    ours = json.loads((Path(find_weights(DEFAULT_MODEL)) / "tokenizer.json").read_text("utf-8"))
    special = {"[CLS]": "<s>", "[PAD]": "<pad>", "[SEP]": "</s>", "[MASK]": "<mask>"}
    first = [special[token] for token in special]
    rest = list(ours["model"]["vocab"])  # BERT's special tokens among them, as in all-mpnet-base-v2
    vocabulary = {token: i for i, token in enumerate(first + rest)}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}), "utf-8")
    config = MPNetConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    MPNetModel(config).save_pretrained(folder)
    return folder


def batch_of(*examples: Example) -> Batch:
    """Of these, in their order."""
    return collated(list(Encoder().rows(list(examples), random.Random(1))))  # noqa: S311


def test_an_example_in_tokens() -> None:
    """The question is nobody's mark, items are begun and gone on with, and no answer is the first token."""
    text = "Ann Lee opened the bridge."
    batch = batch_of(Example("Who?", text, ((0, 7),)), Example("When?", text))
    assert batch.marks[0].tolist() == [IGNORED] * 4 + [BEGIN, INSIDE] + [OUTSIDE] * 5
    assert batch.spans.tolist() == [[4, 5], [0, 0]]
    assert set(batch.marks[1].tolist()) == {IGNORED, OUTSIDE}


def test_another_encoder_reads_our_tokens(other_encoder: Path) -> None:
    """By the word pieces, not by their numbers."""
    own = own_ids(other_encoder)
    tokenizer = Encoder()._tokenizer
    assert [own[tokenizer.token_to_id(token)] for token in ("[CLS]", "[PAD]", "[SEP]")] == [0, 1, 2]
    theirs = json.loads((other_encoder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    assert own[tokenizer.token_to_id("bridge")] == theirs["bridge"]
    batch = batch_of(Example("Who opened it?", "Ann Lee opened the bridge."))
    start, _, items, answers = Reader(other_encoder)(batch.ids, batch.mask, batch.kinds)
    assert start.shape == batch.ids.shape
    assert items.shape == (*batch.ids.shape, 3)
    assert answers.shape == (1,)


def test_a_reader_learns_from_its_teacher(other_encoder: Path) -> None:
    """It comes nearer to what the teacher holds likely."""
    torch.manual_seed(1)
    reader, teacher = Reader(other_encoder), Reader(other_encoder).eval()
    teacher.span.weight.data *= 20  # sure of something
    batch = batch_of(Example("Who?", "Ann Lee opened the bridge.", ((0, 7),)))

    def apart() -> float:
        with torch.no_grad():
            told, wanted = (each(batch.ids, batch.mask, batch.kinds)[0] for each in (reader, teacher))
        return float((told.softmax(-1) - wanted.softmax(-1)).abs().sum())

    optimizer, before = torch.optim.AdamW(reader.parameters(), lr=1e-2), apart()
    for _ in range(40):
        optimizer.zero_grad()
        loss_of(reader, batch, teacher).backward()
        optimizer.step()
    assert apart() < before / 2
