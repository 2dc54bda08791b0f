"""The Discord face: the real discord.py client against a loopback Discord."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from discord_kit import TOKEN, QuickBot, Stage, stage
from fake_discord import BOT, CHANNEL, DM, RESET, After, reply, snowflake, thread
from fakes import answer

from bot.answering.datatypes import Dropped, Generated
from bot.database import Kept
from bot.failing import SORRY, tell_failure
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


async def test_a_mention_under_a_question_asks_that_question(scene: Stage) -> None:
    """ "@Footnote" in reply to somebody, where the operator has switched the message content on."""
    scene.message_content = True
    async with scene.connected():
        asked = await scene.discord.say("When does the ferry open?", author="5001")
        await scene.discord.say(f"<@{BOT}>", mention=True, reply_to=asked["id"])
        (told,) = await said(scene)
        await scene.discord.say("and why?", reply_to=told["id"])
        await said(scene, 2)
    first, second = scene.chain.asked
    assert first == ("When does the ferry open?", [])
    assert [question for question, _ in second[1]] == ["When does the ferry open?"]


async def test_a_mention_under_a_question_that_is_not_seen_says_what_to_do(
    scene: Stage, bot: QuickBot
) -> None:
    """Without the intent Discord gives no text of it; but to the command behind a right click it does."""
    asked = await scene.discord.say("When does the ferry open?", author="5001")
    await scene.discord.say(f"<@{BOT}>", mention=True, reply_to=asked["id"])
    (message,) = await said(scene)
    assert message["content"].endswith("choose *Apps*, *Ask about this*.")
    assert scene.chain.asked == []


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


async def test_what_others_say_in_between_is_no_question_that_was_asked(scene: Stage, bot: QuickBot) -> None:
    """An answer belongs to the message that it replies to, not to the last one before it."""
    await scene.discord.dispatch("THREAD_CREATE", thread("3200", parent=CHANNEL))
    scene.chain.gate.clear()
    await scene.discord.say(f"<@{BOT}> when does it open?", mention=True, channel="3200")
    await scene.discord.wait_for(lambda: scene.chain.asked)
    scene.discord.message(f"<@{BOT}> my number is 555-0100", mention=True, author="5001", channel="3200")
    scene.chain.gate.set()
    await said(scene, 1, "3200")
    await scene.discord.say(f"<@{BOT}> and why?", mention=True, channel="3200")
    await said(scene, 2, "3200")
    assert scene.chain.asked[1] == ("and why?", [("when does it open?", "In May.")])


async def test_no_id_reaches_who_answers(scene: Stage, bot: QuickBot) -> None:
    """Neither in a question nor in what was said before: it may be a chat model far away."""
    asked = "does <@5001> or <@&77> open <#3000>, https://discord.com/channels/1/2/3 <:boat:12> </ask:13>?"
    plain = "does somebody or a role open a channel, a channel :boat: /ask?"
    await scene.discord.say(f"<@{BOT}> {asked}", mention=True)
    (first,) = await said(scene)
    await scene.discord.say("and <@!5002>?", reply_to=first["id"], mention=True)
    await said(scene, 2)
    await scene.discord.answer_to(await scene.discord.slash("ask", question=asked))
    assert scene.chain.asked == [
        (plain, []),
        ("and somebody?", [(plain, "In May.")]),
        (plain, []),
    ]


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
    message = scene.discord.message(f"<@{BOT}> When does it open?", author="5001")
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
    assert "0.70 “in May” (reader +4.2, close +3.9, has answer +1.5)" in shown["content"]
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


async def test_who_presses_delete_twice_is_told_nothing(
    scene: Stage, bot: QuickBot, caplog: pytest.LogCaptureFixture
) -> None:
    """The first time has done it; that is no error."""
    message = await answered(scene)
    gone = reply({"code": 10008, "message": "Unknown Message"}, 404)
    scene.discord.fault = lambda method, _path: gone if method == "DELETE" else None
    pressed = await scene.discord.press(message, "Delete")
    await scene.discord.wait_for(
        lambda: any(m == "GET" and p == f"channels/{CHANNEL}/messages" for m, p, _ in scene.discord.requests)
    )
    assert pressed["token"] not in scene.discord.answers
    assert "Traceback" not in caplog.text


LONG = "\n\n".join(f"Paragraph {i}. " + "It is said that it opens in May. " * 30 for i in range(3))


@pytest.mark.parametrize("where", ["slash", "mention", "streamed"])
async def test_a_long_answer_is_deleted_as_a_whole(scene: Stage, bot: QuickBot, where: str) -> None:
    """Its further messages reply to the first, by which they are told from all that stands below it."""
    scene.discord.permissions = str(discord.Permissions(send_messages=True).value)
    scene.chain.says = lambda question: answer() if question == "other?" else answer(LONG)
    scene.chain.writes = lambda question: ["Paragraph"] * (where == "streamed" and question == "when?")
    if where == "slash":
        await answered(scene)
    else:
        await scene.discord.say(f"<@{BOT}> when?", mention=True)
    first, *more = await said(scene, 3)
    await scene.discord.say(f"<@{BOT}> other?", mention=True, author="5001")
    await said(scene, 4)
    assert {m["message_reference"]["message_id"] for m in more} == {first["id"]}
    await scene.discord.press(scene.discord.messages[CHANNEL][first["id"]], "Delete")
    gone = {f"channels/{CHANNEL}/messages/{m['id']}" for m in more}
    await scene.discord.wait_for(
        lambda: gone <= {path for method, path, _ in scene.discord.requests if method == "DELETE"}
    )
    left = [m["content"] for m in scene.discord.of_bot() if m["id"] != first["id"]]
    assert len(left) == 1
    assert left[0].startswith("In May.\n")


async def test_a_reply_to_the_end_of_a_long_answer_goes_on_with_it(scene: Stage, bot: QuickBot) -> None:
    """Back to its beginning, and the question."""
    scene.chain.says = lambda _: answer(LONG)
    await scene.discord.say(f"<@{BOT}> when?", mention=True)
    *_, last = await said(scene, 3)
    await scene.discord.say("why?", reply_to=last["id"], mention=True)
    await scene.discord.wait_for(lambda: len(scene.chain.asked) == 2)
    ((asked, said_then),) = scene.chain.asked[1][1]
    assert asked == "when?"
    assert said_then.startswith("Paragraph 0.")


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


@pytest.mark.parametrize("what", ["privacy", "list", "Why"])
async def test_every_acknowledgement_may_lose_its_receipt(scene: Stage, bot: QuickBot, what: str) -> None:
    """It had its effect: what is told stands in the place of "thinking…"."""
    message = await answered(scene)
    lost: list[str] = []

    def fault(method: str, path: str) -> Any:
        if path.endswith("/callback"):
            lost.append(path)
            if len(lost) == 1:
                return After(RESET)
            return reply({"code": 40060, "message": "Interaction has already been acknowledged."}, 400)
        return None

    scene.discord.fault = fault
    if what == "privacy":
        interaction = await scene.discord.slash("privacy")
    elif what == "list":
        data = {"id": snowflake(), "name": "settings", "type": 1, "options": [{"name": "show", "type": 1, "options": []}]}  # fmt: skip
        interaction = await scene.discord.interact(2, data, member="5000", channel=CHANNEL)
    else:
        interaction = await scene.discord.press(message, what)
    assert (await scene.discord.answer_to(interaction))["content"]
    assert len(lost) >= 2


async def test_an_error_on_the_way_to_discord_is_logged_without_its_url(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """For there the interaction's token stands."""

    class Gone:
        response = None

    error = aiohttp.ConnectionTimeoutError("https://discord.com/api/v10/interactions/1/s3cret/callback")
    with contextlib.suppress(AttributeError):
        await tell_failure(Gone(), error)  # type: ignore[arg-type]
    assert "ConnectionTimeoutError" in caplog.text
    assert "s3cret" not in caplog.text


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


