"""Prompts and models on the same passages, side by side."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import ScriptedModel, answer, open_fake, store_all, write
from rich.console import Console

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.answering.datatypes import Dropped, Generated
from bot.answering.generating import Generator
from bot.answering.support import CitationCheck
from bot.settings import ChatSettings
from bot.terminal.compare import answers_by, opener, side_by_side
from bot.terminal.differences import differences
from prompts import Prompts
from vectorstore.datatypes import UserError

FERRY = "The new ferry opens in May. It was built by Anna Berg in Hamburg. Tickets cost five euros."


@pytest.fixture
def chain(tmp_path: Path, answerer: BuiltIn) -> Chain:
    """The built-in answerer over one article, with two prompts."""
    library = open_fake(tmp_path / "data")
    store_all(library, write(tmp_path / "articles", ferry=FERRY))
    shipped = Prompts()
    folder = tmp_path / "prompts"
    folder.mkdir()
    for name in ("abstain", "answer", "condense"):
        prompt = shipped.load(name)
        text = f"---\nvariables: {', '.join(prompt.variables)}\n---\n{prompt.user}"
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    terse = (folder / "answer.md").read_text(encoding="utf-8") + "\nBe terse."
    (folder / "terse.md").write_text(terse, encoding="utf-8")
    return Chain(library, Prompts(folder), answerer)


def with_model(chain: Chain, says: Callable[[str], str]) -> Chain:
    """The same with a scripted chat model."""
    check = CitationCheck(lambda: chain.built_in.reader)
    return replace(chain, generator=Generator(ScriptedModel("fake:one", says), chain.prompts, check))


def by_prompt(prompt: str) -> str:
    """A model that does what it is told."""
    return "May. [1]" if "Be terse." in prompt else "The new ferry opens in May. [1]"


def test_all_answer_from_the_passages_that_were_retrieved_once(chain: Chain) -> None:
    """Even when the article is gone before they are asked."""
    chain = with_model(chain, by_prompt)
    asked = chain.retrieve("When does the ferry open?")
    assert chain.library.store.remove(asked.passages[0].article.source)
    answers = answers_by(["builtin", "answer", "terse"], chain, asked, opener(ChatSettings(), chain))
    assert [name for name, _ in answers] == ["builtin", "answer", "terse"]
    assert ["May" in a.text for _, a in answers] == [True] * 3, answers
    assert [a.answerer for _, a in answers] == ["builtin", "fake:one", "fake:one"]
    assert answers[1][1].text.startswith("The new ferry opens in May")
    assert answers[2][1].text.startswith("May")
    assert len({a.trace.passages for _, a in answers}) == 1


def test_a_model_is_set_up_once_and_keeps_its_prompt(chain: Chain) -> None:
    """`model@prompt`, and a model alone with the prompt in force."""
    open_ = opener(ChatSettings(), with_model(chain, by_prompt))
    with_prompt, alone = open_("fake:one@terse"), open_("fake:one")
    assert with_prompt is not None
    assert alone is not None
    assert with_prompt.model is alone.model
    assert (with_prompt.prompt, alone.prompt) == ("terse", "answer")
    assert open_("builtin") is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "there is no prompt 'nonsense'"),
        ("fake:one@nonsense", "there is no prompt 'nonsense'"),
        ("abstain", "variables of the front matter"),
        ("nobody:model", "no provider is called 'nobody'"),
    ],
    ids=["prompt", "prompt-of-a-model", "not-for-answers", "provider"],
)
def test_a_name_that_cannot_be_opened_is_told_before_anything_is_asked(
    chain: Chain, name: str, message: str
) -> None:
    """In one line that says what there is."""
    chain = with_model(chain, lambda _: pytest.fail("asked"))
    with pytest.raises(UserError, match=message):
        answers_by(["answer", name], chain, chain.retrieve("When?"), opener(ChatSettings(), chain))


def test_a_prompt_alone_needs_a_model(chain: Chain) -> None:
    """And the message says how to give one."""
    with pytest.raises(UserError, match="set LLM"):
        opener(ChatSettings(LLM=None), chain)("terse")


def test_words_that_a_text_has_for_itself_are_marked() -> None:
    """In the order of the text, whatever ends the sentence."""
    assert differences(["It opens in May.", "It opens, I think, in May, at noon"]) == [
        (("It opens in May.", False),),
        (("It opens,", False), ("I think,", True), ("in May,", False), ("at noon", True)),
    ]


def test_three_texts_share_only_what_is_in_all_of_them() -> None:
    """Not what two of them have."""
    assert differences(["a b c", "a b d", "a c"]) == [
        (("a", False), ("b c", True)),
        (("a", False), ("b d", True)),
        (("a", False), ("c", True)),
    ]


def test_an_empty_text_differs_in_everything() -> None:
    """And has nothing to mark itself."""
    assert differences(["a b", ""]) == [(("a b", True),), ()]


def printed(width: int, *, terminal: bool) -> str:
    """Two answers side by side."""
    first = answer("It opens in May. [1]")
    generated = Generated(
        model="fake:one",
        prompt="terse",
        prompt_hash="0" * 12,
        raw="",
        dropped=(Dropped(text="It is \x1b[2Jred.", reason="no citation"),),
        tokens_in=900,
        tokens_out=30,
        cost=0.0012,
        first_token=0.1,
        seconds=0.2,
    )
    second = replace(
        answer("It opens at noon. [1]"), trace=replace(first.trace, generated=generated), note="Slow."
    )
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal)
    side_by_side([("builtin", first), ("fake:one@[b]terse", second)], console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 40], ids=["beside", "below"])
def test_side_by_side_is_readable_in_a_pipe(width: int) -> None:
    """No line is too long, nothing steers, differences stand between asterisks."""
    text = printed(width, terminal=False)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    for part in (
        "*in May.*",
        "*at noon.*",
        "fake:one@[b]terse",
        "Ferry",
        "900 + 30 tokens",
        "0.0012",
        "Slow.",
    ):
        assert part in text, part
    assert ("terse" in text.splitlines()[0]) is (width == 80)


def test_differences_are_coloured_on_a_terminal() -> None:
    """And what a model wrote cannot steer it."""
    text = printed(80, terminal=True)
    assert "*in May" not in text
    assert "\x1b[30;43min May." in text
    assert "\x1b[2J" not in text
