"""The prompt lab: an answerer that can be changed by the piece, the last question, and the conversation."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dotenv import dotenv_values
from pydantic_settings import BaseSettings

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Asked, Chain, OnText, condense
from bot.answering.chat_model import Messages
from bot.answering.datatypes import Answer, Turn
from bot.answering.generating import Generator
from bot.settings import BotSettings, ChatSettings
from bot.terminal.compare import BUILT_IN, answers_by, opener
from prompts import Prompt, PromptError, Prompts
from prompts.settings import PromptsSettings
from vectorstore.datatypes import UserError
from vectorstore.library import Shelf
from vectorstore.settings import VectorstoreSettings

_REMEMBERED = 3  # turns: no more are looked at for a follow-up
_FEWEST, _MOST = 1, 50  # passages, as BOT_PASSAGES
_ANSWERS = frozenset({"passages", "question"})  # the variables of a prompt that answers
_UNTOLD = frozenset({"url", "options"})  # settings that may hold a password

Opener = Callable[[ChatSettings, Chain], Callable[[str], Generator | None]]
"""Gives what opens an answerer by its name; see `bot.terminal.compare.opener`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set in the environment and .env."""

    bot: BotSettings
    chat: ChatSettings
    prompts: PromptsSettings

    @classmethod
    def read(cls) -> "Settings":
        """As they are now."""
        return cls(BotSettings(), ChatSettings(), PromptsSettings())


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was chosen by hand, in place of what is set; None where nothing was."""

    library: str | None = None
    model: str | None = None  # or `builtin`
    prompt: str | None = None
    k: int | None = None


@dataclass(frozen=True, slots=True)
class Last:
    """A question with its passages, its answer, and the turns before it."""

    asked: Asked
    answer: Answer
    history: tuple[Turn, ...]


