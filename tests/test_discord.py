"""The Discord face: the real discord.py client against a loopback Discord."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from discord_kit import TOKEN, QuickBot, Stage, stage
from fake_discord import BOT, CHANNEL, DM, RESET, After, reply, snowflake
from fakes import answer

from bot.answering.datatypes import Dropped, Generated
from bot.cogs.asking import SORRY
from bot.database import Kept
from vectorstore.datatypes import Chunk, UserError


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


async def said(scene: Stage, count: int = 1, channel: str = CHANNEL) -> list[dict[str, Any]]:
    """The bot's messages in a channel, once there are `count`."""
    found: list[dict[str, Any]] = await scene.discord.wait_for(
        lambda: m if len(m := scene.discord.of_bot(channel)) >= count else None
    )
    return found


# ---- asking


async def test_slash_ask_is_acknowledged_and_answered_in_place(scene: Stage, bot: QuickBot) -> None:
    """First "thinking…", then the question, the answer, its footnote and the buttons."""
    interaction = await scene.discord.slash("ask", question="When does it open?")
    message = await scene.discord.answer_to(interaction)
    assert scene.discord.callbacks[interaction["id"]]["type"] == 5
    assert message["content"].startswith("> When does it open?\nIn May.\n\n-# [1] Ferry, 3 March 2026")
    labels = [
        b.get("label") or b["emoji"]["name"] for row in message["components"] for b in row["components"]
    ]
    assert labels == ["Sources", "Why", "👍", "👎", "Delete"]
    assert scene.chain.asked == [("When does it open?", [])]


@pytest.mark.parametrize(("private", "flags"), [(True, 64), (False, 0)])
async def test_a_private_question_is_answered_to_the_asker_alone(
    scene: Stage, bot: QuickBot, private: bool, flags: int
) -> None:
    """By Discord's own flag, set when the command is acknowledged."""
    interaction = await scene.discord.slash("ask", question="When?", private=private)
    await scene.discord.answer_to(interaction)
    data = scene.discord.callbacks[interaction["id"]].get("data") or {}
    assert data.get("flags", 0) & 64 == flags


async def test_a_mention_is_answered_as_a_reply(scene: Stage, bot: QuickBot) -> None:
    """Without a ping, after "typing…"."""
    asked = await scene.discord.say(f"<@{BOT}> when does it open?", mention=True)
    (message,) = await said(scene)
    assert scene.chain.asked == [("when does it open?", [])]
    assert message["message_reference"]["message_id"] == asked["id"]
    assert message["content"].startswith("In May.")
    assert ("POST", f"channels/{CHANNEL}/typing") in [(m, p) for m, p, _ in scene.discord.requests]


async def test_a_mention_under_a_question_asks_that_question(scene: Stage, bot: QuickBot) -> None:
    """ "@Footnote" in reply to somebody."""
    asked = await scene.discord.say("When does the ferry open?", author="5001")
    await scene.discord.say(f"<@{BOT}>", mention=True, reply_to=asked["id"])
    await said(scene)
    assert scene.chain.asked == [("When does the ferry open?", [])]


async def test_a_bare_mention_says_what_to_do(scene: Stage, bot: QuickBot) -> None:
    """No question, no answer."""
    await scene.discord.say(f"<@{BOT}>", mention=True)
    (message,) = await said(scene)
    assert message["content"].startswith("Ask me a question")
    assert scene.chain.asked == []


async def test_a_reply_to_an_answer_goes_on_with_it(scene: Stage, bot: QuickBot) -> None:
    """The reply chain, read back from Discord, is the history."""
    await scene.discord.say(f"<@{BOT}> when does it open?", mention=True)
    (first,) = await said(scene)
    await scene.discord.say("and why?", reply_to=first["id"], mention=True)
    await said(scene, 2)
    assert scene.chain.asked[1] == ("and why?", [("when does it open?", "In May.")])


