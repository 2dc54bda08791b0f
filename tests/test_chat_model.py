"""A chat model by its real LangChain client, against a server that answers well, badly, slowly or not at all."""

import asyncio
import contextlib
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fake_llm import AT_ONCE, FakeLLM, Reply

from bot.answering.chat_model import ChatModel, ModelError
from bot.answering.opening import open_model
from bot.answering.providers import PACKAGES, load_environment
from bot.settings import ChatSettings
from vectorstore.datatypes import UserError

ROOT = Path(__file__).parent.parent
KEY = "sk-test-0123456789"
ASKED = [("system", "Answer briefly."), ("user", "Who opened the bridge over the Orr?")]
TEXT = "The bridge was opened by Mayor Jo Park in February [1]."
MODELS = ["openai:gpt-5-mini", "ollama:llama3.2:3b"]
QUICK = 0.4  # seconds


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no tracers and no .env of the machine."""
    for name in os.environ:
        if name.startswith(
            ("LANGSMITH", "LANGCHAIN", "LANGFUSE", "OTEL_", "BOT_", "OPENAI", "OLLAMA", "LLM")
        ):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=MODELS, ids=["openai", "ollama"])
def name(request: pytest.FixtureRequest) -> str:
    """Of a model of each provider whose client is installed."""
    return str(request.param)


def open_for(llm: FakeLLM, name: str, *, first: float = 5, whole: float = 10, **options: Any) -> ChatModel:
    """The model as the settings open it."""
    openai = name.startswith("openai")
    given = (
        {"api_key": KEY, "stream_usage": True}
        if openai
        else {"client_kwargs": {"headers": {"Authorization": f"Bearer {KEY}"}}}
    )
    settings = ChatSettings(
        model=name,
        url=llm.url + "/v1" if openai else llm.url,
        options=given | options,
        first_token_seconds=first,
        seconds=whole,
    )
    return open_model(settings, name)


def ask(model: ChatModel) -> str:
    """The whole answer."""
    pieces: list[str] = []
    model.stream(ASKED, pieces.append)
    return "".join(pieces)


def fails(model: ChatModel) -> str:
    """What is said of the failure."""
    with pytest.raises(ModelError) as caught:
        ask(model)
    return str(caught.value)


# ---- well


def test_an_answer_comes_whole_and_in_pieces(llm: FakeLLM, name: str) -> None:
    """Each piece as the server sends it."""
    llm.script(TEXT)
    pieces: list[str] = []
    open_for(llm, name).stream(ASKED, pieces.append)
    assert "".join(pieces) == TEXT
    assert len(pieces) == len(TEXT.split())


def test_the_request_holds_the_messages_and_the_model(llm: FakeLLM, name: str) -> None:
    """The model's name may have colons of its own."""
    llm.script(TEXT)
    ask(open_for(llm, name))
    body = llm.requests[0].body
    assert [(m["role"], m["content"]) for m in body["messages"]] == ASKED
    assert body["model"] == name.partition(":")[2]
    assert body["stream"] is True


def test_a_piece_is_told_before_the_next_is_sent(llm: FakeLLM, name: str) -> None:
    """Streaming is streaming: who stops listening after a piece has not waited for the rest."""
    llm.script(Reply(text="word ", endless=True, pause=0.02))

    def stop(_: str) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        open_for(llm, name).stream(ASKED, stop)
    assert llm.left.wait(5)  # and the server is told


def test_tokens_are_the_servers_count(llm: FakeLLM, name: str) -> None:
    """It counts words here, which nobody else does."""
    llm.script(TEXT)
    usage = open_for(llm, name).stream(ASKED, lambda _: None)
    assert (usage.tokens_in, usage.tokens_out) == (9, len(TEXT.split()))
    assert 0 < usage.first_token <= usage.seconds


def test_tokens_are_estimated_where_the_server_counts_none(llm: FakeLLM, name: str) -> None:
    """About four characters each."""
    llm.script(Reply(text=TEXT, counts=False))
    usage = open_for(llm, name).stream(ASKED, lambda _: None)
    assert 15 <= usage.tokens_in <= 30
    assert 12 <= usage.tokens_out <= 20


