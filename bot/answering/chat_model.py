"""A chat model by way of LangChain: streamed, within time limits, tried again where that may help."""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from bot.answering.providers import KEYS, PACKAGES, callbacks, open_client

if TYPE_CHECKING:  # seconds of imports: only with a model
    from langchain_core.messages import AIMessageChunk

log = logging.getLogger(__name__)

Messages = Sequence[tuple[str, str]]
"""(role, text) of each message."""

_ATTEMPTS = 3
_PAUSE = 0.5  # seconds before the second attempt, twice as long before the third
_LONGEST = 12_000  # characters of an answer; a model that goes on and on is stopped
_TOO_MANY, _SERVER_ERROR = 429, 500
_CHARACTERS, _OF_A_MESSAGE = 4, 3  # of a token; tokens around a message's text
# in the metadata of an answer's last piece: without it the connection was closed too early
_ENDS = ("finish_reason", "stop_reason", "done", "status")


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
        self._client = open_client(name, url, options or {})
        self._callbacks = callbacks()
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
                            raise TimeoutError from error
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
                log.warning("the provider refuses the key: check %s", KEYS.get(self._provider, "its key"))
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