async def test_a_reply_to_a_slash_answer_knows_its_question(scene: Stage, bot: QuickBot) -> None:
    """It stands above the answer, escapes and all."""
    interaction = await scene.discord.slash("ask", question="When does *it* open?")
    message = await scene.discord.answer_to(interaction)
    await scene.discord.say("why?", reply_to=message["id"], mention=True)
    await scene.discord.wait_for(lambda: len(scene.chain.asked) == 2)
    assert scene.chain.asked[1] == ("why?", [("When does *it* open?", "In May.")])


async def test_a_direct_message_is_a_conversation(scene: Stage, bot: QuickBot) -> None:
    """No mention needed; what was said before is the history, also after a restart."""
    await scene.discord.say("When does it open?", channel=DM)
    await said(scene, 1, DM)
    await scene.discord.say("Why?", channel=DM)
    await said(scene, 2, DM)
    assert scene.chain.asked == [("When does it open?", []), ("Why?", [("When does it open?", "In May.")])]


async def test_other_messages_are_left_alone(scene: Stage, bot: QuickBot) -> None:
    """No mention, another bot, and a message that Discord delivers twice."""
    await scene.discord.say("just talking")
    spoken = scene.discord.message(f"<@{BOT}> when?", mention=True)
    robot = scene.discord.message(f"<@{BOT}> hello", mention=True)
    robot["author"]["bot"] = True
    for data in (robot, spoken, spoken):
        await scene.discord.dispatch("MESSAGE_CREATE", data)
    await scene.discord.say(f"<@{BOT}> last?", mention=True)
    await scene.discord.wait_for(lambda: any(q == "last?" for q, _ in scene.chain.asked))
    assert sorted(question for question, _ in scene.chain.asked) == ["last?", "when?"]


async def test_the_context_menu_asks_about_a_message(scene: Stage, bot: QuickBot) -> None:
    """Its text is the question; the answer is private."""
    message = scene.discord.message("When does it open?", author="5001")
    data = {
        "id": snowflake(), "name": "Ask about this", "type": 3, "target_id": message["id"], "resolved": {"messages": {message["id"]: message}},
    }  # fmt: skip
    interaction = await scene.discord.interact(2, data, member="5000", channel=CHANNEL)
    await scene.discord.answer_to(interaction)
    assert scene.chain.asked == [("When does it open?", [])]
    assert scene.discord.callbacks[interaction["id"]]["data"]["flags"] & 64


async def test_what_is_unknown_is_said_with_the_closest_titles(scene: Stage, bot: QuickBot) -> None:
    """One honest sentence, and where to look."""
    scene.chain.says = lambda _: answer("I could not find that in the articles.", abstained=True)
    interaction = await scene.discord.slash("ask", question="Who?")
    message = await scene.discord.answer_to(interaction)
    assert "I could not find that in the articles.\n\n-# closest articles: Ferry" in message["content"]


async def test_an_error_is_one_fixed_sentence_and_its_text_stays_inside(scene: Stage, bot: QuickBot) -> None:
    """What a UserError says is for users; anything else is for the log."""

    def fails(question: str) -> Any:
        raise UserError("ask in at most 2000") if question == "mild" else RuntimeError("secret path /srv/x")

    scene.chain.says = fails
    mild = await scene.discord.answer_to(await scene.discord.slash("ask", question="mild"))
    bad = await scene.discord.answer_to(await scene.discord.slash("ask", question="bad"))
    assert mild["content"] == "ask in at most 2000"
    assert bad["content"] == SORRY
    await scene.discord.say(f"<@{BOT}> bad", mention=True)
    messages = await said(scene)
    assert all("secret" not in message["content"] for message in messages)


