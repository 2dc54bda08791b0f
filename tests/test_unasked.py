"""Answering without being asked, settings, and hello: the real client against a loopback Discord."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
from discord_kit import QuickBot, Stage, stage
from fake_discord import BOT, CHANNEL, FORUM, GUILD, MODS, STAFF, role, snowflake, thread
from fakes import answer

from bot.cogs.unasked import SURE, is_question
from bot.database import GuildSettings
from vectorstore.datatypes import NoArticlesError


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """A server that has chosen its channel and its forum, and whose operator switched the intent on."""
    async with stage(tmp_path) as made:
        made.message_content = True
        settings = GuildSettings(
            auto_channels=(int(CHANNEL), int(FORUM)), staff_role=int(STAFF), helpers_channel=int(CHANNEL)
        )
        made.database.set(GUILD, settings)
        yield made


@pytest.fixture
async def bot(scene: Stage) -> AsyncIterator[QuickBot]:
    """A bot that waits only a moment for further messages."""
    async with scene.connected() as made:
        made.unasked.pause = 0.1
        yield made


async def quiet(scene: Stage) -> None:
    """Some time in which the bot could have said something: the end of a question that it is asked by name."""
    await asyncio.sleep(0.4)
    await scene.discord.answer_to(await scene.discord.slash("ask", question="still there?", member="5999"))


def unasked(scene: Stage) -> list[dict[str, Any]]:
    """What the bot said to all without being asked."""
    for_all = [m for m in scene.discord.of_bot() if not m.get("flags", 0) & 64]
    return [m for m in for_all if not m["content"].startswith("> still there")]


async def test_a_question_in_a_chosen_channel_is_answered(scene: Stage, bot: QuickBot) -> None:
    """As a reply, and a few messages typed in a row are one question."""
    bot.unasked.pause = 1.0
    first = await scene.discord.say("hey, about the ferry")
    last = await scene.discord.say("when does it open?")
    await scene.discord.wait_for(lambda: unasked(scene))
    assert scene.chain.asked[0][0] == "hey, about the ferry\nwhen does it open?"
    (message,) = unasked(scene)
    assert message["message_reference"]["message_id"] == last["id"] != first["id"]


@pytest.mark.parametrize(
    "said", ["the ferry is late again", "lol", "?", "I know when it opens", "https://example.com/a"]
)
async def test_talk_is_left_alone(scene: Stage, bot: QuickBot, said: str) -> None:
    """Only questions."""
    await scene.discord.say(said)
    await quiet(scene)
    assert [question for question, _ in scene.chain.asked] == ["still there?"]


async def test_an_unsure_answer_is_not_given(scene: Stage, bot: QuickBot) -> None:
    """What would do for somebody who asks is not enough for somebody who did not."""
    scene.chain.says = lambda _: replace(answer(), trace=replace(answer().trace, likelihood=0.3))
    await scene.discord.say("when does it open?")
    await quiet(scene)
    assert unasked(scene) == []


async def test_an_answer_that_nobody_asked_for_comes_as_a_whole(scene: Stage, bot: QuickBot) -> None:
    """It does not grow before everybody's eyes, and the chain is told how sure to be."""
    scene.chain.writes = lambda _: ["It opens", "It opens in"]
    await scene.discord.say("when does it open?")
    await scene.discord.wait_for(lambda: unasked(scene))
    await quiet(scene)
    sent = [
        body["content"]
        for method, path, body in scene.discord.requests
        if path.startswith("channels/") and body
    ]
    assert sent == [unasked(scene)[0]["content"]]
    assert scene.chain.sure == [SURE, None]


async def test_what_is_unknown_is_noted_for_the_helpers(scene: Stage, bot: QuickBot) -> None:
    """Without a mention, with the question and where it stands."""
    scene.chain.says = lambda _: answer("I could not find that.", abstained=True)
    asked = await scene.discord.say("when does <@5001> open?")
    await scene.discord.wait_for(lambda: unasked(scene))
    (note,) = unasked(scene)
    assert note["content"].startswith("Not in the articles: when does somebody open?")
    assert note["content"].endswith(f"https://discord.com/channels/{GUILD}/{CHANNEL}/{asked['id']}")
    assert scene.discord.pinged == []


