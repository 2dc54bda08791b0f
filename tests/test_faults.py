"""What Discord does wrong while the bot answers: nothing is lost, nothing said twice. The real client, loopback."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord_kit import QuickBot, Stage, stage
from fake_discord import BOT, CHANNEL, DM, GUILD, OTHER_GUILD, RESET, After, reply, role, snowflake, thread
from fakes import answer
from sqlalchemy import text

from bot.failing import LATER, SORRY, refusal
from vectorstore.datatypes import UserError

Payload = dict[str, Any]
LONG = "\n\n".join(f"Paragraph {i}. " + "It is said that the ferry opens in May. " * 30 for i in range(3))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """A loopback Discord without a bot yet."""
    async with stage(tmp_path) as made:
        yield made


@pytest.fixture
async def bot(scene: Stage) -> AsyncIterator[QuickBot]:
    """A bot that is ready."""
    async with scene.connected() as made:
        yield made


async def answered(scene: Stage, question: str = "When?") -> Payload:
    """The answer to /ask."""
    return await scene.discord.answer_to(await scene.discord.slash("ask", question=question))


async def said(scene: Stage, channel: str, count: int = 1) -> list[Payload]:
    """The bot's messages in a channel, once there are `count`."""
    found: list[Payload] = await scene.discord.wait_for(
        lambda: m if len(m := scene.discord.of_bot(channel)) >= count else None
    )
    return found


def posts(scene: Stage, channel: str) -> list[str]:
    """What was tried to be posted, or typed, in a channel."""
    wanted = f"channels/{channel}/"
    return [
        path for method, path, _ in scene.discord.requests if method == "POST" and path.startswith(wanted)
    ]


# ---- the gateway


async def test_a_gateway_that_acknowledges_no_heartbeat_is_left(scene: Stage) -> None:
    """Although other frames arrive, which discord.py takes for a sign of life; the session is resumed."""
    scene.discord.beat, scene.discord.deaf = 200, True

    async def chatter() -> None:
        while True:
            await scene.discord.dispatch(
                "TYPING_START", {"user_id": "5000", "channel_id": CHANNEL, "timestamp": 1}
            )
            await asyncio.sleep(0.05)

    async with scene.connected():
        talking = asyncio.create_task(chatter())
        try:
            await scene.discord.wait_for(lambda: scene.discord.resumed, 8)
        finally:
            talking.cancel()
        scene.discord.deaf = False
        assert "In May." in (await answered(scene))["content"]
    assert scene.discord.identified == 1


async def test_a_gateway_that_acknowledges_is_not_left(scene: Stage) -> None:
    """Several heartbeats long."""
    scene.discord.beat = 100
    async with scene.connected():
        await asyncio.sleep(1.5)
        assert "In May." in (await answered(scene))["content"]
    assert (scene.discord.identified, scene.discord.resumed) == (1, 0)


async def test_a_session_that_may_be_resumed_is_resumed(scene: Stage, bot: QuickBot) -> None:
    """Op 9 with d: true."""
    await scene.discord.send_op(9, True)
    await scene.discord.wait_for(lambda: scene.discord.resumed == 1, 15)
    assert "In May." in (await answered(scene))["content"]
    assert scene.discord.identified == 1


async def test_a_command_that_comes_again_after_a_resume_is_answered_once(scene: Stage) -> None:
    """The second would be refused for the cooldown, and that refusal would stand in place of the answer."""
    async with scene.connected(cooldown=5):
        scene.chain.gate.clear()
        interaction = await scene.discord.slash("ask", question="When?")
        await scene.discord.wait_for(lambda: scene.chain.asked)
        await scene.discord.send_op(7)
        await scene.discord.wait_for(lambda: scene.discord.resumed == 1, 15)
        await scene.discord.dispatch("INTERACTION_CREATE", interaction)
        other = await scene.discord.slash("ask", question="other", member="5001")
        await scene.discord.wait_for(lambda: other["id"] in scene.discord.callbacks)
        scene.chain.gate.set()
        message = await scene.discord.answer_to(interaction)
        await scene.discord.answer_to(other)
    assert "In May." in message["content"]
    assert [question for question, _ in scene.chain.asked] == ["When?", "other"]