async def test_nothing_in_an_answer_pings_or_links(scene: Stage, bot: QuickBot) -> None:
    """On every path: slash command, mention, error text."""
    evil = "@everyone <@5001> <@&77> https://evil.example/?q=1"
    scene.chain.says = lambda _: answer(evil, quote=evil, title=evil)
    await scene.discord.answer_to(await scene.discord.slash("ask", question=evil))
    await scene.discord.say(f"<@{BOT}> {evil}", mention=True)
    await said(scene)

    def fails(_: str) -> Any:
        raise UserError(evil)

    scene.chain.says = fails
    await scene.discord.say(f"<@{BOT}> again", mention=True)
    await said(scene, 2)
    assert scene.discord.pinged == []
    sent = [body for _, path, body in scene.discord.requests if "content" in body]
    assert sent
    assert all("https://evil" not in body["content"] for body in sent)
    assert all(body.get("allowed_mentions", {}).get("parse") == [] for body in sent)


async def test_a_very_long_answer_comes_as_a_file(scene: Stage, bot: QuickBot) -> None:
    """One message with the beginning, and all of it attached."""
    scene.chain.says = lambda _: answer(" ".join(f"Sentence {i} is here." for i in range(600)))
    message = await scene.discord.answer_to(await scene.discord.slash("ask", question="All?"))
    assert len(message["content"]) <= 2000
    assert "Sentence 599" in message["files"]["answer.md"]


# ---- buttons


async def answered(scene: Stage, member: str = "5000") -> dict[str, Any]:
    """A message with an answer."""
    return await scene.discord.answer_to(await scene.discord.slash("ask", question="When?", member=member))


async def test_sources_shows_the_passages_as_they_stand_now(scene: Stage, bot: QuickBot) -> None:
    """Privately; a passage that was removed since is not shown."""
    message = await answered(scene)
    scene.chain.chunks["ab.1.0"] = Chunk(
        text="The ferry *opens* in May.", start=0, end=25, section="", sentences=((0, 25),)
    )
    shown = await scene.discord.answer_to(await scene.discord.press(message, "Sources"))
    assert "> The ferry \\*opens\\* in May." in shown["content"]
    scene.chain.chunks.clear()
    gone = await scene.discord.answer_to(await scene.discord.press(message, "Sources"))
    assert "changed or removed" in gone["content"]
    assert "ferry \\*opens" not in gone["content"]


async def test_why_shows_scores_and_threshold_after_a_restart(scene: Stage) -> None:
    """Buttons carry the answer's number, and the answer is in the database."""
    async with scene.connected():
        message = await answered(scene)
    async with scene.connected():
        shown = await scene.discord.answer_to(await scene.discord.press(message, "Why"))
    assert "likelihood 0.70, threshold 0.15" in shown["content"]
    assert "0.90 = 0.50 by meaning, 0.80 by words" in shown["content"]
    assert "0.70 “in May” (reader +4.2, has answer +1.5)" in shown["content"]
    assert shown["flags"] & 64


async def test_why_tells_what_a_chat_model_wrote_and_what_was_left_out(scene: Stage, bot: QuickBot) -> None:
    """Model, prompt, tokens, each sentence with its reason; escaped, and in one message however many there are."""
    dropped = tuple(
        Dropped(text=f"{n} *boats* <@5001>. {'x' * 200}", reason="not there: @everyone") for n in range(30)
    )
    written = Generated(
        model="openai:gpt-5-mini", prompt="answer", prompt_hash="ab12", raw="", dropped=dropped,
        tokens_in=1800, tokens_out=40, cost=0.01, first_token=0.4, seconds=1.2,
    )  # fmt: skip
    note = "The chat model's answer was not supported by the articles; this is the built-in answer."
    explained = replace(answer(), note=note, trace=replace(answer().trace, generated=written))
    scene.chain.says = lambda _: explained
    message = await answered(scene)
    shown = (await scene.discord.answer_to(await scene.discord.press(message, "Why")))["content"]
    assert "openai:gpt-5-mini by prompt answer (ab12): 1,800 tokens read, 40 written in 1.2 s" in shown
    assert note in shown
    assert (
        "sentences of it that were left out: 30\n“0 \\*boats\\* \\<\\@5001>. …”: not there: \\@everyone"
        in shown
    )
    assert "0.90 = 0.50 by meaning" in shown
    assert len(shown) <= 2000
    assert scene.discord.pinged == []


