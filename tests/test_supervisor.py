"""What ends the client ends neither the bot nor an answer, unless only the operator can mend it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from discord_kit import TOKEN, Stage, stage
from fake_discord import BOT, RESET, reply

from bot.cogs.asking import RESTARTING
from bot.supervisor import supervise
from vectorstore.datatypes import UserError


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """A loopback Discord without a bot yet."""
    async with stage(tmp_path) as made:
        yield made


def running(scene: Stage, grace: float = 2.0) -> asyncio.Task[None]:
    """The bot as `python -m bot` runs it, with short pauses."""
    scene.grace = grace
    return asyncio.create_task(supervise(scene.build, TOKEN, first_pause=0.05))


async def stopped(task: asyncio.Task[None], seconds: float = 10) -> None:
    """After SIGTERM it ends without an error."""
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, seconds)


async def test_it_waits_for_discord_to_come_up(scene: Stage) -> None:
    """REST and gateway unreachable at boot: discord.py itself ends for good."""
    port = scene.discord.port
    await scene.discord.stop()
    task = running(scene)
    await asyncio.sleep(0.3)
    assert not task.done()
    await scene.discord.start(port)
    await scene.ready()
    assert (
        "In May."
        in (await scene.discord.answer_to(await scene.discord.slash("ask", question="When?")))["content"]
    )
    await stopped(task)


@pytest.mark.parametrize(
    ("failure", "where"),
    [
        (RESET, "users/@me"),
        (reply({"message": "no", "code": 0}, 503), "users/@me"),
        # Cloudflare's, without the Via header of Discord's own
        (web.Response(status=429, text="error code: 1015"), "users/@me"),
        (reply({"message": "no", "code": 0}, 503), "gateway/bot"),
        (web.Response(status=503), "gateway"),
    ],
    ids=["REST resets", "REST 503", "Cloudflare 429", "no gateway known", "gateway 503"],
)
async def test_it_waits_for_each_part_of_discord(scene: Stage, failure: web.Response, where: str) -> None:
    """Each alone: REST without the gateway, and the gateway without REST."""
    failed: list[str] = []

    def fault(_method: str, path: str) -> web.Response | None:
        if path == where and not failed:
            failed.append(path)
            return failure if failure is RESET else copy(failure)
        return None

    scene.discord.fault = fault
    task = running(scene)
    await scene.ready()
    assert failed
    message = await scene.discord.answer_to(await scene.discord.slash("ask", question="When?"))
    assert "In May." in message["content"]
    await stopped(task)


def copy(response: web.Response) -> web.Response:
    """One that has not been sent yet."""
    return web.Response(status=response.status, body=response.body, headers=response.headers)


async def test_a_malformed_event_is_lost_alone(scene: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """discord.py would die of a KeyError, and of the answers in flight nothing more would be heard."""
    task = running(scene)
    await scene.ready()
    scene.chain.gate.clear()
    interaction = await scene.discord.slash("ask", question="When?")
    await scene.discord.wait_for(lambda: scene.chain.asked)
    for event in ("MESSAGE_CREATE", "INTERACTION_CREATE", "GUILD_CREATE"):
        await scene.discord.dispatch(event, {"nonsense": True})
    later = await scene.discord.slash("ask", question="And why?", member="5001")
    scene.chain.gate.set()
    for each in (interaction, later):
        assert "In May." in (await scene.discord.answer_to(each))["content"]
    assert scene.discord.identified == 1
    assert caplog.text.count("could not be read") == 3
    await stopped(task)


async def test_a_client_that_dies_finishes_its_answers_and_another_takes_over(scene: Stage) -> None:
    """Of a frame that is no JSON; discord.py hangs up on its own, which must not leave a "thinking…"."""
    task = running(scene)
    await scene.ready()
    scene.chain.gate.clear()
    interaction = await scene.discord.slash("ask", question="When?")
    await scene.discord.wait_for(lambda: scene.chain.asked)
    await scene.discord.send_text("{nonsense")
    await asyncio.sleep(0.1)
    scene.chain.gate.set()
    assert "In May." in (await scene.discord.answer_to(interaction))["content"]
    await scene.ready(2)
    message = await scene.discord.answer_to(await scene.discord.slash("ask", question="Why?"))
    assert "In May." in message["content"]
    await stopped(task)


async def test_a_wrong_token_is_final_and_says_what_to_do(scene: Stage) -> None:
    """No second attempt: Discord bans addresses that keep trying."""
    scene.discord.fault = lambda _method, _path: reply({"message": "401: Unauthorized", "code": 0}, 401)
    with pytest.raises(
        UserError, match=r"Discord refuses DISCORD_TOKEN: copy it again from https://discord\.com/dev"
    ):
        await asyncio.wait_for(running(scene), 10)
    assert len(scene.discord.requests) == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (4004, "refuses DISCORD_TOKEN: copy it again from https://discord"),
        (4014, "refuses an intent: switch it on at https://discord"),
        (4010, "set BOT_SHARD_IDS and BOT_SHARD_COUNT anew"),
        (4011, "set BOT_SHARD_IDS and BOT_SHARD_COUNT anew"),
        (4013, "update it"),
    ],
)
async def test_a_refusal_of_the_gateway_is_final(scene: Stage, code: int, told: str) -> None:
    """Wrong token, missing intent and what else no new attempt can mend, by Discord's own codes."""
    scene.discord.refuse_with = code
    with pytest.raises(UserError, match=told):
        await asyncio.wait_for(running(scene), 10)
    assert scene.discord.identified == 1