# ---- REST


@pytest.mark.parametrize("scope", ["global", "user", "shared"])
@pytest.mark.parametrize(
    "where",
    [f"channels/{DM}/messages", "@original", "/callback"],
    ids=["message", "answer", "acknowledgement"],
)
async def test_a_rate_limit_of_any_kind_is_waited_out(
    scene: Stage, bot: QuickBot, where: str, scope: str
) -> None:
    """And what waited is said once."""
    limited: list[float] = []
    loop = asyncio.get_running_loop()

    def fault(method: str, path: str) -> Any:
        if method in {"POST", "PATCH"} and path.endswith(where):
            limited.append(loop.time())
            if len(limited) == 1:
                body = {
                    "message": "You are being rate limited.",
                    "retry_after": 0.3,
                    "global": scope == "global",
                }
                headers = {"X-RateLimit-Scope": scope, "Retry-After": "1", "Via": "1.1 google"}
                return reply(body, 429, **headers)
        return None

    scene.discord.fault = fault
    if where.startswith("channels"):
        await scene.discord.say("when?", channel=DM)
        (message,) = await said(scene, DM)
    else:
        message = await answered(scene)
    assert "In May." in message["content"]
    assert len(limited) == 2
    assert limited[1] - limited[0] >= 0.29


async def test_a_token_that_expires_in_the_middle_of_an_answer(scene: Stage, bot: QuickBot) -> None:
    """50027: the first part is in place, the rest follows in the channel."""
    scene.chain.says = lambda _: answer(LONG)

    def fault(method: str, path: str) -> Any:
        follows = method == "POST" and path.startswith("webhooks/")
        return reply({"code": 50027, "message": "Invalid Webhook Token"}, 401) if follows else None

    scene.discord.fault = fault
    await scene.discord.slash("ask", question="When?")
    messages = await said(scene, CHANNEL, 3)
    told = "\n".join(message["content"] for message in messages)
    assert all(told.count(f"Paragraph {i}.") == 1 for i in range(3))


@pytest.mark.parametrize("private", [False, True])
async def test_a_long_answer_is_whole_and_shown_once(scene: Stage, bot: QuickBot, private: bool) -> None:
    """500 after the effect: discord.py sends it again, which only a channel's nonce tells from a new message."""
    scene.chain.says = lambda _: answer(LONG)
    failed: list[str] = []

    def fault(method: str, path: str) -> Any:
        if method == "POST" and path == f"channels/{CHANNEL}/messages" and not failed:
            failed.append(path)
            return After(reply({"message": "no", "code": 0}, 500))
        return None

    scene.discord.fault = fault
    scene.discord.permissions = str(discord.Permissions(send_messages=True).value)
    await scene.discord.slash("ask", question="When?", private=private)
    messages = await said(scene, CHANNEL, 3)
    await asyncio.sleep(0.1)
    assert len(scene.discord.of_bot()) == len(messages) == 3
    assert bool(failed) is not private
    assert bool(posts(scene, CHANNEL)) is not private  # what is private never goes into the channel


@pytest.mark.parametrize("where", ["slash", "mention"])
async def test_a_file_that_is_sent_again_is_whole(scene: Stage, bot: QuickBot, where: str) -> None:
    """The attempt whose connection broke has read it to its end."""
    scene.chain.says = lambda _: answer(" ".join(f"Sentence {i} is here." for i in range(600)))
    failed: list[str] = []

    def fault(method: str, path: str) -> Any:
        if path.endswith(("@original", f"{CHANNEL}/messages")) and not failed:
            failed.append(path)
            return RESET
        return None

    scene.discord.fault = fault
    if where == "slash":
        message = await answered(scene, "All?")
    else:
        await scene.discord.say(f"<@{BOT}> all?", mention=True)
        (message,) = await said(scene, CHANNEL)
    assert failed
    assert "Sentence 599" in message["files"]["answer.md"]


# ---- the database