@pytest.mark.parametrize("how", ["mention", "slash"])
async def test_what_is_asked_in_a_private_channel_is_not_repeated_to_the_helpers(
    scene: Stage, bot: QuickBot, how: str
) -> None:
    """Where the moderators are among themselves; the link opens for those who may read there."""
    seen = str(discord.Permissions(view_channel=True).value)
    hidden = {"id": GUILD, "type": 0, "allow": "0", "deny": seen}
    not_from_us = {"id": BOT, "type": 1, "allow": seen, "deny": "0"}
    data = {"id": MODS, "type": 0, "name": "mods", "position": 2, "guild_id": GUILD, "permission_overwrites": [hidden, not_from_us]}  # fmt: skip
    await scene.discord.dispatch("CHANNEL_CREATE", data)
    scene.chain.says = lambda _: answer("I could not find that.", abstained=True)
    if how == "mention":
        await scene.discord.say(f"<@{BOT}> is Bob going to be banned?", mention=True, channel=MODS)
        await scene.discord.wait_for(lambda: unasked(scene))
        (note,) = unasked(scene)
        assert note["content"].startswith("Not in the articles: a question https://discord.com/channels/")
    else:
        asked = await scene.discord.slash("ask", question="is Bob going to be banned?", channel=MODS)
        await scene.discord.answer_to(asked)
        await quiet(scene)
        assert not any("Not in the articles" in message["content"] for message in scene.discord.of_bot())


async def test_an_answer_in_flight_is_finished_at_the_end(scene: Stage, bot: QuickBot) -> None:
    """Although nobody asked for it, somebody waits."""
    scene.chain.gate.clear()
    await scene.discord.say("when does it open?")
    await scene.discord.wait_for(lambda: scene.chain.asked)
    ending = asyncio.create_task(bot.close())
    await asyncio.sleep(0.1)
    scene.chain.gate.set()
    await ending
    assert len(unasked(scene)) == 1


async def test_nothing_is_said_when_staff_has_answered(scene: Stage, bot: QuickBot) -> None:
    """By the role that the server has set."""
    scene.chain.gate.clear()
    await scene.discord.say("when does it open?")
    await scene.discord.say("In May, as I said.", author="5002", roles=(STAFF,))
    scene.chain.gate.set()
    await quiet(scene)
    assert unasked(scene) == []


@pytest.mark.parametrize("words", ["", f"<@{BOT}> when does it close?"], ids=["a picture", "to the bot"])
async def test_nothing_is_said_when_staff_has_spoken_in_another_way(
    scene: Stage, bot: QuickBot, words: str
) -> None:
    """Without a word, or with one for the bot, which answers that."""
    scene.chain.gate.clear()
    await scene.discord.say("when does it open?")
    await scene.discord.wait_for(lambda: scene.chain.asked)
    await scene.discord.say(words, author="5002", roles=(STAFF,), mention=bool(words))
    await scene.discord.wait_for(lambda: bot.unasked._staff_spoke)
    scene.chain.gate.set()
    await quiet(scene)
    assert len(unasked(scene)) == bool(words)


async def test_why_a_question_was_not_answered_is_logged(
    scene: Stage, bot: QuickBot, caplog: pytest.LogCaptureFixture
) -> None:
    """That there is no article is no matter of haste; nobody is told, for nobody asked."""
    caplog.set_level(logging.INFO, logger="bot")

    def says(question: str) -> Any:
        if question == "still there?":
            return answer()
        raise NoArticlesError("there are no articles yet")

    scene.chain.says = says
    await scene.discord.say("when does it open?")
    await scene.discord.wait_for(lambda: "not answered unasked: there are no articles yet" in caplog.text)
    await quiet(scene)
    assert unasked(scene) == []


async def test_staff_and_other_channels_are_left_alone(scene: Stage, bot: QuickBot) -> None:
    """Staff asks itself; a channel that was not chosen is none of our business."""
    await scene.discord.say("when does it open?", author="5002", roles=(STAFF,))
    await bot.desk.change(int(GUILD), auto_channels=())
    await scene.discord.say("when does it open?")
    await quiet(scene)
    assert unasked(scene) == []


async def test_a_mention_is_answered_once(scene: Stage, bot: QuickBot) -> None:
    """Not by both ways of asking."""
    await scene.discord.say(f"<@{BOT}> when does it open?", mention=True)
    await quiet(scene)
    assert len(unasked(scene)) == 1


async def posted(scene: Stage, content: str, *tags: str) -> str:
    """The id of a new post in the forum."""
    id_ = snowflake()
    await scene.discord.dispatch(
        "THREAD_CREATE", thread(id_, parent=FORUM, applied_tags=list(tags), newly_created=True)
    )
    post = scene.discord.message(content, channel=id_)
    post["id"] = id_
    await scene.discord.dispatch("MESSAGE_CREATE", post)
    return id_


