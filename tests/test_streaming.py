"""A chat model's answer in Discord, shown while it is written: the real client against a loopback Discord."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import discord
import pytest
from discord_kit import TOKEN, QuickBot, Stage, stage
from fake_discord import BOT, CHANNEL, DM, GUILD, RESET, After, reply, role
from fakes import answer

from bot.cogs.asking import RESTARTING
from bot.failing import SORRY
from bot.streaming import Stream
from bot.supervisor import supervise
from vectorstore.datatypes import UserError

Payload = dict[str, Any]
FINAL = "In May.\n\n-# [1] Ferry, 3 March 2026\n> It opens in May."
ASKED = "> When?\n"  # above the answer to a slash command


class Pen:
    """A chat model that writes when a test says so."""

    def __init__(self) -> None:
        self._texts: SimpleQueue[str | None] = SimpleQueue()

    def write(self, *texts: str) -> None:
        """The text so far, again and again."""
        for text in texts:
            self._texts.put(text)

    def stop(self) -> None:
        """Nothing more."""
        self._texts.put(None)

    def __call__(self, _question: str) -> Iterator[str]:
        """What is written, for ScriptedChain."""
        while (text := self._texts.get(timeout=20)) is not None:
            yield text


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """A loopback Discord without a bot yet."""
    async with stage(tmp_path) as made:
        yield made


@pytest.fixture
def pen(scene: Stage) -> Iterator[Pen]:
    """That of the chat model; laid down at the end."""
    made = scene.chain.writes = Pen()
    yield made
    made.stop()


@pytest.fixture
async def bot(scene: Stage) -> AsyncIterator[QuickBot]:
    """A bot that is ready, and edits in a hurry."""
    async with scene.connected() as made:
        made.asking.pause = 0.02
        yield made


async def shown(scene: Stage, content: str, channel: str = CHANNEL) -> Payload:
    """The bot's message with exactly this content, once it is there."""
    found: Payload = await scene.discord.wait_for(
        lambda: next((m for m in scene.discord.of_bot(channel) if m["content"] == content), None)
    )
    return found


def written(scene: Stage) -> list[str]:
    """The contents that were sent, in order."""
    return [body["content"] for _, _, body in scene.discord.requests if "content" in body]


async def ask(scene: Stage, where: str) -> str:
    """Ask "When?" there; gives what will stand above the answer."""
    if where == "slash":
        await scene.discord.slash("ask", question="When?")
        return ASKED
    if where == "private":
        await scene.discord.slash("ask", question="When?", private=True)
        return ASKED
    await scene.discord.say(f"<@{BOT}> When?", mention=True)
    return ""


EVERYWHERE = pytest.mark.parametrize("where", ["slash", "private", "mention"])
BOTH = pytest.mark.parametrize("where", ["slash", "mention"])

# ---- what is seen


@EVERYWHERE
async def test_an_answer_grows_in_its_place(scene: Stage, pen: Pen, bot: QuickBot, where: str) -> None:
    """The first text, the next, the answer as it would be without: one message all the time, and no ping."""
    above = await ask(scene, where)
    pen.write("It opens")
    first = await shown(scene, f"{above}It opens …")
    pen.write("It opens in May.")
    await shown(scene, f"{above}It opens in May. …")
    pen.stop()
    last = await shown(scene, above + FINAL)
    assert last["id"] == first["id"]
    assert len(last["components"][0]["components"]) == 5
    assert len(scene.discord.of_bot()) == 1
    assert scene.discord.pinged == []
    if where == "mention":
        assert last["flags"] & 4  # no link is unfurled


@BOTH
async def test_an_answer_that_comes_at_once_takes_no_more_requests(
    scene: Stage, bot: QuickBot, where: str
) -> None:
    """The built-in answerer's: one message, no edit."""
    above = await ask(scene, where)
    await shown(scene, above + FINAL)
    assert written(scene) == [above + FINAL]