@pytest.mark.parametrize("where", ["slash", "mention"])
async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    scene: Stage, bot: QuickBot, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    """The disk is full: no buttons, for they could show nothing, and one line in the log."""
    full = "CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    with scene.database.engine.begin() as connection:
        connection.execute(text(full))
    if where == "slash":
        message = await answered(scene)
    else:
        await scene.discord.say(f"<@{BOT}> when?", mention=True)
        (message,) = await said(scene, CHANNEL)
    assert "In May." in message["content"]
    assert not message.get("components")
    assert caplog.text.count("an answer could not be kept (") == 1
    assert "Traceback" not in caplog.text


@contextlib.contextmanager
def locked(scene: Stage) -> Iterator[None]:
    """Another process keeps the database to itself; who asks it waits for five seconds."""
    connection = sqlite3.connect(scene.folder / "footnote.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


async def settings(scene: Stage, verb: str, **option: bool) -> Payload:
    """A member runs /settings VERB."""
    given = [{"name": name, "type": 5, "value": value} for name, value in option.items()]
    verbs = [{"name": verb, "type": 1, "options": given}]
    data = {"id": snowflake(), "name": "settings", "type": 1, "options": verbs}
    return await scene.discord.interact(2, data, member="5000", channel=CHANNEL)


@pytest.mark.parametrize("what", ["Sources", "Why", "👍", "Delete", "privacy", "show", "private"])
async def test_what_is_pressed_or_run_is_acknowledged_before_the_database_is_asked(
    scene: Stage, bot: QuickBot, what: str
) -> None:
    """Within Discord's three seconds, however long the database takes."""
    message = await answered(scene)
    bot.desk._settings.clear()
    with locked(scene):
        if what == "privacy":
            interaction = await scene.discord.slash("privacy")
        elif what in {"show", "private"}:
            interaction = await settings(scene, what, **({"on": True} if what == "private" else {}))
        else:
            interaction = await scene.discord.press(message, what)
        await scene.discord.wait_for(lambda: interaction["id"] in scene.discord.callbacks, 3)
    assert scene.discord.callbacks[interaction["id"]]["type"] == (6 if what == "Delete" else 5)
    assert await scene.discord.answer_to(interaction)


async def test_a_question_is_acknowledged_before_the_database_is_asked(scene: Stage, bot: QuickBot) -> None:
    """Whether its answer is private is not known then: it is shown to the asker alone."""
    bot.desk._settings.clear()
    with locked(scene):
        interaction = await scene.discord.slash("ask", question="When?")
        await scene.discord.wait_for(lambda: interaction["id"] in scene.discord.callbacks, 3)
    assert scene.discord.callbacks[interaction["id"]]["data"]["flags"] & 64
    assert "In May." in (await scene.discord.answer_to(interaction))["content"]


@pytest.mark.parametrize("what", ["Sources", "👎", "Delete", "form"])
async def test_a_button_that_fails_says_so(
    scene: Stage, bot: QuickBot, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """In the place of "thinking…", or by itself; the answer stays as it is."""
    message = await answered(scene)
    form = await scene.discord.press(message, "👎")
    await scene.discord.wait_for(lambda: form["id"] in scene.discord.callbacks)
    with scene.database.engine.begin() as connection:
        connection.execute(text("DROP TABLE feedback" if what == "form" else "DROP TABLE answers"))
    if what == "form":
        shown = scene.discord.callbacks[form["id"]]["data"]
        given = {"type": 4, "custom_id": "comment", "value": "June."}
        data = {"custom_id": shown["custom_id"], "components": [{"type": 1, "components": [given]}]}
        interaction = await scene.discord.interact(5, data, member="5000", channel=CHANNEL)
    else:
        interaction = await scene.discord.press(message, what)
    told = await scene.discord.answer_to(interaction)
    assert told["content"] == SORRY
    assert told["id"] != message["id"]
    assert "a command or a button failed" in caplog.text


@pytest.mark.parametrize(
    ("told", "kept_back"),
    [
        ("another process is writing to data: try again when it is done", True),
        ("data folder /srv/data cannot be written (no space left): set FOOTNOTE_DATA", True),
        ("the vector index of library 'a' is damaged: run python -m ingest --rebuild", True),
        ("no Chroma server answers at db:8000: start it, or correct CHROMA_URL", True),
        ("there are no articles yet: somebody can add one with /library add", False),
        ("9 bytes are more than INGEST_MAX_BYTES (8)", False),
        ("this is no web page, PDF or Word file but text/css", False),
    ],
)
def test_what_only_the_operator_can_mend_goes_to_the_log(
    caplog: pytest.LogCaptureFixture, told: str, kept_back: bool
) -> None:
    """Members see no path, no command, no other process."""
    assert (refusal(UserError(told)) == LATER) is kept_back
    assert (told in caplog.text) is kept_back


# ---- too much at once


async def test_no_more_than_three_articles_of_a_server_wait_to_be_read(scene: Stage, bot: QuickBot) -> None:
    """Each is in memory meanwhile; one more is refused. Another server's has nothing to do with it."""
    await bot.adder._one.acquire()  # one of another server is being read, to the end
    for _ in range(3):
        await scene.discord.answer_to(await scene.discord.library("add", file=("a.txt", b"It opens.")))
    more = await scene.discord.answer_to(await scene.discord.library("add", link="https://a.example"))
    other = await scene.discord.answer_to(
        await scene.discord.library("add", guild=OTHER_GUILD, file=("a.txt", b"It opens."))
    )
    assert more["content"].startswith("3 articles are being added here already")
    assert other["content"] == "Reading a.txt …"


# ---- where the bot may not write


async def test_without_the_permission_to_write_the_asker_is_told_alone(scene: Stage, bot: QuickBot) -> None:
    """Discord is not even asked: it bans who is refused too often."""
    silent = discord.Permissions(view_channel=True, read_message_history=True)
    await scene.discord.dispatch("GUILD_ROLE_UPDATE", {"guild_id": GUILD, "role": role(GUILD, silent)})
    await scene.discord.say(f"<@{BOT}> when?", mention=True)
    note, message = await said(scene, DM, 2)
    assert note["content"] == "-# I may not write in here, so here is the answer."
    assert message["content"].startswith("In May.")
    assert not message.get("components")
    assert posts(scene, CHANNEL) == []


@pytest.mark.parametrize("code", [50001, 50013, 50083, 160005])
async def test_a_closed_channel_or_thread_is_answered_to_the_asker_alone(
    scene: Stage, bot: QuickBot, code: int
) -> None:
    """What the bot does not know beforehand: a permission just taken away, a thread just archived or locked."""
    status = 400 if code in {50083, 160005} else 403

    def fault(method: str, path: str) -> Any:
        closed = method == "POST" and path == f"channels/{CHANNEL}/messages"
        return reply({"code": code, "message": "no"}, status) if closed else None

    scene.discord.fault = fault
    await scene.discord.say(f"<@{BOT}> when?", mention=True)
    _, message = await said(scene, DM, 2)
    assert message["content"].startswith("In May.")
    assert len([path for path in posts(scene, CHANNEL) if path.endswith("messages")]) == 1


async def test_a_locked_thread_is_not_written_to(scene: Stage, bot: QuickBot) -> None:
    """Unless the bot may manage threads; here it may only write in them."""
    usual = discord.Permissions(view_channel=True, send_messages_in_threads=True)
    await scene.discord.dispatch("GUILD_ROLE_UPDATE", {"guild_id": GUILD, "role": role(GUILD, usual)})
    id_ = snowflake()
    closed = thread(id_, parent=CHANNEL, name="Ferry")
    closed["thread_metadata"]["locked"] = True
    await scene.discord.dispatch("THREAD_CREATE", closed)
    await scene.discord.say(f"<@{BOT}> when?", mention=True, channel=id_)
    note, _ = await said(scene, DM, 2)
    assert "I may not write in Ferry" in note["content"]
    assert posts(scene, id_) == []


async def test_who_takes_no_direct_messages_is_left_in_peace(
    scene: Stage, bot: QuickBot, caplog: pytest.LogCaptureFixture
) -> None:
    """50007; the next question is answered as ever."""

    def fault(method: str, path: str) -> Any:
        if method == "POST" and path.endswith("/messages"):
            return reply({"code": 50013 if CHANNEL in path else 50007, "message": "no"}, 403)
        return None

    scene.discord.fault = fault
    await scene.discord.say(f"<@{BOT}> when?", mention=True)
    await scene.discord.wait_for(lambda: "could not be sent (Forbidden)" in caplog.text)
    assert "In May." in (await answered(scene))["content"]