async def test_the_opening_post_of_a_forum_is_a_question_with_its_title(scene: Stage, bot: QuickBot) -> None:
    """Whether or not it has a question mark."""
    id_ = await posted(scene, "I would like to know from which day on it runs.")
    await scene.discord.wait_for(lambda: scene.discord.of_bot(id_))
    assert scene.chain.asked[0][0] == "Ferry in spring\nI would like to know from which day on it runs."
    assert scene.discord.tags == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), ["8000"]),
        (("8001",), ["8001", "8000"]),
        (("8000",), None),
        (("8001", "8002", "8003", "8004", "8005"), None),
        (("8001", "1", "2", "3", "4"), ["8001", "8000"]),
    ],
    ids=["none", "one", "there already", "full", "some that are gone"],
)
async def test_a_post_that_could_not_be_answered_is_tagged(
    scene: Stage, bot: QuickBot, before: tuple[str, ...], after: list[str] | None
) -> None:
    """Beside the tags that its author chose."""
    scene.chain.says = lambda _: answer("I could not find that.", abstained=True)
    await command(scene, "tag", name="unanswered")
    id_ = await posted(scene, "From which day on does it run?", *before)
    await scene.discord.wait_for(lambda: unasked(scene))  # the note for the helpers comes after the tag
    assert scene.discord.tags.get(id_) == after


async def test_without_the_intent_nothing_is_seen_and_settings_say_so(scene: Stage) -> None:
    """Discord then sends empty texts, without any error."""
    scene.message_content = False
    async with scene.connected():
        await scene.discord.say("when does it open?")
        await quiet(scene)
        assert unasked(scene) == []
        shown = await command(scene, "show")
    assert "without the message content intent" in shown


@pytest.mark.parametrize(
    ("intent", "channels", "warned"),
    [(False, (int(CHANNEL),), True), (True, (int(CHANNEL),), False), (False, (), False)],
    ids=["intent missing", "intent there", "no channel chosen"],
)
async def test_a_missing_intent_is_said_at_the_start(
    scene: Stage, caplog: pytest.LogCaptureFixture, intent: bool, channels: tuple[int, ...], warned: bool
) -> None:
    """With the servers that miss it, and what to do; and only to those whom it concerns."""
    scene.message_content = intent
    scene.database.set(GUILD, GuildSettings(auto_channels=channels))
    scene.database.set("77", GuildSettings(auto_channels=(78,)))  # has thrown the bot out
    with caplog.at_level(logging.INFO, logger="bot"):
        async with scene.connected():
            await quiet(scene)
    assert "connected as footnote" in caplog.text
    told = f"1 servers have channels that are to be answered unasked ({GUILD})"
    assert (told in caplog.text and "BOT_MESSAGE_CONTENT=true" in caplog.text) is warned
    assert ("message content intent is off" in caplog.text) is warned


async def command(scene: Stage, verb: str, *, channel: tuple[str, int] | None = None, **options: Any) -> str:
    """The answer to /settings VERB; `channel` is an id and its type."""
    kinds = {bool: 5, str: 3, float: 10}
    given = [{"name": key, "type": kinds[type(value)], "value": value} for key, value in options.items()]
    resolved: dict[str, Any] = {}
    if channel is not None:
        given.append({"name": "channel", "type": 7, "value": channel[0]})
        known = {"id": channel[0], "type": channel[1], "name": "x", "permissions": "0"}
        resolved = {"channels": {channel[0]: known}}
    data = {
        "id": snowflake(), "name": "settings", "type": 1, "resolved": resolved, "options": [{"name": verb, "type": 1, "options": given}],
    }  # fmt: skip
    interaction = await scene.discord.interact(2, data, member="5000", channel=CHANNEL)
    return str((await scene.discord.answer_to(interaction))["content"])


async def test_channels_are_chosen_and_left_again(scene: Stage, bot: QuickBot) -> None:
    """Text channels and forums."""
    assert f"being asked: <#{CHANNEL}>, <#{FORUM}>" in await command(scene, "show")
    assert f"being asked: <#{FORUM}>" in await command(scene, "auto", channel=(CHANNEL, 0), on=False)
    assert f"being asked: <#{FORUM}>, <#{CHANNEL}>" in await command(
        scene, "auto", channel=(CHANNEL, 0), on=True
    )
    assert f"being asked: <#{CHANNEL}>" in await command(scene, "auto", channel=(FORUM, 15), on=False)
    assert scene.database.settings(GUILD).auto_channels == (int(CHANNEL),)


async def test_settings_are_kept_and_obeyed(scene: Stage, bot: QuickBot) -> None:
    """Also after a restart, for they are in the database."""
    shown = await command(scene, "show")
    assert f"answers without being asked: <#{CHANNEL}>, <#{FORUM}>" in shown
    assert "the asker alone" in await command(scene, "private", on=True)
    assert "threshold: 0.5" in await command(scene, "threshold", value=0.5)
    assert scene.database.settings(GUILD).threshold == 0.5
    interaction = await scene.discord.slash("ask", question="When?")
    await scene.discord.answer_to(interaction)
    assert scene.discord.callbacks[interaction["id"]]["data"]["flags"] & 64
    assert scene.chain.thresholds == [0.5]
    assert "threshold: the operator's" in await command(scene, "threshold")
    assert "staff: who may manage messages" in await command(scene, "staff")
    assert "notes what it does not know: nowhere" in await command(scene, "helpers")