async def test_votes_are_kept_and_a_bad_one_asks_why(scene: Stage, bot: QuickBot) -> None:
    """The vote counts at once, the words when they come; a second vote takes the place of the first."""
    message = await answered(scene)
    await scene.discord.answer_to(await scene.discord.press(message, "👍"))
    (vote,) = scene.database.votes(1)
    assert (vote.member_id, vote.good) == ("5000", True)
    pressed = await scene.discord.press(message, "👎", member="5001")
    callback = await scene.discord.wait_for(lambda: scene.discord.callbacks.get(pressed["id"]))
    assert callback["type"] == 9
    field = callback["data"]["components"][0]
    inner = field.get("component") or field["components"][0]
    data = {
        "custom_id": callback["data"]["custom_id"],
        "components": [
            {
                "type": 1,
                "components": [{"type": 4, "custom_id": inner["custom_id"], "value": "It opens in June."}],
            }
        ],
    }
    await scene.discord.answer_to(await scene.discord.interact(5, data, member="5001", channel=CHANNEL))
    votes = {v.member_id: (v.good, v.comment) for v in scene.database.votes(1)}
    assert votes == {"5000": (True, ""), "5001": (False, "It opens in June.")}


async def test_only_the_asker_or_staff_may_delete(scene: Stage, bot: QuickBot) -> None:
    """Others are told so."""
    message = await answered(scene, member="5000")
    refused = await scene.discord.answer_to(await scene.discord.press(message, "Delete", member="5001"))
    assert "can delete" in refused["content"]
    pressed = await scene.discord.press(message, "Delete", member="5000")
    assert (await scene.discord.answer_to(pressed)) == {"deleted": True}


async def test_a_button_of_another_server_tells_nothing(scene: Stage, bot: QuickBot) -> None:
    """The answer's server comes from the event itself."""
    message = await answered(scene)
    message = {**message, "channel_id": DM}
    shown = await scene.discord.answer_to(await scene.discord.press(message, "Why"))
    assert shown["content"] == "This answer is not kept any more."


async def test_privacy_shows_and_deletes(scene: Stage, bot: QuickBot) -> None:
    """All that is kept of a member, and only of that one."""
    await answered(scene, member="5000")
    await answered(scene, member="5001")
    shown = await scene.discord.answer_to(await scene.discord.slash("privacy"))
    assert "1 of your questions" in shown["content"]
    await scene.discord.answer_to(await scene.discord.slash("privacy", delete=True))
    assert scene.database.count("5000") == Kept(0, 0, 0)
    assert scene.database.count("5001") == Kept(1, 0, 0)


async def test_help_fits_into_a_message(scene: Stage, bot: QuickBot) -> None:
    """And names the ways to ask."""
    shown = await scene.discord.answer_to(await scene.discord.slash("help"))
    assert "/ask" in shown["content"]


# ---- staying up


async def test_commands_are_synced_only_when_they_changed(scene: Stage) -> None:
    """Discord allows 200 a day."""
    for _ in range(2):
        async with scene.connected():
            pass
    synced = [path for method, path, _ in scene.discord.requests if method == "PUT"]
    assert len(synced) == 1


async def test_busy_members_wait_their_turn_and_floods_are_told(scene: Stage) -> None:
    """One member's flood is refused politely; another member is answered meanwhile."""
    async with scene.connected(workers=1, most_per_member=2):
        scene.chain.gate.clear()
        flood = [await scene.discord.slash("ask", question=f"q{i}") for i in range(5)]
        refused = await scene.discord.wait_for(lambda: len(scene.discord.answers) >= 2)
        assert refused
        assert all("are waiting already" in m["content"] for m in scene.discord.answers.values())
        other = await scene.discord.slash("ask", question="other", member="5001")
        await scene.discord.wait_for(lambda: other["id"] in scene.discord.callbacks)
        scene.chain.gate.set()
        await scene.discord.answer_to(other)
        for interaction in flood:
            await scene.discord.answer_to(interaction)
    order = [question for question, _ in scene.chain.asked]
    assert order.index("other") < len(order) - 1


