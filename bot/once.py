"""Discord may deliver an event twice, above all when a session is resumed: each is dealt with once."""

from collections import OrderedDict
from typing import Any

import discord
from discord import app_commands

_REMEMBERED = 2000


class Once:
    """Remembers the ids it was last asked about."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._most = most
        self._seen: OrderedDict[int, None] = OrderedDict()

    def first(self, id_: int) -> bool:
        """Whether an id is new; from now on it is not."""
        if id_ in self._seen:
            return False
        self._seen[id_] = None
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return True


class CommandsOnce(app_commands.CommandTree[Any]):
    """A command tree that runs each command once."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._once = Once()

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Whether it is new; while somebody types, Discord asks for completions under ids of their own."""
        return self._once.first(interaction.id)