@pytest.mark.parametrize(("code", "status"), [(50035, 400), (160002, 403)], ids=["gone", "history"])
@pytest.mark.parametrize("written", [(), ("In",)], ids=["whole", "streamed"])
async def test_what_cannot_be_replied_to_is_answered_in_the_channel(
    scene: Stage, bot: QuickBot, code: int, status: int, written: tuple[str, ...]
) -> None:
    """The question was deleted, or the bot may not read the channel's history; once, also if it grows."""
    scene.chain.writes = lambda _: written

    def fault(method: str, path: str) -> Any:
        _, _, body = scene.discord.requests[-1]
        if method == "POST" and "message_reference" in body:
            return reply({"code": code, "message": "no"}, status)
        return None

    scene.discord.fault = fault
    await scene.discord.say(f"<@{BOT}> when?", mention=True)
    message = await scene.discord.wait_for(
        lambda: next((m for m in scene.discord.of_bot() if m.get("components")), None)
    )
    assert message["content"].startswith("In May.\n")
    assert "message_reference" not in message
    assert scene.discord.of_bot() == [message]


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


async def thread_below_an_answer(scene: Stage) -> dict[str, Any]:
    """The answer to a mention, with which a thread of a member's began."""
    await scene.discord.say(f"<@{BOT}> when does it open?", mention=True)
    (first,) = await said(scene)
    await scene.discord.dispatch("THREAD_CREATE", thread(first["id"], parent=CHANNEL))
    return first