async def test_who_waits_is_told_their_place_where_the_answer_will_stand(scene: Stage) -> None:
    """A slash command in the place of "thinking…", a mention by a reply that makes room for the answer."""
    async with scene.connected(workers=1, patience=0.05):
        scene.chain.gate.clear()
        first = await scene.discord.slash("ask", question="q1", member="5001")
        await scene.discord.wait_for(lambda: scene.chain.asked)
        second = await scene.discord.slash("ask", question="q2", member="5002")
        told = await scene.discord.answer_to(second)
        assert told["content"] == "-# Your question is the next one."
        asked = await scene.discord.say(f"<@{BOT}> q3", mention=True, author="5003")
        notice = await scene.discord.wait_for(
            lambda: next((m for m in scene.discord.of_bot() if "message_reference" in m), None)
        )
        assert notice["content"] == "-# 1 question is before yours."
        assert notice["message_reference"]["message_id"] == asked["id"]
        scene.chain.gate.set()
        await scene.discord.wait_for(
            lambda: sum("In May." in m["content"] for m in scene.discord.of_bot()) == 3
        )
    contents = [m["content"] for m in scene.discord.of_bot()]
    assert all("In May." in content for content in contents)
    assert len(contents) == 3
    assert "In May." in scene.discord.answers[first["token"]]["content"]


@pytest.mark.parametrize("failure", ["503", "reset"])
async def test_a_lost_answer_is_sent_again_and_shown_once(scene: Stage, bot: QuickBot, failure: str) -> None:
    """503 and a reset connection are what discord.py does not repeat itself."""
    failed: list[str] = []

    def fault(method: str, path: str) -> Any:
        if (
            method in {"PATCH", "POST"}
            and ("@original" in path or path.endswith("/messages"))
            and path not in failed
        ):
            failed.append(path)
            return RESET if failure == "reset" else reply({"message": "busy", "code": 0}, 503)
        return None

    scene.discord.fault = fault
    message = await answered(scene)
    assert "In May." in message["content"]
    await scene.discord.say("when?", channel=DM)
    assert len(await said(scene, 1, DM)) == 1
    assert len(failed) == 2


@pytest.mark.parametrize("failure", [reply({"message": "no", "code": 0}, 500), RESET], ids=["500", "reset"])
async def test_a_message_whose_receipt_is_lost_is_shown_once(
    scene: Stage, bot: QuickBot, failure: Any
) -> None:
    """It is sent again, for nobody knows whether it had its effect; the same nonce says that it is the same."""
    failed: list[str] = []

    def fault(method: str, path: str) -> Any:
        if method == "POST" and path == f"channels/{DM}/messages" and len(failed) < 2:
            failed.append(path)
            return After(failure)
        return None

    scene.discord.fault = fault
    await scene.discord.say("when?", channel=DM)
    await said(scene, 1, DM)
    await answered(scene)
    await scene.discord.wait_for(lambda: sum(p == failed[0] for _, p, _ in scene.discord.requests) == 3, 15)
    assert len(scene.discord.of_bot(DM)) == 1


async def test_an_acknowledgement_that_had_its_effect_is_not_an_error(scene: Stage, bot: QuickBot) -> None:
    """40060: the first attempt came through although its answer was lost."""

    def fault(method: str, path: str) -> Any:
        if path.endswith("/callback"):
            return reply({"code": 40060, "message": "Interaction has already been acknowledged."}, 400)
        return None

    scene.discord.fault = fault
    message = await answered(scene)
    assert "In May." in message["content"]


async def test_an_expired_token_is_answered_in_the_channel(scene: Stage, bot: QuickBot) -> None:
    """After 15 minutes an interaction can no longer be answered in place."""

    def fault(method: str, path: str) -> Any:
        return (
            reply({"code": 50027, "message": "Invalid Webhook Token"}, 401) if "@original" in path else None
        )

    scene.discord.fault = fault
    await scene.discord.slash("ask", question="When?")
    (message,) = await said(scene)
    assert "In May." in message["content"]


