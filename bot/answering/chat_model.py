"""A chat model by way of LangChain: streamed, within time limits, tried again where that may help."""

import asyncio
import logging
import os
import random
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
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
# their clients would try again by themselves, unseen by our time limits
_TRIES_AGAIN = frozenset({"openai", "anthropic", "google_genai", "mistralai"})


class ModelError(Exception):
    """A chat model that gave no whole answer. The text may be shown: it holds nothing that a server said."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took."""

    tokens_in: int
    tokens_out: int
    first_token: float  # seconds
    seconds: float


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
        self._patience = patience or Patience()
        self._client = _client(name, url, options or {})
        self._callbacks = _callbacks()

    def stream(self, messages: Messages, on_text: Callable[[str], None]) -> Usage:
        """Ask, and tell each piece of the answer as it comes. Raises ModelError if it never ends.

        The model is talked to on an event loop of its own, where a hanging connection can be given up.
        """
        pieces: SimpleQueue[str | None] = SimpleQueue()
        talk = self._run(self._talk(messages, pieces))
        talk.add_done_callback(lambda _: pieces.put(None))
        try:
            while (piece := pieces.get()) is not None:
                on_text(piece)
        finally:
            talk.cancel()
        return talk.result()

    def close(self) -> None:
        """Stop the event loop, if it ever ran."""
        if "_loop" in self.__dict__:
            self._loop.call_soon_threadsafe(self._loop.stop)

    # ---- inside

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="chat model", daemon=True).start()
        return loop

    def _run(self, talk: Coroutine[Any, Any, Usage]) -> "Future[Usage]":
        return asyncio.run_coroutine_threadsafe(talk, self._loop)

    async def _talk(self, messages: Messages, pieces: "SimpleQueue[str | None]") -> Usage:
        began = time.perf_counter()
        first_by = asyncio.get_running_loop().time() + self._patience.first_token
        try:
            async with asyncio.timeout(self._patience.whole):
                for attempt in range(_ATTEMPTS):
                    try:
                        stream: Any = self._client.astream(list(messages), {"callbacks": self._callbacks})
                        async with asyncio.timeout_at(first_by):
                            chunk = await _first(stream)
                    except TimeoutError:
                        raise
                    except Exception as error:  # noqa: BLE001  (every provider has errors of its own)
                        pause = _pause(error, attempt)
                        late = asyncio.get_running_loop().time() + pause > first_by
                        if not _passes(error) or late or attempt == _ATTEMPTS - 1:
                            raise self._failed(error) from None
                        log.info("the chat model is tried again (%s)", _told(error))
                        await asyncio.sleep(pause)
                    else:
                        return await self._rest(messages, stream, chunk, pieces, began)
        except TimeoutError:
            log.warning("the chat model took too long")
            raise ModelError("the chat model took too long") from None
        raise AssertionError("an attempt returns or raises")

    async def _rest(
        self,
        messages: Messages,
        stream: AsyncGenerator["AIMessageChunk"],
        whole: "AIMessageChunk | None",
        pieces: "SimpleQueue[str | None]",
        began: float,
    ) -> Usage:
        """Pass on the text as it comes; gives what it took."""
        first = time.perf_counter() - began
        if whole is None:
            return Usage(tokens(messages), 0, first, first)
        pieces.put(str(whole.text))
        try:
            async with aclosing(stream):
                async for chunk in stream:
                    whole += chunk
                    pieces.put(str(chunk.text))
                    if len(whole.text) > _LONGEST:
                        break
        except Exception as error:  # noqa: BLE001  (as above; what was said so far is no answer)
            raise self._failed(error) from None
        told = whole.usage_metadata
        return Usage(
            told["input_tokens"] if told else tokens(messages),
            told["output_tokens"] if told else tokens([("assistant", str(whole.text))]),
            first,
            time.perf_counter() - began,
        )

    def _failed(self, error: Exception) -> ModelError:
        """What may be told of an error: never its own text, which may hold a key or an article."""
        log.warning("the chat model failed (%s)", _told(error))
        match _status(error):
            case 401 | 403:
                provider = self.name.partition(":")[0]
                log.warning("the chat model refuses the key: check %s", _KEYS.get(provider, "its key"))
            case 404:
                log.warning("the provider does not know the model: check LLM")
            case 429:
                return ModelError("the chat model is asked too much at the moment")
        return ModelError("the chat model cannot be reached")


def tokens(messages: Messages) -> int:
    """About how many tokens messages have: no provider's own count can be had without its tokenizer."""
    return sum(_OF_A_MESSAGE + len(text) // _CHARACTERS for _, text in messages)


async def _first(stream: AsyncGenerator["AIMessageChunk"]) -> "AIMessageChunk | None":
    """All up to the first text; the whole of an answer that has none."""
    whole: AIMessageChunk | None = None
    async for chunk in stream:
        whole = chunk if whole is None else whole + chunk
        if whole.text:
            break
    return whole


def _status(error: Exception) -> int | None:
    """The HTTP status of a provider's error, wherever it keeps it."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "code", "status"):
            if isinstance(value := getattr(holder, name, None), int):
                return value
    return None


def _passes(error: Exception) -> bool:
    """Whether the same request may well succeed a moment later."""
    status = _status(error)
    if status is not None:
        return status in {408, 409, _TOO_MANY} or status >= _SERVER_ERROR
    return any(part in type(error).__name__ for part in ("Connect", "Timeout", "Network", "RemoteProtocol"))


def _pause(error: Exception, attempt: int) -> float:
    """Seconds to wait: what the server asks for, else longer each time."""
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    try:
        asked = float(headers["retry-after"])
    except (KeyError, TypeError, ValueError):
        return _PAUSE * 2.0**attempt * random.uniform(0.75, 1.25)  # noqa: S311
    return max(0.0, asked)


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

    given: dict[str, Any] = {"max_retries": 0} if provider in _TRIES_AGAIN else {}
    given |= {"base_url": url} if url else {}
    try:
        client: BaseChatModel = init_chat_model(model, model_provider=provider, **{**given, **options})
    except ImportError:
        package = PACKAGES.get(provider, f"langchain-{provider.replace('_', '-')}")
        raise UserError(f'LLM={name} needs a package: run {_python()} -m pip install "{package}"') from None
    except ValueError as error:  # an unknown provider, or settings that its client refuses; pydantic's is one
        if "nsupported" in str(error):
            raise UserError(
                f"LLM={name}: no provider is called {provider!r}; try {', '.join(PACKAGES)}"
            ) from None
        raise UserError(_refused(name, provider)) from None
    except Exception:  # noqa: BLE001  (a key that is missing: each provider has an error of its own)
        raise UserError(_refused(name, provider)) from None
    return client


def _refused(name: str, provider: str) -> str:
    key = _KEYS.get(provider)
    unset = f"set {key}, or " if key and not os.environ.get(key) else ""
    return f"LLM={name} cannot be used: {unset}check BOT_LLM_URL and BOT_LLM_OPTIONS"


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
    """Langfuse's tracer where its variables are set; LangSmith's and OpenTelemetry's come by themselves."""
    if not os.environ.get("LANGFUSE_PUBLIC_KEY"):
        return []
    try:
        from langfuse.langchain import CallbackHandler  # noqa: PLC0415
    except ImportError:
        raise UserError(
            f"LANGFUSE_PUBLIC_KEY is set: run {_python()} -m pip install langfuse, or unset it"
        ) from None
    return [CallbackHandler()]
