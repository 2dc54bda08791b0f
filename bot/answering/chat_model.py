"""A chat model by way of LangChain: streamed, within time limits, tried again where that may help."""

import asyncio
import importlib
import logging
import os
import random
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values

from vectorstore.datatypes import UserError

if TYPE_CHECKING:  # seconds of imports: only with a model
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk

log = logging.getLogger(__name__)

Messages = Sequence[tuple[str, str]]
"""(role, text) of each message."""

_ATTEMPTS = 3
_PAUSE = 0.5  # seconds before the second attempt, twice as long before the third
_LONGEST = 12_000  # characters of an answer; a model that goes on and on is stopped
_NOT_FOR_OTHERS = frozenset({"DISCORD_TOKEN", "DATABASE_URL"})
_TOO_MANY, _SERVER_ERROR = 429, 500
_CHARACTERS, _OF_A_MESSAGE = 4, 3  # of a token; tokens around a message's text
# in the metadata of an answer's last piece: without it the connection was closed too early
_ENDS = ("finish_reason", "stop_reason", "done", "status")

# provider -> what `pip install` needs; the same as the extras in pyproject.toml
PACKAGES = {
    "openai": "langchain-openai>=1,<2",
    "ollama": "langchain-ollama>=1,<2",
    "anthropic": "langchain-anthropic>=1,<2",
    "google_genai": "langchain-google-genai>=4,<5",
    "mistralai": "langchain-mistralai>=1,<2",
}
_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
}
# Clients would try again by themselves, unseen by our time limits; Google's counts the first attempt, too.
# A local model that thinks before it answers would seldom say a word in time.
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "openai": {"max_retries": 0},
    "ollama": {"reasoning": False},
    "anthropic": {"max_retries": 0},
    "google_genai": {"max_retries": 1},
    "mistralai": {"max_retries": 0},
}
_OPEN_TELEMETRY = tuple(
    f"{owner}_{name}"
    for owner in ("LANGSMITH", "LANGCHAIN")
    for name in ("OTEL_ENABLED", "OTEL_ONLY", "TRACING_MODE")
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took."""

    tokens_in: int
    tokens_out: int
    first_token: float  # seconds; 0 if none came
    seconds: float


class ModelError(Exception):
    """A chat model that gave no whole answer. The text may be shown: it holds nothing that a server said."""

    def __init__(self, reason: str, usage: Usage) -> None:
        super().__init__(reason)
        self.usage = usage  # what it took all the same


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer may take, in seconds, all attempts together."""

    first_token: float = 15.0
    whole: float = 40.0


class ChatModel:
    """`provider:model`, asked from any thread. Raises UserError when it cannot be set up."""

    def __init__(
        self,
        name: str,
        *,
        url: str | None = None,
        options: Mapping[str, Any] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self.patience = patience or Patience()
        self._provider = name.partition(":")[0]
        self._client = _client(name, url, options or {})
        self._callbacks = _callbacks()
        self._loop = _loop()

    def stream(
        self, messages: Messages, on_text: Callable[[str], None], patience: Patience | None = None
    ) -> Usage:
        """Ask, and tell each piece of the answer as it comes. Raises ModelError unless it comes to its end.

        The model is talked to on an event loop, where a hanging connection can be given up.
        """
        pieces: SimpleQueue[str | None] = SimpleQueue()
        talk = self._talk(_Heard(messages, pieces.put), patience or self.patience)
        talking = asyncio.run_coroutine_threadsafe(talk, self._loop)
        talking.add_done_callback(lambda _: pieces.put(None))
        try:
            while (piece := pieces.get()) is not None:
                on_text(piece)
        finally:
            talking.cancel()
        return talking.result()

    # ---- inside

    async def _talk(self, heard: "_Heard", patience: Patience) -> Usage:
        now = asyncio.get_running_loop().time
        whole_by = now() + patience.whole
        first_by = min(now() + patience.first_token, whole_by)
        attempt = 1
        try:
            async with asyncio.timeout_at(first_by) as limit:
                while True:
                    try:
                        await self._listen(heard, limit, whole_by)
                        return heard.usage()
                    except Exception as error:
                        if limit.expired():
                            raise
                        pause = _pause(error, attempt)
                        in_time = attempt < _ATTEMPTS and now() + pause < first_by
                        if heard.characters or not in_time or not _passes(error):
                            raise self._failed(error, heard) from None
                        log.info("the chat model is tried again (%s)", _told(error))
                    await asyncio.sleep(pause)
                    attempt += 1
        except TimeoutError:
            if heard.characters > _LONGEST:
                return heard.usage()
            log.warning("the chat model took too long")
            raise ModelError("the chat model took too long", heard.usage()) from None

    async def _listen(self, heard: "_Heard", limit: asyncio.Timeout, whole_by: float) -> None:
        """One attempt, to its end."""
        stream: Any = self._client.astream(list(heard.messages), {"callbacks": self._callbacks})
        async with aclosing(stream):
            async for chunk in stream:
                if limit.expired():  # Python 3.11's wait_for, in clients, may swallow that we were cancelled
                    raise TimeoutError
                if heard.take(chunk):  # only a cancelled client closes its connection at once, so: no break
                    limit.reschedule(0 if heard.characters > _LONGEST else whole_by)
        if not heard.ended and self._provider in PACKAGES:  # of others we do not know how they end
            raise ConnectionError

    def _failed(self, error: Exception, heard: "_Heard") -> ModelError:
        """What may be told of an error: never its own text, which may hold a key or an article."""
        log.warning("the chat model failed (%s)", _told(error))
        reason = "the chat model cannot be reached"
        match _status(error):
            case 400 | 422:
                log.warning("the provider refuses the request: check LLM and BOT_LLM_OPTIONS")
            case 401 | 403:
                log.warning("the provider refuses the key: check %s", _KEYS.get(self._provider, "its key"))
            case 404:
                log.warning("the provider does not know the model: check LLM and BOT_LLM_URL")
            case 429:
                reason = "the chat model is asked too much at the moment"
        return ModelError(reason, heard.usage() if heard.anything else Usage(0, 0, 0.0, heard.seconds()))


class _Heard:
    """What has come of an answer so far."""

    def __init__(self, messages: Messages, tell: Callable[[str], None]) -> None:
        self.messages = messages
        self.characters = 0
        self.anything = self.ended = False
        self._tell = tell
        self._began = time.perf_counter()
        self._first = 0.0
        self._tokens_in = self._tokens_out = 0

    def take(self, chunk: "AIMessageChunk") -> str:
        """Pass on the text of the next piece, and give it."""
        text = str(chunk.text)
        if text and not self.characters:
            self._first = self.seconds()
        if text and self.characters <= _LONGEST:
            self._tell(text)
        self.anything = True
        self.characters += len(text)
        self.ended = self.ended or any(chunk.response_metadata.get(end) for end in _ENDS)
        if used := chunk.usage_metadata:
            self._tokens_in += used["input_tokens"]
            self._tokens_out += used["output_tokens"]
        return text

    def seconds(self) -> float:
        """Since it was asked for."""
        return time.perf_counter() - self._began

    def usage(self) -> Usage:
        """What it took: as the server counts, else as we estimate."""
        estimated = _OF_A_MESSAGE + self.characters // _CHARACTERS
        return Usage(
            self._tokens_in or tokens(self.messages),
            self._tokens_out or estimated,
            self._first,
            self.seconds(),
        )


def tokens(messages: Messages) -> int:
    """About how many tokens messages have: no provider's own count can be had without its tokenizer."""
    return sum(_OF_A_MESSAGE + len(text) // _CHARACTERS for _, text in messages)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Of all chat models: clients share their connections, and a connection belongs to one loop."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=_run, args=(loop,), name="chat models", daemon=True).start()
    return loop


def give_up() -> None:
    """Stop waiting for what chat models have not said yet: the end of a process waits for its threads."""
    if _loop.cache_info().currsize:
        _loop().call_soon_threadsafe(_loop().stop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    # who waits for a model hears that it was given up; when the loop is closed, nobody can ask one more
    talks = asyncio.all_tasks(loop)
    for talk in talks:
        talk.cancel()
    loop.run_until_complete(asyncio.gather(*talks, return_exceptions=True))
    loop.close()


def _holders(error: BaseException | None) -> Iterator[Any]:
    """Where a provider's error may keep status and headers: itself, its response, and what caused it."""
    while error is not None:
        yield error
        yield getattr(error, "response", None)
        error = error.__cause__


def _status(error: Exception) -> int | None:
    """The HTTP status of a provider's error."""
    for holder in _holders(error):
        for name in ("status_code", "code", "status"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and value >= 400:  # Ollama's client says -1 where there is none
                return value
    return None


def _passes(error: Exception) -> bool:
    """Whether the same request may well succeed a moment later."""
    status = _status(error)
    if status is not None:
        return status in {408, 409, _TOO_MANY} or status >= _SERVER_ERROR
    kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
    return any(word in kinds for word in ("Connect", "Timeout", "Network", "RemoteProtocol", "Overloaded"))


def _pause(error: Exception, attempt: int) -> float:
    """Seconds to wait: what the server asks for, else longer each time."""
    for holder in _holders(error):
        try:
            return max(0.0, float(holder.headers["retry-after"]))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return _PAUSE * 2.0 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311


def _told(error: Exception) -> str:
    status = _status(error)
    return f"{type(error).__name__} {status}" if status else type(error).__name__


def _client(name: str, url: str | None, options: Mapping[str, Any]) -> "BaseChatModel":
    """LangChain's client for a model. Raises UserError saying what to change."""
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise UserError(f"LLM={name}: write provider:model, for example openai:gpt-5-mini or ollama:llama3.2")
    load_environment()
    from langchain.chat_models import init_chat_model  # noqa: PLC0415  (seconds of imports: only with a model)

    given = dict(_OPTIONS.get(provider, {}))
    if url:
        given["base_url"] = url
    if url and provider == "openai" and not os.environ.get("OPENAI_API_KEY"):
        given["api_key"] = "none"  # local servers ask for no key, and the client insists on one
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of options that it does not know: see below
            client: BaseChatModel = init_chat_model(model, model_provider=provider, **{**given, **options})
    except ImportError as error:
        found = re.search(r"pip install ([\w-]+)", str(error))
        package = PACKAGES.get(provider) or (found[1] if found else f"langchain-{provider}")
        raise UserError(f'LLM={name} needs a package: run {_python()} -m pip install "{package}"') from None
    except Exception as error:  # noqa: BLE001  (each provider has errors of its own for a missing key)
        if "Unsupported provider" in str(error):
            known = ", ".join(PACKAGES)
            raise UserError(f"LLM={name}: no provider is called {provider!r}; try {known}") from None
        key = _KEYS.get(provider)
        unset = f"set {key}, or " if key and not os.environ.get(key) else ""
        raise UserError(f"LLM={name} cannot be used: {unset}check BOT_LLM_URL and BOT_LLM_OPTIONS") from None
    fields = type(client).model_fields
    if unknown := options.keys() - fields.keys() - {field.alias for field in fields.values()}:
        raise UserError(f"BOT_LLM_OPTIONS: {provider} has no option {', '.join(sorted(unknown))}")
    return client


def _python() -> str:
    """The interpreter as it would be typed here."""
    python = Path(sys.executable)
    return str(python.relative_to(Path.cwd())) if python.is_relative_to(Path.cwd()) else str(python)


def load_environment() -> None:
    """Put what .env says for other libraries (keys, tracers) into the environment, where they look."""
    for name, value in dotenv_values(".env").items():
        if value and name not in _NOT_FOR_OTHERS:
            os.environ.setdefault(name, value)


def _callbacks() -> list[Any]:
    """Langfuse's tracer where its variables are set; LangSmith's comes by itself. Raises UserError."""
    for setting in _OPEN_TELEMETRY:
        if os.environ.get(setting, "").lower() in {"true", "1", "otel", "hybrid"}:
            # without the package LangSmith's client would send to LangSmith what is meant for somebody else
            _needed("opentelemetry.exporter.otlp.proto.http", "langsmith[otel]", setting)
    if not os.environ.get("LANGFUSE_PUBLIC_KEY"):
        return []
    return [_needed("langfuse.langchain", "langfuse", "LANGFUSE_PUBLIC_KEY").CallbackHandler()]


def _needed(module: str, package: str, setting: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UserError(
            f'{setting} is set: run {_python()} -m pip install "{package}", or unset it'
        ) from None
