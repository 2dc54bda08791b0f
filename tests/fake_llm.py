"""A loopback chat model server: OpenAI's and Ollama's wire formats, scripted, for the unmodified clients.

It keeps what it is asked, and answers each request by the next `Reply`, the last one again and again.
"""

import asyncio
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

Message = Mapping[str, Any]
Text = str | Callable[[Sequence[Message]], str]

WORDS, SENTENCES, AT_ONCE = r"\s*\S+", r"(?s)\s*.+?\[\d+\]\.", r"(?s).+"
"""How a text is cut into the pieces that it is sent in."""

_PASSAGE = re.compile(r'<passage number="(\d+)"[^>]*>\n(.*?)\n</passage>', re.DOTALL)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_ORDER = re.compile(
    r"\b(ignore|disregard|forget|instructions?|assistant|AI|system|you (?:must|are|will|should)|"
    r"reply|respond|answer|say|tell|write|print|output|repeat|include|append|add|mention|send|link)\b",
    re.IGNORECASE,
)
_WANTED = re.compile(r"[\"“”'‘«]([^\"“”'’»]{3,})[\"“”'’»]|:\s+(\S.*)|((?:https?://|www\.)\S+|<?@[!&\w]+>?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How one request is answered."""

    text: Text = ""
    pieces: str = WORDS
    pause: float = 0.0  # seconds before each piece
    status: int = 200
    retry_after: str = ""
    hang: str = ""  # "before" the headers, or "after" them: until the client leaves
    cut: str = ""  # the connection is closed halfway: "off", or "politely", as if that were all
    raw: bytes = b""  # sent in place of all pieces
    endless: bool = False  # the text again and again
    counts: bool = True  # of tokens are sent along, where they are asked for


@dataclass(frozen=True, slots=True)
class Request:
    """What the server was asked."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Of all messages."""
        return "\n".join(message["content"] for message in self.body["messages"])


@dataclass
class FakeLLM:
    """The server, in a thread of its own; use it as a context."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)  # transports that requests came over
    others: list[str] = field(default_factory=list)  # paths that are no chat: of tracers
    times: list[list[float]] = field(
        default_factory=list
    )  # of each request: it came, each piece went, it was done
    left: threading.Event = field(default_factory=threading.Event)  # a client left before the end

    def script(self, *replies: Reply | str) -> None:
        """Answer by these from now on."""
        self.replies = [Reply(text=each) if isinstance(each, str) else each for each in replies]

    @property
    def url(self) -> str:
        """For Ollama's client; OpenAI's wants `/v1` after it."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Listen."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # ---- inside

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_post("/api/chat", self._answer)
        app.router.add_route("*", "/{path:.*}", self._other)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]

    async def _other(self, request: web.Request) -> web.Response:
        self.others.append(request.path)
        await request.read()
        return web.json_response({})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(Request(request.path, dict(request.headers), body))
        self.connections.add(request.transport)
        times = [time.perf_counter()]
        self.times.append(times)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        wire = _openai if request.path.startswith("/v1") else _ollama
        try:
            if reply.hang == "before":
                await asyncio.Event().wait()
            if reply.status != 200:
                return _refusal(wire, reply, request)
            return await _stream(wire, reply, request, body, times)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        finally:
            times.append(time.perf_counter())


