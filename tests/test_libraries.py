"""Two libraries and a chat model: which is asked first, when the other, and when none."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import ScriptedModel, open_fake, store_all, write

from bot.answering.budget import Budget, Limits
from bot.answering.builtin import BuiltIn
from bot.answering.chat_model import Messages, ModelError, Usage
from bot.answering.datatypes import Answer
from bot.answering.generating import Generator
from bot.answering.support import CitationCheck
from bot.libraries import Inquiry, Libraries, own_library
from bot.settings import BotSettings
from prompts import Prompts
from vectorstore.datatypes import NoArticlesError
from vectorstore.library import Library
from vectorstore.retrieval import Hands
from vectorstore.settings import VectorstoreSettings

GUILD = 7
SHARED = "The ferry\n\nThe ferry to the island of Orr opens in May.\n"
OWN = "The garden show\n\nThe garden show in Farwell was opened by Ann Lee.\n"
FERRY, GARDEN = "When does the ferry to the island of Orr open?", "Who opened the garden show in Farwell?"


class FakeShelf:
    """Libraries that embed with the fake."""

    def __init__(self, data: Path) -> None:
        self.settings = VectorstoreSettings(data=data)

    def open(self, name: str, *, hands: Hands | None = None) -> Library:
        """A library, maybe an empty one."""
        return open_fake(self.settings.data, name)


@pytest.fixture
def shelf(tmp_path: Path) -> FakeShelf:
    """A shared library on a ferry, and a server's own on a garden show."""
    made = FakeShelf(tmp_path / "data")
    for name, text in (("default", SHARED), (own_library(GUILD), OWN)):
        library = made.open(name)
        store_all(library, write(tmp_path / name, article=text))
        library.connection.close()
    return made


def reads(messages: Messages) -> str:
    """A model that quotes the sentence on what is asked, or says that there is none."""
    (passages, question) = messages[-1][1].split("Question: ")
    topic = "ferry" if "ferry" in question else "garden show"
    found = re.search(rf"The {topic} [^.\n]+\.", passages)
    return f"{found.group().rstrip('.')} [1]." if found else "UNKNOWN"


def fails(_: Messages) -> str:
    """A model that cannot be reached."""
    raise ModelError("the chat model cannot be reached", Usage(0, 0, 0.0, 0.0))


def opened(
    shelf: FakeShelf, answerer: BuiltIn, says: Callable[[Messages], str], limits: Limits | None = None
) -> tuple[Libraries, ScriptedModel]:
    """The libraries with a chat model."""
    model = ScriptedModel("fake:model", says)
    prompts = Prompts()
    check = CitationCheck(lambda: answerer.reader)
    generator = Generator(model, prompts, check, budget=Budget(limits))  # type: ignore[arg-type]
    libraries = Libraries(shelf, prompts, BotSettings(), built_in=answerer, generator=generator)  # type: ignore[arg-type]
    return libraries, model


def ask(
    libraries: Libraries, question: str, *, guild: int | None = GUILD, sure: float | None = None
) -> Answer:
    """The answer to a member of the server."""
    return libraries.answer(Inquiry(question=question, member=1, guild=guild, sure=sure))


@pytest.mark.parametrize(
    ("question", "library", "told"),
    [(FERRY, "default", "opens in May"), (GARDEN, own_library(GUILD), "Ann Lee")],
    ids=["shared", "own"],
)
def test_the_library_that_is_nearer_is_asked_first(
    shelf: FakeShelf, answerer: BuiltIn, question: str, library: str, told: str
) -> None:
    """And if it answers, the model is asked once."""
    libraries, model = opened(shelf, answerer, reads)
    answer = ask(libraries, question)
    assert (answer.library, answer.answerer) == (library, "fake:model")
    assert told in answer.text
    assert len(model.asked) == 1


def test_the_other_library_is_asked_where_the_nearer_does_not_answer(
    shelf: FakeShelf, answerer: BuiltIn
) -> None:
    """The words are those of the garden show, the fact is the ferry's."""
    libraries, model = opened(
        shelf, answerer, lambda m: "The ferry opens in May [1]." if "ferry" in m[-1][1].split("Question")[0] else "UNKNOWN"
    )  # fmt: skip
    answer = ask(libraries, "What opens in May in Farwell, where the garden show was opened?")
    assert answer.library == "default"
    assert "May" in answer.text
    assert len(model.asked) == 2