def test_a_connection_is_used_again(llm: FakeLLM, name: str) -> None:
    """Also by another model of the same provider, which has its own settings but not its own connections."""
    llm.script(TEXT)
    model = open_for(llm, name)
    for _ in range(3):
        ask(model)
    assert len(llm.connections) == 1
    assert ask(open_for(llm, name, first=4)) == TEXT


def test_several_threads_ask_at_once(llm: FakeLLM, name: str) -> None:
    """Each gets its own answer."""
    llm.script(Reply(text=lambda messages: messages[-1]["content"].upper(), pause=0.01))
    model = open_for(llm, name)

    def one(number: int) -> str:
        pieces: list[str] = []
        model.stream([("user", f"question {number} of many")], pieces.append)
        return "".join(pieces)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(16))) == [f"QUESTION {number} OF MANY" for number in range(16)]


def test_an_endless_answer_is_stopped(llm: FakeLLM, name: str) -> None:
    """After some thousand characters; what was said until then counts."""
    llm.script(Reply(text="word " * 100, pieces=AT_ONCE, endless=True))
    assert 12_000 < len(ask(open_for(llm, name))) < 15_000
    assert llm.left.wait(5)


def test_an_answer_without_text_is_none(llm: FakeLLM, name: str) -> None:
    """That is not an error of the connection."""
    llm.script("")
    assert ask(open_for(llm, name)) == ""


# ---- slowly


@pytest.mark.parametrize("hang", ["before", "after"])
def test_a_hanging_server_is_given_up(llm: FakeLLM, name: str, hang: str) -> None:
    """Before or after the headers: within the limit, and the connection is closed."""
    llm.script(Reply(hang=hang))
    model = open_for(llm, name, first=QUICK)
    began = time.perf_counter()
    assert fails(model) == "the chat model took too long"
    assert time.perf_counter() - began < QUICK + 10
    assert llm.left.wait(5)


def test_a_client_that_hides_its_cancellation_is_given_up_too(
    llm: FakeLLM, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python 3.11's `wait_for` may: its stream just ends, past the limit."""

    class Hiding:
        async def astream(self, *_: object) -> AsyncIterator[str]:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            for piece in ():
                yield piece

    model = open_for(llm, name, first=QUICK)
    monkeypatch.setattr(model, "_client", Hiding())
    assert fails(model) == "the chat model took too long"


def test_a_slow_answer_is_given_up_at_the_limit_of_the_whole(llm: FakeLLM, name: str) -> None:
    """Its first word came in time, which helps nobody."""
    llm.script(Reply(text="word ", pause=0.1, endless=True))
    model = open_for(llm, name, first=2, whole=2)
    pieces: list[str] = []
    with pytest.raises(ModelError, match="took too long") as caught:
        model.stream(ASKED, pieces.append)
    assert pieces
    assert caught.value.usage.tokens_in > 0  # what was read and written is paid for
    assert llm.left.wait(5)


def test_an_answer_may_take_longer_than_its_first_word(llm: FakeLLM, name: str) -> None:
    """The two limits are two."""
    llm.script(Reply(text=TEXT, pause=0.2))
    assert ask(open_for(llm, name, first=1.5, whole=30)) == TEXT


def test_signs_of_life_without_a_word_do_not_help(llm: FakeLLM, name: str) -> None:
    """A server may send empty pieces for ever, as fast as it can."""
    llm.script(Reply(text="", pieces="", endless=True))
    assert fails(open_for(llm, name, first=QUICK)) == "the chat model took too long"
    assert llm.left.wait(5)


# ---- badly


@pytest.mark.parametrize("cut", ["off", "politely"])
def test_half_an_answer_is_none(llm: FakeLLM, name: str, cut: str) -> None:
    """Also where the connection was closed as if that were all; it is not tried again, as half was told."""
    llm.script(Reply(text=TEXT, cut=cut))
    assert fails(open_for(llm, name)) == "the chat model cannot be reached"
    assert len(llm.requests) == 1


def test_a_connection_cut_before_the_first_word_is_tried_again(llm: FakeLLM, name: str) -> None:
    """Nobody has seen anything yet."""
    llm.script(Reply(text="one", cut="off"), TEXT)
    assert ask(open_for(llm, name)) == TEXT


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_error_is_tried_again(llm: FakeLLM, name: str, status: int) -> None:
    """A moment later, by us and not by the client."""
    llm.script(Reply(status=status), TEXT)
    began = time.perf_counter()
    assert ask(open_for(llm, name)) == TEXT
    assert time.perf_counter() - began > 0.3
    assert len(llm.requests) == 2


def test_the_server_says_when_to_try_again(llm: FakeLLM) -> None:
    """Retry-after, in seconds. (Ollama's client does not hand on headers.)"""
    llm.script(Reply(status=429, retry_after="0.9"), TEXT)
    began = time.perf_counter()
    assert ask(open_for(llm, MODELS[0])) == TEXT
    assert time.perf_counter() - began > 0.9  # we by ourselves wait for half a second, more or less


def test_nobody_waits_beyond_the_limit_because_a_server_says_so(llm: FakeLLM) -> None:
    """If it asks for more patience than there is, it is given up at once."""
    llm.script(Reply(status=429, retry_after="30"))
    began = time.perf_counter()
    assert fails(open_for(llm, MODELS[0], first=5)) == "the chat model is asked too much at the moment"
    assert time.perf_counter() - began < 3


@pytest.mark.parametrize(("status", "told"), [(429, "asked too much"), (500, "cannot be reached")])
def test_an_error_that_stays_is_given_up(llm: FakeLLM, name: str, status: int, told: str) -> None:
    """After three attempts."""
    llm.script(Reply(status=status, retry_after="0.01"))
    assert told in fails(open_for(llm, name))
    assert len(llm.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404])
