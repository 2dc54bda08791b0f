"""What the training scripts do to the reader beside training it: it must stay the same reader."""

import json
import random
import re
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from transformers import MPNetConfig, MPNetModel

from bot.answering.reader import MODEL
from training.examples import Example, cropped
from training.export_reader import inputs, smooth
from training.rows import BEGIN, IGNORED, INSIDE, OUTSIDE, Batch, Encoder, collated
from training.shipped import weights_of
from training.sources import OURS, WRITTEN, articles, place
from training.train_reader import Reader, Teaching, loss_of, own_ids
from vectorstore.model_files import DEFAULT_MODEL, find_weights
from vectorstore.serving import open_session


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
                assert all(part in text for item in items for part in item.split(" >> ")), question
                spans = [place(text, item) for item in items]
                assert len(set(spans)) == len(spans), question
    assert len(titles) == len(set(titles))


def test_an_answer_is_told_by_what_stands_before_it() -> None:
    """As whole words where they stand somewhere, after the anchor where there is one."""
    text = "2024: Ann 4, Bob 4."
    assert place(text, "4") == (10, 11)
    assert place(text, "Bob >> 4") == (17, 18)
    assert place(text, "24") == (2, 4)
    with pytest.raises(ValueError, match="substring"):
        place(text, "Eve >> 4")


def test_a_cropped_passage_keeps_its_answers_and_who_speaks() -> None:
    """Of a negative at least half is left; of others the answer, two sentences before it and one after it."""
    sentences = [f"Here is sentence number {number}." for number in range(9)]
    passage = " ".join(sentences)
    answer = place(passage, "number 5")
    kept = set()
    for seed in range(60):
        chance = random.Random(seed)  # noqa: S311
        example = cropped(Example("Which?", passage, (answer,)), chance)
        (span,) = example.answers
        assert example.passage[slice(*span)] == "number 5"
        assert all(sentence in example.passage for sentence in sentences[3:7])
        kept.add(example.passage)
        negative = cropped(Example("Which?", passage), chance)
        assert negative.passage in passage
        assert sum(sentence in negative.passage for sentence in sentences) >= 5
    assert len(kept) > 10
    nowhere = Example("Which?", passage, ((-1, -1),))  # as some answers of the question files are
    assert cropped(nowhere, random.Random(1)) == nowhere  # noqa: S311


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
    torch.manual_seed(1)
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


@pytest.mark.parametrize("seed", range(3))
def test_a_reader_learns_from_its_teacher(other_encoder: Path, seed: int) -> None:
    """It comes to hold likely what the teacher does, which is not what the example says."""
    batch = batch_of(Example("Who?", "Ann Lee opened the bridge.", ((0, 7),)))
    wanted = torch.nn.functional.one_hot(torch.tensor([7]), batch.ids.shape[1]) * 10.0

    class Sure:
        """A teacher that finds it likely whatever it is given, and has the vectors of `hidden`."""

        def encoded(self, ids: torch.Tensor, _mask: torch.Tensor, _kinds: torch.Tensor) -> torch.Tensor:
            return torch.zeros(*ids.shape, 8)

        def heads(self, hidden: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return wanted, wanted, torch.zeros(*hidden.shape[:2], 3), torch.zeros(len(hidden))

    def likely(teaching: Teaching | None) -> float:
        torch.manual_seed(seed)
        reader = Reader(other_encoder)
        optimizer = torch.optim.AdamW(reader.parameters(), lr=1e-2)
        for _ in range(40):
            optimizer.zero_grad()
            loss_of(reader, batch, teaching).backward()
            optimizer.step()
        with torch.no_grad():
            start = reader(batch.ids, batch.mask, batch.kinds)[0]
        return float(start[batch.kinds == 1].softmax(-1)[7 - 4])

    assert likely(None) < 0.1
    assert likely(Teaching(cast("Reader", Sure()), torch.nn.Linear(16, 8), closeness=0.0)) > 0.5


def test_a_reader_comes_near_its_teachers_vectors(other_encoder: Path) -> None:
    """By their projection, as long as that counts; one that is left alone does not."""
    batch = batch_of(Example("Who?", "Ann Lee opened the bridge.", ((0, 7),)))
    torch.manual_seed(5)
    teacher = Reader(other_encoder).eval()
    with torch.no_grad():
        teacher.encoder.encoder.layer[0].output.LayerNorm.weight.normal_()
        theirs = teacher.encoded(batch.ids, batch.mask, batch.kinds)[0]
    theirs = (theirs - theirs.mean(0)) / theirs.std(0)

    def distance(closeness: float) -> float:
        torch.manual_seed(6)
        reader = Reader(other_encoder)
        teaching = Teaching(teacher, torch.nn.Linear(16, 16), closeness)
        learned = [*reader.parameters(), *teaching.projection.parameters()]
        optimizer = torch.optim.AdamW(learned, lr=1e-2)
        for _ in range(40):
            optimizer.zero_grad()
            loss_of(reader, batch, teaching).backward()
            optimizer.step()
        with torch.no_grad():
            ours = teaching.projection(reader.encoded(batch.ids, batch.mask, batch.kinds))[0]
        return float(torch.nn.functional.mse_loss(ours, theirs))

    assert distance(1.0) < 0.2
    assert distance(0.0) > 0.8


@pytest.mark.parametrize(
    "form",
    [
        r"\b(?:did|does|do|has)\b.*\b(?:say|said|think|tell|write)\b.*\b(?:about|abt|of|on)\b",
        r"^(?:according to|in .* view)\b",
        r"^how (?:many|much)\b",
        *(
            rf"^{word}\b"
            for word in ("who", "when", "where", "why", "which", "what", "how", "is|are|was|do|does")
        ),
    ],
)
def test_no_form_of_question_tells_that_there_is_no_answer(form: str) -> None:
    """Of our questions "what did X say about Y" 75 % had none, and the reader learned the form, not the text."""
    wanted = re.compile(form, re.IGNORECASE)
    questions = [
        asked for file in OURS for _, _, questions in articles(WRITTEN / file) for asked in questions
    ]
    answers = [answer for question, _, answer in questions if wanted.search(question)]
    assert len(answers) > 100
    assert answers.count("-") < 0.55 * len(answers)