def test_what_neither_answers_is_an_abstention(shelf: FakeShelf, answerer: BuiltIn) -> None:
    """Without a note: the model has done its work."""
    libraries, model = opened(shelf, answerer, lambda _: "UNKNOWN")
    answer = ask(libraries, FERRY)
    assert answer.abstained
    assert answer.note == ""
    assert len(model.asked) == 2


def test_where_the_model_fails_the_better_built_in_answer_is_given(
    shelf: FakeShelf, answerer: BuiltIn
) -> None:
    """Of both libraries, with a line that says so."""
    libraries, _ = opened(shelf, answerer, fails)
    answer = ask(libraries, GARDEN)
    assert (answer.library, answer.answerer) == (own_library(GUILD), "builtin")
    assert "Ann Lee" in answer.text
    assert answer.note == "The chat model cannot be reached; this is the built-in answer."


def test_a_model_that_has_taken_long_is_not_asked_again(shelf: FakeShelf, answerer: BuiltIn) -> None:
    """The built-in answerer answers from the other library, and from both after a slow condensing."""

    def slowly(_: Messages) -> str:
        libraries.patience = -1.0
        return "UNKNOWN"

    libraries, model = opened(shelf, answerer, slowly)
    ask(libraries, GARDEN)
    assert len(model.asked) == 1
    answer = ask(libraries, GARDEN)
    assert len(model.asked) == 1
    assert "Ann Lee" in answer.text
    assert answer.note == "The chat model took too long; this is the built-in answer."


def test_no_server_reads_what_another_has_added(shelf: FakeShelf, answerer: BuiltIn) -> None:
    """The model is shown the shared passages alone; so in a direct message."""
    for guild in (8, None):
        libraries, model = opened(shelf, answerer, reads)
        assert ask(libraries, GARDEN, guild=guild).abstained
        assert all("Ann Lee" not in text for messages in model.asked for _, text in messages)


@pytest.mark.parametrize(
    ("question", "times"),
    [(FERRY, 1), ("What do the boats in the harbour weigh?", 0)],
    ids=["sure", "unsure"],
)
def test_nobody_pays_for_questions_that_nobody_asked(
    shelf: FakeShelf, answerer: BuiltIn, question: str, times: int
) -> None:
    """The built-in answerer says whether to speak, the model how."""
    libraries, model = opened(shelf, answerer, reads)
    answer = ask(libraries, question, sure=0.4)
    assert len(model.asked) == times
    assert answer.answerer == ("fake:model" if times else "builtin")


def test_a_follow_up_is_condensed_once_for_both(shelf: FakeShelf, answerer: BuiltIn) -> None:
    """And charged to the server that asks."""
    libraries, model = opened(
        shelf, answerer, lambda m: FERRY if "Follow-up question:" in m[-1][1] else reads(m), Limits(tokens_per_server=50_000)
    )  # fmt: skip
    history = [("Is there a ferry to the island of Orr?", "Yes.")]
    answer = libraries.answer(
        Inquiry(question="And when does it open?", history=history, member=1, guild=GUILD)
    )
    assert answer.library == "default"
    assert len(model.asked) == 2
    spent = re.fullmatch(r"([\d,]+) of 50,000 tokens", libraries.spent_today(GUILD))
    assert spent is not None
    assert int(spent.group(1).replace(",", "")) > 300
    assert libraries.spent_today(8) == "0 of 50,000 tokens"


def test_money_is_told_as_well(shelf: FakeShelf, answerer: BuiltIn) -> None:
    """And nothing where no server has a limit of its own."""
    libraries, _ = opened(shelf, answerer, reads, Limits(cost_per_server=1.5))
    assert libraries.spent_today(GUILD) == "0.00 of 1.50 in money"
    libraries, _ = opened(shelf, answerer, reads, Limits(tokens=9))
    assert libraries.spent_today(GUILD) == ""


def test_without_articles_the_model_is_not_asked(tmp_path: Path, answerer: BuiltIn) -> None:
    """There is nothing to read to it."""
    libraries, model = opened(FakeShelf(tmp_path / "data"), answerer, reads)
    with pytest.raises(NoArticlesError, match="/library add"):
        ask(libraries, FERRY)
    assert model.asked == []
