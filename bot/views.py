"""The buttons under an answer. They carry the answer's number, so they work after a restart too."""

import contextlib
import re
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.answering.datatypes import Answer
from bot.failing import barrier
from bot.reply import LOOKED_UP, plain, shortened, split
from bot.sending import acknowledge, take_back, tell

if TYPE_CHECKING:
    from bot.client import FootnoteBot

_GONE = "This answer is not kept any more."
_MOST_PASSAGES = 3
_MOST_SPANS, _MOST_DROPPED, _FAR = 3, 5, 90  # spans and sentences in the Why view, and characters of each
_LABELS = {"sources": "Sources", "why": "Why", "delete": "Delete"}
_EMOJI = {"good": "👍", "bad": "👎"}

Interaction = discord.Interaction[Any]


class AnswerButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"footnote:(?P<what>sources|why|good|bad|delete):(?P<number>[0-9]{1,18})",
):
    """One of the buttons of one answer."""

    def __init__(self, what: str, number: int) -> None:
        self.what, self.number = what, number
        button: discord.ui.Button[Any] = discord.ui.Button(
            label=_LABELS.get(what),
            emoji=_EMOJI.get(what),
            style=discord.ButtonStyle.secondary,
            custom_id=f"footnote:{what}:{number}",
        )
        super().__init__(button)

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that a member pressed, maybe of an answer from before the last restart."""
        return cls(match["what"], int(match["number"]))

    async def callback(self, interaction: Interaction) -> None:
        """Do what the button says; what is shown is for the one who pressed it alone."""
        async with barrier(interaction):
            # Discord takes no form after an acknowledgement
            if self.what == "bad" or await acknowledge(interaction, thinking=self.what != "delete"):
                await self._act(interaction)

    async def _act(self, interaction: Interaction) -> None:
        bot: FootnoteBot = interaction.client
        found = await bot.desk.recall(self.number, interaction.guild_id)
        if found is None:
            await tell(interaction, _GONE)
            return
        answer, asker = found
        match self.what:
            case "sources":
                parts = split(await _sources(bot, answer, interaction.guild_id))[:_MOST_PASSAGES]
                await tell(interaction, parts[0])
                for part in parts[1:]:
                    await interaction.followup.send(part, ephemeral=True)
            case "why":
                await tell(interaction, why(answer))
            case "good" | "bad":
                await self._vote(bot, interaction)
            case _:
                await self._delete(interaction, asker)

    async def _vote(self, bot: "FootnoteBot", interaction: Interaction) -> None:
        good = self.what == "good"
        await bot.desk.vote(self.number, interaction.user.id, good=good)
        if good:
            await tell(interaction, "Thank you.")
        else:  # the vote is kept already; the words are extra
            await interaction.response.send_modal(WhatWasWrong(self.number))

    async def _delete(self, interaction: Interaction, asker: int) -> None:
        if interaction.user.id != asker and not interaction.permissions.manage_messages:
            await tell(interaction, "Only who asked, or who may manage messages, can delete an answer.")
            return
        with contextlib.suppress(discord.NotFound):  # it was pressed twice
            await interaction.delete_original_response()
        if interaction.message is not None:
            await take_back(interaction.message)


class WhatWasWrong(discord.ui.Modal, title="What was wrong?"):
    """The form behind 👎."""

    comment: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="In a few words", style=discord.TextStyle.paragraph, max_length=1000, required=False
    )

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    async def on_submit(self, interaction: Interaction) -> None:
        """Keep the comment with the vote."""
        bot: FootnoteBot = interaction.client
        async with barrier(interaction):
            if not await acknowledge(interaction):
                return
            await bot.desk.vote(self._number, interaction.user.id, good=False, comment=self.comment.value)
            await tell(interaction, "Thank you.")


def buttons(number: int, answer: Answer) -> discord.ui.View:
    """The row under an answer; an abstention has no sources."""
    view = discord.ui.View(timeout=None)
    for what in ("sources", "why", "good", "bad", "delete"):
        if what != "sources" or answer.citations:
            view.add_item(AnswerButton(what, number))
    return view


def why(answer: Answer) -> str:
    """Passages with their scores, and what decided, in one message."""
    trace = answer.trace
    decided = "abstained" if answer.abstained else "answered"
    measured = f"likelihood {trace.likelihood:.2f}, threshold {trace.threshold:.2f}"
    if trace.generated is not None and not answer.note:  # a chat model's own words
        measured = f"supported by the passages {trace.likelihood:.2f}"
    lines = [
        f"**{decided}**: {measured}",
        f"answerer {plain(answer.answerer)}, library {plain(answer.library)}, revision {trace.revision}",
        *_written(answer),
        "",
    ]
    for span in trace.spans[:_MOST_SPANS]:
        told = plain(shortened(span.text, "", _FAR))
        close = "" if span.close is None else f", close {span.close:+.1f}"
        scores = f"reader {span.reader:+.1f}{close}, has answer {span.answers:+.1f}"
        lines.append(f"{span.probability:.2f} “{told}” ({scores})")
    if trace.is_looked_up:
        lines.append(LOOKED_UP)
    lines.append("")
    for number, seen in enumerate(trace.passages, 1):
        title = plain(" ".join(seen.title.split())[:80])
        scores = f"{seen.score:.2f} = {seen.dense:.2f} by meaning, {seen.lexical:.2f} by words"
        lines.append(f"{number}. {title}, {seen.start}-{seen.end}: {scores}")
    return split("\n".join(lines))[0]


def _written(answer: Answer) -> list[str]:
    """What a chat model had to do with an answer."""
    generated = answer.trace.generated
    if generated is None:
        return [plain(answer.note)] if answer.note else []
    lines = [
        f"{plain(generated.model)} by prompt {plain(generated.prompt)} ({generated.prompt_hash}): "
        f"{generated.tokens_in:,} tokens read, {generated.tokens_out:,} written in {generated.seconds:.1f} s",
    ]
    if answer.note:
        lines.append(plain(answer.note))
    if generated.dropped:
        lines.append(f"sentences of it that were left out: {len(generated.dropped)}")
    for each in generated.dropped[:_MOST_DROPPED]:
        text, reason = (plain(shortened(told, "", _FAR)) for told in (each.text, each.reason))
        lines.append(f"“{text}”: {reason}")
    return lines


async def _sources(bot: "FootnoteBot", answer: Answer, guild: int | None) -> str:
    """The passages in full."""
    parts = []
    for title, chunk in await bot.desk.passages(answer, guild):
        text = plain(chunk.text) if chunk else "This passage has been changed or removed since."
        quoted = "\n".join(f"> {line}" for line in text.splitlines() if line.strip())
        parts.append(f"**{plain(title)}**\n{quoted}")
    return "\n\n".join(parts) or "The passages have been changed or removed since."