async def test_a_deleted_question_is_answered_in_the_channel(scene: Stage, bot: QuickBot) -> None:
    """The message that it would reply to is gone."""

    def fault(method: str, path: str) -> Any:
        _, _, body = scene.discord.requests[-1]
        if method == "POST" and "message_reference" in body:
            return reply({"code": 50035, "message": "Invalid Form Body"}, 400)
        return None

    scene.discord.fault = fault
    await scene.discord.say(f"<@{BOT}> when?", mention=True)
    (message,) = await said(scene)
    assert "message_reference" not in message


@pytest.mark.parametrize("op", [7, 9])
async def test_the_gateway_may_ask_to_come_again(scene: Stage, bot: QuickBot, op: int) -> None:
    """Op 7 resumes the session, op 9 begins a new one; then it answers as before."""
    await scene.discord.send_op(op, False if op == 9 else None)
    await scene.discord.wait_for(
        lambda: scene.discord.resumed == 1 if op == 7 else scene.discord.identified == 2, 15
    )
    message = await answered(scene)
    assert "In May." in message["content"]


async def test_no_secret_is_logged_even_at_debug(scene: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Our own log has neither the bot's token nor an interaction's."""
    caplog.set_level(logging.DEBUG, logger="bot")
    scene.chain.says = lambda question: (
        (_ for _ in ()).throw(RuntimeError("no")) if question == "bad" else answer()
    )
    async with scene.connected():
        interaction = await scene.discord.slash("ask", question="bad")
        await scene.discord.answer_to(interaction)
    assert "a question could not be answered" in caplog.text
    assert TOKEN not in caplog.text
    assert interaction["token"] not in caplog.text


async def test_an_answer_is_kept_with_all_that_explains_it(scene: Stage, bot: QuickBot) -> None:
    """Question, citations, revision and scores come back from the database as they went in."""
    await answered(scene)
    found = scene.database.answer(1, guild_id="2000")
    assert found is not None
    assert found == (replace(answer(), question="When?"), "5000")
    await asyncio.sleep(0)
    assert scene.database.answer(1, guild_id="2001") is None


async def test_an_event_that_comes_again_after_a_resume_is_answered_once(scene: Stage, bot: QuickBot) -> None:
    """Discord replays what it is not sure the bot has had."""
    data = scene.discord.message(f"<@{BOT}> when?", mention=True)
    await scene.discord.dispatch("MESSAGE_CREATE", data)
    await said(scene)
    await scene.discord.send_op(7)
    await scene.discord.wait_for(lambda: scene.discord.resumed == 1, 15)
    await scene.discord.dispatch("MESSAGE_CREATE", data)
    await answered(scene)
    assert [question for question, _ in scene.chain.asked] == ["when?", "When?"]


async def test_in_a_thread_that_began_with_an_answer_no_mention_is_needed(scene: Stage) -> None:
    """Where the operator has switched the message content on; what was said in it is the history."""
    scene.message_content = True
    async with scene.connected():
        await scene.discord.say(f"<@{BOT}> when does it open?", mention=True)
        (first,) = await said(scene)
        thread = {
            "id": first["id"], "type": 11, "guild_id": "2000", "parent_id": CHANNEL, "owner_id": "5000", "name": "Ferry", "message_count": 0, "member_count": 1,
            "thread_metadata": {"archived": False, "auto_archive_duration": 1440, "archive_timestamp": "2026-01-01T00:00:00+00:00"},
        }  # fmt: skip
        await scene.discord.dispatch("THREAD_CREATE", thread)
        await scene.discord.say("and why so late?", channel=first["id"])
        await said(scene, 1, first["id"])
        await scene.discord.say("is that sure?", channel=first["id"])
        await said(scene, 2, first["id"])
    begun = ("when does it open?", "In May.")
    assert scene.chain.asked[1] == ("and why so late?", [begun])
    assert scene.chain.asked[2] == ("is that sure?", [begun, ("and why so late?", "In May.")])