async def test_what_keeps_the_bot_from_tagging_is_said(scene: Stage, bot: QuickBot) -> None:
    """A forum without the tag, a missing permission, no forum at all; and Discord is not asked in vain."""
    assert "<#3100> has no such tag" in await command(scene, "tag", name="lost")
    everything_else = discord.Permissions.all() & ~discord.Permissions(
        manage_threads=True, administrator=True
    )
    await scene.discord.dispatch(
        "GUILD_ROLE_UPDATE", {"guild_id": GUILD, "role": role(GUILD, everything_else)}
    )
    told = await command(scene, "tag", name="Unanswered")
    assert "could not answer: Unanswered" in told
    assert "I may not tag posts in <#3100>: give me the permission Manage Threads there." in told
    scene.chain.says = lambda _: answer("I could not find that.", abstained=True)
    await posted(scene, "From which day on does it run?")
    await scene.discord.wait_for(lambda: unasked(scene))
    assert not any(
        method == "PATCH" and path.startswith("channels/") for method, path, _ in scene.discord.requests
    )
    assert "no post is tagged" in await command(scene, "auto", channel=(FORUM, 15), on=False)
    shown = await command(scene, "tag")
    assert "could not answer: none" in shown
    assert "no post is tagged" not in shown


async def test_tags_complete_as_they_are_typed(scene: Stage, bot: QuickBot) -> None:
    """From those of the server's forums."""
    typed = {"name": "name", "type": 3, "value": "unan", "focused": True}
    data = {
        "id": snowflake(),
        "name": "settings",
        "type": 1,
        "options": [{"name": "tag", "type": 1, "options": [typed]}],
    }
    interaction = await scene.discord.interact(4, data, member="5000", channel=CHANNEL)
    callback = await scene.discord.wait_for(lambda: scene.discord.callbacks.get(interaction["id"]))
    assert [choice["name"] for choice in callback["data"]["choices"]] == ["Unanswered"]


async def test_hello_is_said_once(scene: Stage, bot: QuickBot) -> None:
    """In the system channel, when the bot joins; not again after being thrown out and invited back."""
    new: dict[str, Any] = {
        "id": "2002", "name": "New", "owner_id": "9000", "roles": [{"id": "2002", "name": "@everyone", "permissions": "0", "position": 0, "color": 0, "hoist": False, "managed": False, "mentionable": False}],
        "channels": [{"id": "3002", "type": 0, "name": "hall", "position": 0, "permission_overwrites": []}], "threads": [], "emojis": [], "features": [],
        "members": [], "member_count": 1, "system_channel_id": "3002", "presences": [], "voice_states": [], "stickers": [],
    }  # fmt: skip
    for _ in range(2):
        await scene.discord.dispatch("GUILD_CREATE", new)
        await scene.discord.wait_for(lambda: scene.discord.of_bot("3002"))
        await scene.discord.dispatch("GUILD_DELETE", {"id": "2002"})
    await quiet(scene)
    (hello,) = scene.discord.of_bot("3002")
    assert "/ask" in hello["content"]
    assert "/library add" in hello["content"]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("when does it open", True),
        ("does the ferry run on sundays?", True),
        ("how many tickets are left", True),
        ("the ferry opens in May", False),
        ("what a nice day", False),
        ("is that so", False),
        ("???", False),
    ],
)
def test_what_is_a_question(text: str, asks: bool) -> None:
    """A question mark and some content, or a question word that asks for something."""
    assert is_question(text) is asks


async def test_messages_that_overtake_each_other_are_put_in_order(
    scene: Stage, bot: QuickBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one's settings are read slowly, so that the second one is gathered before it."""
    read, waits = bot.desk.settings, iter([0.2])
    bot.unasked.pause = 1.0

    async def slow(guild: int | None) -> GuildSettings:
        await asyncio.sleep(next(waits, 0))
        return await read(guild)

    monkeypatch.setattr(bot.desk, "settings", slow)
    await scene.discord.say("hey, about the ferry")
    last = await scene.discord.say("when does it open?")
    await scene.discord.wait_for(lambda: unasked(scene))
    assert scene.chain.asked[0][0] == "hey, about the ferry\nwhen does it open?"
    assert unasked(scene)[0]["message_reference"]["message_id"] == last["id"]