def test_an_error_that_does_not_pass_is_not_tried_again(llm: FakeLLM, name: str, status: int) -> None:
    """And costs no tokens."""
    llm.script(Reply(status=status))
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        ask(open_for(llm, name))
    assert len(llm.requests) == 1
    assert (caught.value.usage.tokens_in, caught.value.usage.tokens_out) == (0, 0)


def test_nobody_listening_is_an_error_without_tokens(name: str) -> None:
    """The server is down: nothing was read that could cost something."""
    with FakeLLM() as gone:
        pass
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        ask(open_for(gone, name, first=1))
    assert caught.value.usage.tokens_in == 0


GARBAGE = {
    "no JSON": b"data: {oops\n\n",
    "no stream": b"<html><body>Bad gateway</body></html>\n",
    "another shape": b'data: {"choices": 7}\n\n',
    "an error inside": b'data: {"error": {"message": "overloaded", "type": "server_error"}}\n\n',
    "no text": b"\xff\xfe\x00",
    "nothing": b"\n",
}


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_an_error(llm: FakeLLM, name: str, garbage: bytes) -> None:
    """Whatever the client makes of it."""
    llm.script(Reply(raw=garbage if name.startswith("openai") else garbage.removeprefix(b"data: ")))
    assert fails(open_for(llm, name, first=QUICK))


def test_garbage_after_half_an_answer_is_an_error(llm: FakeLLM) -> None:
    """What came before it is no answer."""
    good = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Half"},"finish_reason":null}]}\n\n'
    llm.script(Reply(raw=good + b"data: {oops\n\n"))
    assert fails(open_for(llm, MODELS[0]))


