"""A chat model answers from passages: prompt, model, citation check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.answering.budget import Budget, LedgerError, Spent
from bot.answering.chat_model import ChatModel, Messages, ModelError, Patience, Usage, tokens
from bot.answering.datatypes import Generated, Turn
from bot.answering.support import Checked, CitationCheck
from bot.answering.untrusted import as_data, visible
from prompts import Prompt, Prompts
from vectorstore.datatypes import Passage
from vectorstore.embeddings import Embedder

_ANSWER, _CONDENSE = frozenset({"passages", "question"}), frozenset({"history", "question"})
_UNKNOWN = "UNKNOWN"  # what the prompt asks for where the passages do not answer
_LIKELY_OUT = 200  # tokens of an answer, reserved before it is written
_REMEMBERED = 3  # turns that a question is condensed with
_LONGEST_QUESTION = 400  # characters of a condensed one
_BUILT_IN = "; this is the built-in answer"


class NotGeneratedError(Exception):
    """The chat model's answer cannot be used; the text is a line for the reader."""

    def __init__(self, reason: str, generated: Generated | None = None) -> None:
        super().__init__(f"{reason[:1].upper()}{reason[1:]}{_BUILT_IN}.")
        self.generated = generated


@dataclass(frozen=True, slots=True)
class Written:
    """A chat model's answer, checked; without citations it says that the passages do not answer."""

    checked: Checked
    generated: Generated


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a million tokens, in any one currency."""

    tokens_in: float = 0.0
    tokens_out: float = 0.0

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Of so many tokens."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


@dataclass(frozen=True)
class Generator:
    """Answers with a chat model; `dataclasses.replace` makes one with another prompt or model."""

    model: ChatModel
    prompts: Prompts
    check: CitationCheck
    prompt: str = "answer"  # its file's name
    budget: Budget = field(default_factory=Budget)
    prices: Prices = Prices()

    def __post_init__(self) -> None:
        """Raises PromptError early, before anybody asks."""
        self._prompt()
        self.prompts.load("condense", _CONDENSE)

    def rendered(self, question: str, passages: Sequence[Passage]) -> Messages:
        """The messages exactly as they are sent."""
        return self._prompt().filled(passages=as_data(passages), question=visible(question))

    def generate(
        self,
        question: str,
        passages: Sequence[Passage],
        embedder: Embedder,
        *,
        account: str = "",
        on_text: Callable[[str], None] | None = None,
    ) -> Written:
        """The model's answer without what the passages do not support; `on_text` is told it as it grows.

        Raises NotGeneratedError where the model fails, its budget is used up, or nothing of it is supported.
        """
        prompt = self._prompt()
        messages = self.rendered(question, passages)
        checking = self.check.begin(question, passages, embedder)
        raw: list[str] = []
        told = ""

        def take(piece: str) -> None:
            nonlocal told
            raw.append(piece)
            supported = checking.feed(piece)
            if on_text is not None and supported != told and supported.startswith(told):
                told = supported
                on_text(supported)

        try:
            usage = self._ask(messages, account, take)
        except ModelError as error:
            raise NotGeneratedError(str(error), self._generated(prompt, raw, error.usage)) from None
        unknown = _says_unknown("".join(raw))
        checked = Checked("", (), (), 0.0) if unknown else checking.finish()
        generated = self._generated(prompt, raw, usage, checked)
        if not checked.citations and not unknown:
            raise NotGeneratedError("the chat model's answer was not supported by the articles", generated)
        return Written(checked, generated)

    def condense(self, question: str, history: Sequence[Turn], account: str = "") -> str:
        """A follow-up as it would be asked by itself; "" if the model cannot be asked, or does not do it."""
        turns = "\n".join(f"Question: {visible(q)}\nAnswer: {visible(a)}" for q, a in history[-_REMEMBERED:])
        messages = self.prompts.load("condense", _CONDENSE).filled(history=turns, question=visible(question))
        pieces: list[str] = []
        first = self.model.patience.first_token  # enough for one line, and all of it again is to follow
        try:
            self._ask(messages, account, pieces.append, Patience(first, first))
        except (ModelError, NotGeneratedError):
            return ""
        condensed = visible("".join(pieces)).strip()
        one_line = "\n" not in condensed and len(condensed) <= _LONGEST_QUESTION
        return condensed if one_line else ""

    # ---- inside

    def _prompt(self) -> Prompt:
        return self.prompts.load(self.prompt, _ANSWER)

    def _ask(
        self,
        messages: Messages,
        account: str,
        on_text: Callable[[str], None],
        patience: Patience | None = None,
    ) -> Usage:
        spent = likely = self._spent(tokens(messages), _LIKELY_OUT)
        try:
            day = self.budget.reserve(account, likely)
        except LedgerError as error:
            raise NotGeneratedError("what the chat model may cost cannot be looked up") from error
        if day is None:
            raise NotGeneratedError("the chat model's budget for today is used up")
        try:
            usage = self.model.stream(messages, on_text, patience)
            spent = self._spent(usage.tokens_in, usage.tokens_out)
        except ModelError as error:
            spent = self._spent(error.usage.tokens_in, error.usage.tokens_out)
            raise
        finally:
            self.budget.settle(day, account, likely, spent)
        return usage

    def _spent(self, tokens_in: int, tokens_out: int) -> Spent:
        return Spent(tokens_in + tokens_out, self.prices.cost(tokens_in, tokens_out))

    def _generated(
        self, prompt: Prompt, raw: list[str], usage: Usage, checked: Checked | None = None
    ) -> Generated:
        return Generated(
            model=self.model.name,
            prompt=prompt.name,
            prompt_hash=prompt.hash,
            raw="".join(raw),
            dropped=checked.dropped if checked else (),
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            cost=self.prices.cost(usage.tokens_in, usage.tokens_out),
            first_token=usage.first_token,
            seconds=usage.seconds,
        )


def _says_unknown(raw: str) -> bool:
    """Whether the model says, in one word, that the passages do not answer."""
    return "".join(filter(str.isalpha, raw)).upper() == _UNKNOWN