@BOTH
async def test_only_the_newest_text_is_shown(scene: Stage, pen: Pen, bot: QuickBot, where: str) -> None:
    """Many pieces between two edits are one edit; and none comes after the answer."""
    bot.asking.pause = 0.2
    above = await ask(scene, where)
    pen.write(*("It opens in May."[: n + 1] for n in range(16)))
    await shown(scene, f"{above}It opens in May. …")
    pen.stop()
    await shown(scene, above + FINAL)
    await asyncio.sleep(0.3)
    contents = written(scene)
    assert contents[-2:] == [f"{above}It opens in May. …", above + FINAL]
    assert len(contents) <= 3


@pytest.mark.parametrize(("channel", "share"), [(CHANNEL, 2), (DM, 1)], ids=["one channel", "two"])
async def test_who_writes_in_one_channel_takes_turns(
    scene: Stage, bot: QuickBot, channel: str, share: int
) -> None:
    """Discord's limit is a channel's; several at full speed would hold up each other's answers."""
    pens = {"first?": Pen(), "second?": Pen()}
    scene.chain.writes = lambda question: pens[question](question)
    for (question, pen), where in zip(pens.items(), (CHANNEL, channel), strict=True):
        await scene.discord.say(f"<@{BOT}> {question}", mention=True, channel=where)
        pen.write(question)
        await shown(scene, f"{question} …", where)
    pauses = [bot.asking._pause(place) for place in bot.asking._open]
    assert pauses == [share * bot.asking.pause] * 2
    for pen in pens.values():
        pen.stop()


async def test_no_more_is_shown_than_fits_a_message(scene: Stage, pen: Pen, bot: QuickBot) -> None:
    """While it is written; then it is split as ever."""
    long = "\n\n".join(f"Paragraph {i}. " + "It is said that it opens in May. " * 30 for i in range(3))
    scene.chain.says = lambda _: answer(long)
    await ask(scene, "mention")
    pen.write(long)
    (begun,) = await scene.discord.wait_for(scene.discord.of_bot)
    assert 900 < len(begun["content"]) <= 2000
    assert begun["content"].endswith("May. …")
    pen.stop()
    await scene.discord.wait_for(lambda: len(scene.discord.of_bot()) == 3)
    told = "\n".join(message["content"] for message in scene.discord.of_bot())
    assert all(told.count(f"Paragraph {i}.") == 1 for i in range(3))
    assert "…" not in told


async def test_a_very_long_answer_ends_as_a_file(scene: Stage, pen: Pen, bot: QuickBot) -> None:
    """Also where the message was begun before."""
    scene.chain.says = lambda _: answer(" ".join(f"Sentence {i} is here." for i in range(600)))
    await ask(scene, "mention")
    pen.write("Sentence 0 is here.")
    await shown(scene, "Sentence 0 is here. …")
    pen.stop()
    message = await scene.discord.wait_for(
        lambda: next((m for m in scene.discord.of_bot() if m.get("files")), None)
    )
    assert "Sentence 599" in message["files"]["answer.md"]
    assert len(scene.discord.of_bot()) == 1


@EVERYWHERE
async def test_nothing_in_it_pings_or_links(scene: Stage, pen: Pen, bot: QuickBot, where: str) -> None:
    """The same escapes as at the end."""
    above = await ask(scene, where)
    pen.write("@everyone <@5001> **see** https://evil.example/?q=1\u200b")
    await shown(scene, rf"{above}\@everyone \<\@5001> \*\*see\*\* https\://evil.example/?q=1 …")
    assert scene.discord.pinged == []
    assert all(
        body["allowed_mentions"]["parse"] == [] for _, _, body in scene.discord.requests if "content" in body
    )


async def test_a_notice_makes_room_for_it(scene: Stage, pen: Pen) -> None:
    """Who waited in the queue sees one message below theirs."""
    async with scene.connected(workers=1, patience=0.05) as bot:
        bot.asking.pause = 0.02
        await scene.discord.slash("ask", question="first", member="5001")
        await scene.discord.wait_for(lambda: scene.chain.asked)
        await ask(scene, "mention")
        await shown(scene, "-# Your question is the next one.")
        pen.stop()
        pen.write("It opens")
        await shown(scene, "It opens …")
        below = [m for m in scene.discord.of_bot() if "message_reference" in m]
        assert [m["content"] for m in below] == ["It opens …"]