async def test_in_a_thread_that_began_with_an_answer_no_mention_is_needed(scene: Stage) -> None:
    """Where the operator has switched the message content on; what was said in it is the history."""
    scene.message_content = True
    async with scene.connected():
        first = await thread_below_an_answer(scene)
        await scene.discord.say("and why so late?", channel=first["id"])
        await said(scene, 1, first["id"])
        await scene.discord.say("is that sure?", channel=first["id"])
        await said(scene, 2, first["id"])
    begun = ("when does it open?", "In May.")
    assert scene.chain.asked[1] == ("and why so late?", [begun])
    assert scene.chain.asked[2] == ("is that sure?", [begun, ("and why so late?", "In May.")])


async def test_what_discord_says_itself_is_no_question(scene: Stage) -> None:
    """That somebody gave a thread a new name: a message of theirs, with that name for a text."""
    scene.message_content = True
    async with scene.connected():
        first = await thread_below_an_answer(scene)
        renamed = scene.discord.message("Why is the ferry late?", channel=first["id"])
        await scene.discord.dispatch("MESSAGE_CREATE", {**renamed, "type": 4})
        await scene.discord.say("and why so late?", channel=first["id"])
        await said(scene, 1, first["id"])
    assert [question for question, _ in scene.chain.asked] == ["when does it open?", "and why so late?"]


async def test_a_thread_that_could_not_be_looked_up_is_looked_up_again(scene: Stage) -> None:
    """One failure does not close it to questions for ever."""
    scene.message_content = True
    async with scene.connected():
        first = await thread_below_an_answer(scene)
        failed: list[str] = []

        def fault(method: str, path: str) -> Any:
            if method == "GET" and path == f"channels/{CHANNEL}/messages/{first['id']}" and not failed:
                failed.append(path)
                return reply({"message": "busy", "code": 0}, 503)
            return None

        scene.discord.fault = fault
        await scene.discord.say("and why?", channel=first["id"])
        await scene.discord.wait_for(lambda: failed)
        await scene.discord.say("and why so late?", channel=first["id"])
        await said(scene, 1, first["id"])
    assert [question for question, _ in scene.chain.asked] == ["when does it open?", "and why so late?"]