# ---- quietly


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401),
        Reply(status=500, retry_after="0"),
        Reply(text=TEXT, cut="off"),
        Reply(raw=b"{"),
        Reply(hang="after"),
    ],
    ids=["401", "500", "cut", "malformed", "hanging"],
)
def test_neither_keys_nor_texts_are_logged(
    llm: FakeLLM, name: str, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor in the error, though the server repeats the key."""
    caplog.set_level(logging.INFO)
    llm.script(reply)
    told = fails(open_for(llm, name, first=QUICK))
    assert "chat model" in caplog.text
    for secret in (KEY, "Jo Park", "bridge over the Orr"):
        assert secret not in caplog.text
        assert secret not in told


def test_the_log_says_which_key_was_refused(llm: FakeLLM, caplog: pytest.LogCaptureFixture) -> None:
    """By its variable."""
    llm.script(Reply(status=401))
    fails(open_for(llm, MODELS[0]))
    assert "check OPENAI_API_KEY" in caplog.text


def test_all_models_share_one_thread(llm: FakeLLM, name: str) -> None:
    """However many are opened, asked and given up."""
    llm.script(Reply(hang="before"))
    for _ in range(3):
        fails(open_for(llm, name, first=0.05))
    assert sum(thread.name == "chat models" for thread in threading.enumerate()) == 1


def test_a_process_ends_without_a_word(llm: FakeLLM, name: str) -> None:
    """No warning of an unclosed loop, no thread that keeps it alive, also after a hanging call."""
    llm.script(TEXT, Reply(hang="after"))
    openai = name.startswith("openai")
    script = f"""
from bot.answering.chat_model import ChatModel, ModelError, Patience
model = ChatModel({name!r}, url={llm.url + "/v1" * openai!r}, options={{"api_key": "x"}} if {openai} else {{}}, patience=Patience(1, 1))
model.stream([("user", "?")], print)
try:
    model.stream([("user", "?")], print)
except ModelError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", script],
        capture_output=True, text=True, timeout=60, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.endswith("took too long\n")
    assert done.stderr == "the chat model took too long\n"


# ---- setting up


@pytest.mark.parametrize("name", ["gpt-5-mini", "openai:", ":gpt-5-mini", ""])
def test_a_name_has_a_provider_and_a_model(name: str) -> None:
    """The message shows the form."""
    with pytest.raises(UserError, match="write provider:model"):
        ChatModel(name)


def test_an_unknown_provider_is_refused() -> None:
    """With those that are known."""
    with pytest.raises(UserError, match=r"no provider is called 'opnai'; try openai, ollama"):
        ChatModel("opnai:gpt-5-mini")


@pytest.mark.parametrize("provider", PACKAGES)
def test_a_missing_package_is_named_as_pip_wants_it(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the interpreter that the bot runs in."""
    monkeypatch.setitem(sys.modules, f"langchain_{provider}", None)
    base = pytest.importorskip("langchain.chat_models.base")
    base._get_chat_model_creator.cache_clear()
    with pytest.raises(UserError) as caught:
        ChatModel(f"{provider}:some-model")
    assert f'-m pip install "{PACKAGES[provider]}"' in str(caught.value)


def test_a_package_is_named_for_providers_that_we_have_never_tried() -> None:
    """LangChain knows it."""
    with pytest.raises(UserError, match='-m pip install "langchain-aws"'):
        ChatModel("bedrock:some-model")


def test_packages_are_the_extras() -> None:
    """`pip install footnote-bot[openai]` and the message say the same."""
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {provider: [package] for provider, package in PACKAGES.items()} == {
        provider: extras[provider.replace("_", "-")] for provider in PACKAGES
    }


def test_a_missing_key_is_named() -> None:
    """By its variable."""
    with pytest.raises(UserError, match="set OPENAI_API_KEY"):
        ChatModel("openai:gpt-5-mini")


def test_a_server_of_ones_own_needs_no_key(llm: FakeLLM) -> None:
    """The client insists on one, local servers do not."""
    llm.script(TEXT)
    assert ask(ChatModel("openai:local", url=llm.url + "/v1")) == TEXT


@pytest.mark.parametrize("name", MODELS, ids=["openai", "ollama"])
def test_an_unknown_option_is_refused(name: str) -> None:
    """Otherwise each question would fail, or nothing would happen."""
    with pytest.raises(UserError, match=r"BOT_LLM_OPTIONS: \w+ has no option temprature"):
        ChatModel(name, options={"temprature": 0, **({"api_key": KEY} if "openai" in name else {})})


@pytest.mark.parametrize("options", [{"base_url": 5}, {"model": "x"}, {"max_retries": "many"}])
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    """Without their values: one of them may be a key."""
    with pytest.raises(UserError, match="check BOT_LLM_URL and BOT_LLM_OPTIONS") as caught:
        ChatModel(MODELS[0], options={"api_key": KEY, **options})
    assert KEY not in str(caught.value)


def test_options_reach_the_server(llm: FakeLLM, name: str) -> None:
    """Each in its provider's place."""
    llm.script(TEXT)
    ask(open_for(llm, name, seed=7))
    body = llm.requests[0].body
    assert (body if name.startswith("openai") else body["options"])["seed"] == 7


def test_a_key_in_the_options_is_not_shown() -> None:
    """Whoever prints the settings."""
    assert KEY not in repr(ChatSettings(model=MODELS[0], options={"api_key": KEY}))


def test_keys_in_env_files_reach_the_clients(llm: FakeLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not what is only ours."""
    Path(".env").write_text(f"OPENAI_API_KEY={KEY}\nDISCORD_TOKEN=abc.def\nDATABASE_URL=sqlite://\nEMPTY=\n")
    before = dict(os.environ)
    llm.script(TEXT)
    try:
        ask(ChatModel(MODELS[0], url=llm.url + "/v1"))
        assert llm.requests[0].headers["Authorization"] == f"Bearer {KEY}"
        assert os.environ.keys() - before.keys() == {"OPENAI_API_KEY"}
    finally:
        os.environ.pop("OPENAI_API_KEY", None)


def test_the_environment_comes_before_the_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with our own settings."""
    monkeypatch.setenv("OPENAI_API_KEY", "from outside")
    Path(".env").write_text("OPENAI_API_KEY=from the file\n")
    load_environment()
    assert os.environ["OPENAI_API_KEY"] == "from outside"


# ---- tracing


def in_a_process(llm: FakeLLM, **environment: str) -> str:
    """Ask in a fresh process, as tracers read the environment once. Gives what it logged."""
    script = f"""
import logging, sys
logging.basicConfig(level=logging.WARNING)
from bot.answering.chat_model import ChatModel
ChatModel("ollama:llama3.2", url={llm.url!r}).stream([("user", "Who?")], print)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    assert TEXT.split(maxsplit=1)[0] in done.stdout, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "environment",
    [{}, {"LANGSMITH_API_KEY": "ls-key"}, {"LANGSMITH_TRACING": "false", "LANGSMITH_API_KEY": "ls-key"}],
    ids=["nothing", "a key", "off"],
)
def test_nothing_is_traced_unasked(llm: FakeLLM, environment: dict[str, str]) -> None:
    """To have a key is not to ask for it."""
    llm.script(TEXT)
    in_a_process(llm, LANGSMITH_ENDPOINT=llm.url, **environment)
    assert [request.path for request in llm.requests] == ["/api/chat"]
    assert not llm.others


def test_langsmith_gets_the_run_when_asked(llm: FakeLLM) -> None:
    """By its usual variables, and before the process ends."""
    llm.script(TEXT)
    in_a_process(llm, LANGSMITH_TRACING="true", LANGSMITH_ENDPOINT=llm.url, LANGSMITH_API_KEY="ls-key")
    assert any(path.startswith("/runs") for path in llm.others)


@pytest.mark.parametrize(
    ("module", "setting", "value", "package"),
    [
        ("langfuse", "LANGFUSE_PUBLIC_KEY", "pk", "langfuse"),
        ("opentelemetry.exporter.otlp.proto.http", "LANGSMITH_TRACING_MODE", "otel", "langsmith[otel]"),
        ("opentelemetry.exporter.otlp.proto.http", "LANGSMITH_OTEL_ENABLED", "true", "langsmith[otel]"),
    ],
)
def test_a_tracer_without_its_package_names_it(
    monkeypatch: pytest.MonkeyPatch, module: str, setting: str, value: str, package: str
) -> None:
    """Early; LangSmith's client would otherwise send it all to LangSmith."""
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv(setting, value)
    with pytest.raises(UserError, match=re.escape(f'-m pip install "{package}", or unset it')):
        ChatModel("ollama:llama3.2")


def test_without_a_model_nothing_of_langchain_is_imported() -> None:
    """That takes seconds, and a plain question takes less."""
    script = """
import sys
import bot.__main__
from bot.answering.opening import open_generator
from bot.settings import ChatSettings
assert open_generator(ChatSettings(model=None), None, None) is None
print({name.split(".")[0] for name in sys.modules} & {"langchain", "langchain_core", "openai", "ollama", "langsmith"})
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )  # fmt: skip
    assert done.stdout == "set()\n"
