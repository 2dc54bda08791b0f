"""What the training scripts do to the reader beside training it: it must stay the same reader."""

import numpy as np
import pytest
import torch

from bot.answering.reader import MODEL, open_session
from training.examples import OURS, WRITTEN, articles
from training.export_reader import inputs, smooth
from training.shipped import weights_of
from training.train_reader import Reader


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
