"""Prompts and models on the same passages, side by side."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import ScriptedModel, answer, open_fake, reading, store_all, write
from lxml import html
from rich.console import Console

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.answering.datatypes import Dropped, Generated
from bot.answering.generating import Generator
from bot.answering.support import CitationCheck
from bot.settings import ChatSettings
from bot.terminal.compare import answers_by, opener, side_by_side
from bot.terminal.comparing import Comparison, Row, comparison_as_json, report_comparison, row
from bot.terminal.differences import differences
from bot.terminal.evaluate import Case, judged
from bot.terminal.reports import write_comparison
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
    return replace(chain, generator=Generator(ScriptedModel("fake:one", reading(says)), chain.prompts, check))


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
        (("It opens, ", False), ("I think, ", True), ("in May, ", False), ("at noon", True)),
    ]


def test_each_of_several_texts_is_set_against_the_one_most_like_it() -> None:
    """Whatever a third one says."""
    assert differences(["I do not know.", "It opens in May.", "It opens in June."]) == [
        (("I do not know.", False),),
        (("It opens in ", False), ("May.", True)),
        (("It opens in ", False), ("June.", True)),
    ]


def test_the_lines_of_a_list_stay_lines() -> None:
    """The pieces together are the text."""
    texts = ["- one [1]\n- two [2]\n", "- one [1]\n- three [2]"]
    assert ["".join(piece for piece, _ in pieces) for pieces in differences(texts)] == texts


@pytest.mark.parametrize("other", ["", "I could not find that in the articles."], ids=["empty", "another"])
def test_in_texts_that_share_hardly_anything_nothing_is_marked(other: str) -> None:
    """All of it would be."""
    assert differences(["It opens in May.", other]) == [(("It opens in May.", False),), ((other, False),)]


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


# ---- a question file


CASES = [
    Case(id="1", question="When does the ferry open?", gold_answers=("May",)),
    Case(id="2", question="Who won the football match?", answerable=False),
    Case(
        id="3",
        question="Where was it built?",
        gold_answers=("Hamburg",),
        history=(("Who built the ferry?", "Anna"),),
    ),
]


def compared(*texts: tuple[str, str]) -> Comparison:
    """Two answerers, by their answers to CASES; "" for an abstention."""
    rows = []
    for case, pair in zip(CASES, texts, strict=False):
        answers = [answer(text or "I do not know.", abstained=not text) for text in pair]
        rows.append(Row(tuple(judged(case, each) for each in answers)))
    return Comparison("ferry.jsonl", ("builtin", "fake:one@<i>"), tuple(rows), scored=True)


def test_all_are_asked_the_same_standalone_question(chain: Chain) -> None:
    """A follow-up is put into words without the model."""
    asked: list[str] = []

    def says(prompt: str) -> str:
        asked.append(prompt)
        return "It was built in Hamburg. [1]"

    chain = with_model(chain, says)
    found = row(["builtin", "answer"], chain, CASES[2], opener(ChatSettings(), chain))
    assert len({result.answer.trace.read_as for result in found.results}) == 1
    assert len(asked) == 1
    assert found.results[0].answer.trace.read_as in asked[0]
    assert "ferry" in found.results[0].answer.trace.read_as


def test_figures_and_answers_as_json() -> None:
    """One object for each answerer, in the order in which they were named."""
    told = json.loads(comparison_as_json(compared(("May", "June"), ("", "Nobody"), ("", ""))))
    assert [each["name"] for each in told] == ["builtin", "fake:one@<i>"]
    assert [(each["correct"], each["invented"], each["abstained_wrongly"]) for each in told] == [
        (2, 0, 1),
        (0, 1, 1),
    ]
    assert [each["verdict"] for each in told[1]["results"]] == ["wrong", "invented", "abstained wrongly"]


def test_a_question_alone_is_not_scored() -> None:
    """Nobody said what is right."""
    alone = replace(compared(("May", "June")), scored=False)
    told = json.loads(comparison_as_json(alone))
    assert [list(each) for each in told] == [["name", "results"]] * 2
    assert "correct" not in told[0]["results"][0]
    assert "wrong" not in reported(alone)


def reported(comparison: Comparison) -> str:
    """What `compare` prints into a pipe."""
    console = Console(file=io.StringIO(), width=80)
    report_comparison(comparison, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_is_answered_differently_is_shown_what_matters_first() -> None:
    """Below the figures; what all answer alike is not."""
    text = reported(compared(("It opens in May", "In May"), ("", "Nobody"), ("Hamburg", "Hamburg")))
    assert "correct" in text.splitlines()[1]
    assert "3 of 3 (1.000)" in text
    assert text.index("Who won") < text.index("When does")
    assert "Where was it built" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_page_shows_every_question_and_marks_the_differences(tmp_path: Path) -> None:
    """Filters by what differs and by what matters; figures as in the terminal; nothing is fetched."""
    comparison = compared(("It opens in May", "It opens in June"), ("", ""), ("Hamburg", "In Hamburg"))
    write_comparison(tmp_path / "c.html", comparison)
    tree = html.parse(tmp_path / "c.html").getroot()
    assert tree.xpath("//article/@data-is") == ["matters", "same", "differs"]
    assert [mark.text_content().strip() for mark in tree.xpath("//article[1]//mark")] == ["May", "June"]
    assert [b.text_content() for b in tree.findall(".//button")] == [
        "all (3)",
        "differing (2)",
        "one is right, another is not (1)",
    ]
    assert [th.text_content() for th in tree.xpath("//thead//th")] == ["", *comparison.names]
    figures = {tr[0].text_content(): [td.text_content() for td in tr[1:]] for tr in tree.xpath("//tbody/tr")}
    assert figures["correct"] == [each["correct"] for each in comparison.figures()]
    assert not tree.xpath("//i | //@src | //@href | //link")
