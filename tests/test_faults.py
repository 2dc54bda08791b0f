"""What Discord does wrong while the bot answers: nothing is lost, nothing said twice. The real client, loopback."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from discord_kit import QuickBot, Stage, stage
from fake_discord import CHANNEL

Payload = dict[str, Any]


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