class Lab:
    """Answers as `chosen`, and otherwise as set. Every verb that fails leaves all as it was.

    The verbs raise UserError or PromptError, each with one line that says what to do.
    """

    def __init__(
        self, shelf: Shelf, built_in: BuiltIn, chosen: Chosen | None = None, opener: Opener = opener
    ) -> None:
        self._shelf, self._built_in, self._opener = shelf, built_in, opener
        self._chosen = chosen or Chosen()
        self._environment, self._dotenv = frozenset(os.environ), dotenv_values(".env")
        self._settings = Settings.read()
        self._chain = self._opened(self._settings)
        self._generator = self._chain.generator  # the last one, while the built-in answerer answers
        self._files = _files(self.prompts)
        self._answered_with: dict[str, str] = {}  # prompt -> its hash
        self._last: Last | None = None
        self.history: list[Turn] = []
        self.models = dict.fromkeys([BUILT_IN] if self._generator is None else [BUILT_IN, self.model])

    # ---- what there is

    @property
    def model(self) -> str:
        """`provider:model`, or `builtin`."""
        return self._chain.generator.model.name if self._chain.generator else BUILT_IN

    @property
    def prompt(self) -> str:
        """The name of the prompt that a chat model answers with."""
        return self._chosen.prompt or self._settings.chat.prompt

    @property
    def library(self) -> str:
        """Its name."""
        return self._chain.library.store.library

    @property
    def k(self) -> int:
        """How many passages are retrieved for a question."""
        return self._chain.k

    @property
    def prompts(self) -> Prompts:
        """The prompt files."""
        return self._chain.prompts

    @property
    def last(self) -> Last:
        """The last question and its answer. Raises UserError if there is none yet."""
        if self._last is None:
            raise UserError("there is no answer yet: ask a question first")
        return self._last

    def libraries(self) -> list[str]:
        """The libraries that exist."""
        return self._shelf.names()

    def answering(self) -> list[str]:
        """The prompts that a chat model can answer with."""
        return [name for name in self.prompts.names() if self._can_answer(name)]

    # ---- asking

    def ask(self, text: str, on_text: OnText | None = None) -> Answer:
        """The answer; the turn is remembered for the next question."""
        chain, history = self._chain, tuple(self.history)
        asked = chain.retrieve(text, history, condensed=condense(chain.generator, text, history))
        answer = chain.answer_from(asked, on_text=on_text)
        if (generated := answer.trace.generated) is not None:
            self._answered_with[generated.prompt] = generated.prompt_hash
        self._last = Last(asked, answer, history)
        self.history.append((asked.text, answer.text))
        del self.history[:-_REMEMBERED]
        return answer

    def forget(self) -> None:
        """Begin a new conversation."""
        self.history.clear()

    def changed_prompt(self) -> Prompt | None:
        """The prompt in use if its file is another than at the last answer. Raises PromptError if broken."""
        if self._chain.generator is None:
            return None
        prompt = self.prompts.load(self.prompt, _ANSWERS)
        return None if self._answered_with.get(prompt.name, prompt.hash) == prompt.hash else prompt

    def rendered(self) -> tuple[Messages, bool]:
        """The messages of the last question, and whether they are what the last answer was made from."""
        last, generator = self.last, self._chain.generator
        if generator is None:
            raise UserError("the built-in answerer is sent no prompt: choose a chat model with :model")
        generated = last.answer.trace.generated
        sent = generated is not None and (generated.model, generated.prompt, generated.prompt_hash) == (
            self.model,
            self.prompt,
            self.prompts.load(self.prompt, _ANSWERS).hash,
        )
        return generator.rendered(last.asked.standalone, last.asked.passages), sent

    def compare(self, names: Sequence[str]) -> list[tuple[str, Answer]]:
        """What several answerers make of the passages of the last question."""
        last = self.last
        if len(names) < 2:
            raise UserError(
                ":compare needs two or more prompts or models, for example :compare answer builtin"
            )
        return answers_by(names, self._chain, last.asked, self._open)

    # ---- choosing

    def use(self, name: str) -> Prompt:
        """Answer with another prompt."""
        prompt = self.prompts.load(name, _ANSWERS)
        if self._generator is not None:
            self._generator = replace(self._generator, prompt=name)
        if self._chain.generator is not None:
            self._chain = replace(self._chain, generator=self._generator)
        self._chosen = replace(self._chosen, prompt=name)
        return prompt

    def choose_model(self, name: str) -> None:
        """Answer with another chat model, or with the built-in answerer."""
        self._answer_with(self._open(f"{_model_name(name)}@{self.prompt}" if name != BUILT_IN else name))
        self._chosen = replace(self._chosen, model=name)
        self.models[name] = None

    def choose_library(self, name: str) -> None:
        """Answer from another library, in a new conversation."""
        self._chain = replace(
            self._chain,
            library=self._shelf.open(name, must_exist=True),
            threshold=self._settings.bot.threshold_of(name),
        )
        self._chosen = replace(self._chosen, library=name)
        self._last = None
        self.forget()

    def choose_k(self, number: str) -> None:
        """Retrieve more or fewer passages for the next question."""
        if not number.isdecimal() or not _FEWEST <= int(number) <= _MOST:
            raise UserError(f":k takes a number from {_FEWEST} to {_MOST}")
        self._chain = replace(self._chain, k=int(number))
        self._chosen = replace(self._chosen, k=int(number))

    # ---- files

    def file_of(self, name: str) -> Path:
        """A prompt's file, to be edited; a new name gets a copy of the prompt in use, and is in use then."""
        file = self.prompts.own(name)
        if name not in self.prompts.names():
            self.prompts.copy(self.prompt, name)
            self.use(name)
        elif not file.exists():  # one that comes with the program, edited in one's own folder
            self.prompts.copy(name, name)
        return file

    def check(self, name: str) -> Prompt:
        """A prompt, if it and those in use have no fault."""
        prompt = self.prompts.load(name, _ANSWERS if name == self.prompt else None)
        replace(self._chain, generator=self._chain.generator and replace(self._chain.generator))
        return prompt

    def reload(self) -> list[str]:
        """Read prompts and settings anew; gives a line for each that changed. What was chosen stays."""
        dotenv = dotenv_values(".env")
        for name in self._dotenv.keys() - self._environment:  # put there for the model's client
            os.environ.pop(name, None)
        settings = Settings.read()
        chain = self._opened(settings)
        files = _files(chain.prompts)
        told = [*_changes(self._settings, settings), *_other_changes(self._dotenv, dotenv)]
        told += _changed_files(self._files, files)
        self._settings, self._dotenv, self._files = settings, dotenv, files
        self._answer_with(chain.generator, chain)
        return told

    # ---- inside

    def _opened(self, settings: Settings) -> Chain:
        bot, chosen = settings.bot, self._chosen
        name = chosen.library or bot.library
        chain = Chain(
            self._shelf.open(name, must_exist=True),
            settings.prompts.prompts(),
            self._built_in,
            threshold=bot.threshold_of(name),
            k=chosen.k or bot.passages,
        )
        model = _model_name(chosen.model or settings.chat.model or BUILT_IN)
        if model == BUILT_IN:
            return chain
        prompt = chosen.prompt or settings.chat.prompt
        chat = settings.chat.model_copy(update={"prompt": prompt})
        return replace(chain, generator=self._opener(chat, chain)(f"{model}@{prompt}"))

    def _can_answer(self, name: str) -> bool:
        try:
            return self.prompts.load(name).variables == _ANSWERS
        except PromptError:
            return False

    def _open(self, name: str) -> Generator | None:
        chat = self._settings.chat.model_copy(update={"prompt": self.prompt})
        return self._opener(chat, replace(self._chain, generator=self._generator))(name)

    def _answer_with(self, generator: Generator | None, chain: Chain | None = None) -> None:
        self._chain = replace(chain or self._chain, generator=generator)
        self._generator = generator or self._generator