async def test_the_conversation_is_read_back_without_the_note(scene: Stage, bot: QuickBot) -> None:
    """Small print is no answer."""
    note = "The chat model took too long; this is the built-in answer."
    scene.chain.says = lambda _: replace(answer(), note=note)
    await scene.discord.say("When?", channel=DM)
    await shown(scene, f"{FINAL}\n\n-# {note}", DM)
    scene.chain.says = lambda _: replace(answer(abstained=True), note=note)
    await scene.discord.say("Why?", channel=DM)
    await shown(scene, f"In May.\n\n-# closest articles: Ferry\n\n-# {note}", DM)
    await scene.discord.say("How?", channel=DM)
    await scene.discord.wait_for(lambda: len(scene.chain.asked) == 3)
    assert scene.chain.asked[2] == ("How?", [("When?", "In May."), ("Why?", "In May.")])


# ---- what goes wrong


@EVERYWHERE
@pytest.mark.parametrize(
    ("fails", "told"),
    [
        (UserError("ask later"), "ask later"),
        (RuntimeError("no"), SORRY),
        (None, f"{FINAL}\n\n-# The chat model took too long; this is the built-in answer."),
    ],
    ids=["refused", "failed", "built-in"],
)
async def test_a_half_text_is_replaced(
    scene: Stage, pen: Pen, bot: QuickBot, where: str, fails: Exception | None, told: str
) -> None:
    """By what is said instead, in the same message."""

    def says(_: str) -> Any:
        if fails is not None:
            raise fails
        return replace(answer(), note="The chat model took too long; this is the built-in answer.")

    scene.chain.says = says
    above = await ask(scene, where)
    pen.write("It opens in")
    await shown(scene, f"{above}It opens in …")
    pen.stop()
    await shown(scene, told if fails else above + told)
    assert len(scene.discord.of_bot()) == 1


def refusal(status: int, code: int) -> Callable[[], Any]:
    """By a status and Discord's own code."""
    return lambda: reply({"code": code, "message": "no"}, status)


def failing(scene: Stage, failure: Callable[[], Any], *, times: int = 1000) -> list[str]:
    """Edits fail from now on; gives those that did."""
    failed: list[str] = []

    def fault(method: str, path: str) -> Any:
        if method == "PATCH" and len(failed) < times:
            failed.append(path)
            return failure()
        return None

    scene.discord.fault = fault
    return failed


@pytest.mark.parametrize(
    ("where", "failure"),
    [
        ("slash", refusal(404, 10008)),
        ("slash", refusal(404, 10015)),
        ("slash", refusal(401, 50027)),
        ("private", refusal(401, 50027)),
        ("mention", refusal(404, 10008)),
        ("mention", refusal(403, 50001)),
    ],
)
async def test_an_answer_whose_place_is_lost_is_sent_anew(
    scene: Stage, pen: Pen, bot: QuickBot, where: str, failure: Callable[[], Any]
) -> None:
    """Deleted, or after 15 minutes: once, where it can be; what is private goes to who asked alone."""
    above = await ask(scene, where)
    pen.write("It opens")
    begun = await shown(scene, f"{above}It opens …")
    del scene.discord.messages[CHANNEL][begun["id"]]
    failed = failing(scene, failure)
    pen.write("It opens in")
    await scene.discord.wait_for(lambda: failed)
    pen.write("It opens in May.")
    pen.stop()
    message = await shown(scene, above + FINAL, DM if where == "private" else CHANNEL)
    assert len(failed) == 2  # whoever is refused asks no more, but for the answer itself
    assert bool(message.get("components")) is (where != "private")  # they belong to the server
    assert len(scene.discord.of_bot()) == (where != "private")


@BOTH
@pytest.mark.parametrize(
    "failure",
    [lambda: RESET, lambda: After(RESET), refusal(503, 0), lambda: After(refusal(503, 0)())],
    ids=["reset", "reset after", "503", "503 after"],
)
async def test_an_edit_that_is_lost_loses_no_answer(
    scene: Stage, pen: Pen, bot: QuickBot, where: str, failure: Callable[[], Any]
) -> None:
    """Neither one on the way nor the last, which is sent again."""
    above = await ask(scene, where)
    pen.write("It opens")
    await shown(scene, f"{above}It opens …")
    failed = failing(scene, failure, times=2)
    pen.write("It opens in")
    await scene.discord.wait_for(lambda: failed)
    pen.stop()
    await shown(scene, above + FINAL)
    assert len(failed) == 2
    assert len(scene.discord.of_bot()) == 1