async def test_an_answer_in_flight_is_finished_at_the_end(scene: Stage) -> None:
    """SIGTERM while the chain works: it gets its seconds."""
    task = running(scene, grace=8.0)
    await scene.ready()
    scene.chain.gate.clear()
    interaction = await scene.discord.slash("ask", question="When?")
    await scene.discord.wait_for(lambda: scene.chain.asked)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.1)
    scene.chain.gate.set()
    message = await scene.discord.answer_to(interaction)
    assert "In May." in message["content"]
    await asyncio.wait_for(task, 10)


async def test_what_cannot_be_finished_says_restarting(scene: Stage) -> None:
    """No "thinking…" is left behind, nor a mention without a reply; the end comes within ten seconds."""
    task = running(scene, grace=1.0)
    await scene.ready()
    scene.chain.gate.clear()
    interaction = await scene.discord.slash("ask", question="When?")
    asked = await scene.discord.say(f"<@{BOT}> When?", mention=True, author="5001")
    await scene.discord.wait_for(lambda: len(scene.chain.asked) == 2)
    began = time.monotonic()
    await stopped(task)
    assert time.monotonic() - began < 10
    assert scene.discord.answers[interaction["token"]]["content"] == RESTARTING
    (below,) = [m for m in scene.discord.of_bot() if "message_reference" in m]
    assert (below["content"], below["message_reference"]["message_id"]) == (RESTARTING, asked["id"])
    scene.chain.gate.set()


async def test_who_asks_while_it_ends_is_told_at_once(scene: Stage) -> None:
    """Also who asks when the others are just being told; nobody's question is begun."""
    task = running(scene, grace=4.0)
    await scene.ready()
    scene.chain.gate.clear()
    first = await scene.discord.slash("ask", question="When?")
    await scene.discord.wait_for(lambda: scene.chain.asked)
    os.kill(os.getpid(), signal.SIGTERM)
    await scene.discord.wait_for(lambda: scene.bots[-1].asking._ending)
    second = await scene.discord.slash("ask", question="Why?", member="5001")
    assert (await scene.discord.answer_to(second, 1.5))["content"] == RESTARTING
    failed: list[str] = []

    def fault(_method: str, path: str) -> Any:
        if path.endswith("@original") and path not in failed:
            failed.append(path)
            return reply({"message": "busy", "code": 0}, 503)
        return None

    scene.discord.fault = fault
    await scene.discord.wait_for(lambda: failed)
    late = await scene.discord.slash("ask", question="How?", member="5002")
    await asyncio.wait_for(task, 10)
    assert [scene.discord.answers[each["token"]]["content"] for each in (first, late)] == [RESTARTING] * 2
    assert [question for question, _ in scene.chain.asked] == ["When?"]
    scene.chain.gate.set()


async def test_who_adds_an_article_while_it_ends_is_told(scene: Stage) -> None:
    """No "Reading …" is left behind."""
    task = running(scene, grace=1.0)
    await scene.ready()
    await scene.bots[-1].adder._one.acquire()  # another is being read, to the end
    interaction = await scene.discord.library("add", file=("a.txt", b"The ferry opens in May."))
    await scene.discord.answer_to(interaction)
    await stopped(task)
    told = scene.discord.answers[interaction["token"]]["content"]
    assert told == "I am being restarted: please try again in a moment."


async def test_a_dropped_connection_is_taken_up_again(scene: Stage) -> None:
    """The session is resumed, and nothing is answered twice."""
    task = running(scene)
    await scene.ready()
    await scene.discord.drop(1006)
    await scene.discord.wait_for(lambda: scene.discord.resumed + scene.discord.identified > 1, 20)
    await asyncio.sleep(0.2)
    interaction = await scene.discord.slash("ask", question="When?")
    await scene.discord.answer_to(interaction)
    assert len(scene.chain.asked) == 1
    await stopped(task)


def test_shards_need_their_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids without the number of all shards cannot be right."""
    from bot.discord_main import _shards
    from bot.settings import DiscordSettings

    def told(**fields: Any) -> dict[str, object]:
        return _shards(DiscordSettings(**fields))

    assert told(shard_ids="0,1", shard_count=4) == {"shard_ids": [0, 1], "shard_count": 4}
    assert told() == {}
    for wrong in (
        {"shard_ids": "0,1"},
        {"shard_ids": "4", "shard_count": 4},
        {"shard_ids": "a", "shard_count": 4},
    ):
        with pytest.raises(UserError, match="BOT_SHARD_IDS"):
            told(**wrong)