def _model_name(name: str) -> str:
    if name != BUILT_IN and not all(name.partition(":")):
        raise UserError(
            f"{name} is no model: write provider:model, for example ollama:llama3.2, or {BUILT_IN}"
        )
    return name


def _files(prompts: Prompts) -> dict[str, str]:
    """Prompt -> its hash, or what is wrong with it."""
    found = {}
    for name in prompts.names():
        try:
            found[name] = prompts.load(name).hash
        except PromptError as error:
            found[name] = str(error)
    return found


def _changed_files(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"prompt {name}: {before.get(name, 'not there')} → {after.get(name, 'not there')}"


def variables(settings: type[BaseSettings]) -> dict[str, str]:
    """Field -> the environment variable that sets it."""
    prefix = settings.model_config.get("env_prefix", "")
    return {
        name: str(field.validation_alias or f"{prefix}{name}").upper()
        for name, field in settings.model_fields.items()
    }


def _changes(before: Settings, after: Settings) -> Iterator[str]:
    """Settings of ours that changed."""
    pairs = ((before.bot, after.bot), (before.chat, after.chat), (before.prompts, after.prompts))
    for old, new in pairs:
        for name, variable in variables(type(old)).items():
            was, now = getattr(old, name), getattr(new, name)
            if was != now:
                yield f"{variable} changed" if name in _UNTOLD else f"{variable}: {was} → {now}"


def _other_changes(before: dict[str, str | None], after: dict[str, str | None]) -> Iterator[str]:
    """Lines of .env for others, such as keys: never what they say."""
    known = {v for s in (BotSettings, ChatSettings, PromptsSettings) for v in variables(s).values()}
    later = variables(VectorstoreSettings).values()
    for name in sorted((before.keys() | after.keys()) - known):
        if before.get(name) != after.get(name):
            yield f"{name} changed" + ("; it counts from the next start" if name in later else "")