@BOTH
async def test_a_rate_limit_is_waited_out_and_the_newest_text_comes_next(
    scene: Stage, pen: Pen, bot: QuickBot, where: str
) -> None:
    """What was written meanwhile is one edit, and the answer comes last."""
    above = await ask(scene, where)
    pen.write("It")
    await shown(scene, f"{above}It …")
    limit = {"message": "You are being rate limited.", "retry_after": 0.3, "global": False}
    headers = {"Via": "1.1 google", "X-RateLimit-Scope": "user"}
    failed = failing(scene, lambda: reply(limit, 429, **headers), times=1)
    pen.write("It opens")
    await scene.discord.wait_for(lambda: failed)
    pen.write("It opens in", "It opens in May.")
    await shown(scene, f"{above}It opens in May. …")
    pen.stop()
    await shown(scene, above + FINAL)
    assert f"{above}It opens in …" not in written(scene)
    assert written(scene)[-1] == above + FINAL


async def test_where_the_bot_may_not_write_the_answer_comes_as_a_whole(
    scene: Stage, pen: Pen, bot: QuickBot
) -> None:
    """To who asked alone; Discord is not asked in vain while it is written."""
    silent = discord.Permissions(view_channel=True, read_message_history=True)
    await scene.discord.dispatch("GUILD_ROLE_UPDATE", {"guild_id": GUILD, "role": role(GUILD, silent)})
    await ask(scene, "mention")
    pen.write("It opens", "It opens in")
    pen.stop()
    await shown(scene, FINAL, DM)
    assert not any(content.endswith("…") for content in written(scene))


@BOTH
async def test_what_cannot_be_finished_says_restarting(scene: Stage, pen: Pen, where: str) -> None:
    """SIGTERM in the middle: no half text is left behind, and nothing is written over it."""
    scene.grace = 0.6
    task = asyncio.create_task(supervise(scene.build, TOKEN, first_pause=0.05))
    await scene.ready()
    above = await ask(scene, where)
    pen.write("It opens")
    await shown(scene, f"{above}It opens …")
    pen.write("It opens in")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 10)
    (message,) = scene.discord.of_bot()
    assert message["content"] == RESTARTING


async def test_an_answer_is_finished_at_the_end(scene: Stage, pen: Pen) -> None:
    """SIGTERM while the model writes its last words."""
    scene.grace = 8.0
    task = asyncio.create_task(supervise(scene.build, TOKEN, first_pause=0.05))
    await scene.ready()
    above = await ask(scene, "slash")
    pen.write("It opens")
    await shown(scene, f"{above}It opens …")
    os.kill(os.getpid(), signal.SIGTERM)
    pen.stop()
    await asyncio.wait_for(task, 10)
    (message,) = scene.discord.of_bot()
    assert message["content"] == above + FINAL


# ---- the stream alone


async def test_what_is_being_shown_is_shown_when_the_stream_has_ended() -> None:
    """An edit that came after the answer would take its place."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    shows: list[str] = []

    async def show(text: str) -> None:
        begun.set()
        await go_on.wait()
        shows.append(text)

    stream = Stream(show, lambda: 60)
    stream.tell("a")
    await begun.wait()
    stream.tell("b")
    ending = asyncio.create_task(stream.end())
    await asyncio.sleep(0)
    assert not ending.done()
    go_on.set()
    await asyncio.wait_for(ending, 5)
    stream.tell("c")
    assert shows == ["a"]


async def test_a_stream_that_was_never_told_anything_shows_nothing() -> None:
    """Also when it is told too late."""
    shows: list[str] = []

    async def show(text: str) -> None:
        shows.append(text)

    stream = Stream(show, lambda: 60)
    await stream.end()
    stream.tell("late")
    await asyncio.sleep(0)
    assert shows == []