async def _stream(
    wire: "_Wire", reply: Reply, request: web.Request, body: Mapping[str, Any], times: list[float]
) -> web.StreamResponse:
    mime = "text/event-stream; charset=utf-8" if wire is _openai else "application/x-ndjson"
    response = web.StreamResponse(headers={"Content-Type": mime})
    await response.prepare(request)
    if reply.hang == "after":
        await asyncio.Event().wait()
    text = reply.text if isinstance(reply.text, str) else reply.text(body["messages"])
    all_pieces = re.findall(reply.pieces, text)
    pieces = itertools.cycle(all_pieces) if reply.endless else all_pieces
    if reply.cut:
        pieces = all_pieces[: len(all_pieces) // 2]
    sent = [_Sent(reply.raw)] if reply.raw else wire(pieces, body, counts=reply.counts)
    for each in sent:
        if reply.cut and each.last:
            break
        if reply.pause and each.text:
            await asyncio.sleep(reply.pause)
        if each.text:
            times.append(time.perf_counter())
        await response.write(each.line)
    if reply.cut == "off" and request.transport is not None:
        request.transport.abort()
    return response


def _refusal(wire: "_Wire", reply: Reply, request: web.Request) -> web.Response:
    headers = {"retry-after": reply.retry_after} if reply.retry_after else {}
    return web.json_response(_error(wire, reply.status, request), status=reply.status, headers=headers)


@dataclass(frozen=True, slots=True)
class _Sent:
    line: bytes
    text: bool = False  # a piece of the answer
    last: bool = False  # and all after it: what says that the answer is whole


_Wire = Callable[..., Iterator[_Sent]]


def _openai(pieces: Iterable[str], body: Mapping[str, Any], *, counts: bool) -> Iterator[_Sent]:
    wanted = counts and (body.get("stream_options") or {}).get("include_usage")
    head = {
        "id": "chatcmpl-C1", "object": "chat.completion.chunk", "created": 1767225600, "model": body["model"],
        "service_tier": "default", "system_fingerprint": "fp_1",
    }  # fmt: skip

    def event(delta: Mapping[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = {**head, "choices": [] if delta is None else [choice], **({"usage": None} if wanted else {})}
        return b"data: " + json.dumps({**chunk, **more}).encode() + b"\n\n"

    yield _Sent(event({"role": "assistant", "content": "", "refusal": None}))
    number = 0
    for number, piece in enumerate(pieces, 1):  # noqa: B007
        yield _Sent(event({"content": piece}), text=True)
    yield _Sent(event({}, "stop"), last=True)
    if wanted:
        asked = _count(body)
        usage = {"prompt_tokens": asked, "completion_tokens": number, "total_tokens": asked + number}
        yield _Sent(event(None, usage=usage), last=True)
    yield _Sent(b"data: [DONE]\n\n", last=True)


def _ollama(pieces: Iterable[str], body: Mapping[str, Any], *, counts: bool) -> Iterator[_Sent]:
    head = {"model": body["model"], "created_at": "2026-01-01T00:00:00.000000Z"}

    def line(text: str, **more: Any) -> bytes:
        message = {"role": "assistant", "content": text}
        return json.dumps({**head, "message": message, "done": False, **more}).encode() + b"\n"

    number = 0
    for number, piece in enumerate(pieces, 1):  # noqa: B007
        yield _Sent(line(piece), text=True)
    tokens = {"prompt_eval_count": _count(body), "eval_count": number} if counts else {}
    spent = {"total_duration": 4_000_000, "load_duration": 1_000_000, **tokens, "eval_duration": 2_000_000}
    yield _Sent(line("", done=True, done_reason="stop", **spent), last=True)


def _count(body: Mapping[str, Any]) -> int:
    """Tokens that the server says it read: words, so that they differ from what anybody estimates."""
    return sum(len(message["content"].split()) for message in body["messages"])


def _error(wire: _Wire, status: int, request: web.Request) -> Mapping[str, Any]:
    """As the servers word it; like some of them, it repeats the key."""
    key = request.headers.get("Authorization", "")
    if wire is _ollama:
        return {"error": f"the request failed with {status}: {key}"}
    code = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(status)
    kind = "server_error" if status >= 500 else "invalid_request_error"
    message = f"The request failed with {status}. Provided: {key}"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


# ---- models


def passages(messages: Sequence[Message]) -> list[tuple[int, str]]:
    """Number and text of the passages in a prompt."""
    text = "\n".join(message["content"] for message in messages)
    return [(int(number), inside) for number, inside in _PASSAGE.findall(text)]


def faithful(messages: Sequence[Message], sentences: int = 1) -> str:
    """The passages' sentences that share most words with the question, each with its number."""
    question = _words(messages[-1]["content"].rpartition("Question:")[2])
    told = [
        f"{sentence.group().strip().rstrip('.!?')} [{number}]."
        for number, text in passages(messages)
        for sentence in _SENTENCE.finditer(text)
    ]
    told.sort(key=lambda each: -len(question & _words(each)))
    return " ".join(told[:sentences]) or "UNKNOWN"


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{3,}", text.lower()))


def obedient(messages: Sequence[Message]) -> str:
    """What the orders in the passages tell it to say, cited as it should be; faithful where there are none."""
    said = []
    for number, text in passages(messages):
        for line in text.splitlines():
            if _ORDER.search(line):
                wanted = [next(filter(None, groups)) for groups in _WANTED.findall(line)]
                said += [f"{each.strip().rstrip('.!?')} [{number}]." for each in wanted or [line]]
    return " ".join(dict.fromkeys(said)) or faithful(messages)
