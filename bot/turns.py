"""Who may have a question answered, and when: fair between members, bounded, with a cooldown."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from vectorstore.datatypes import UserError

_MOST_MEMBERS = 10_000  # whose last question is remembered

Notice = Callable[[int], Awaitable[None]]
"""Tells a member the place of their question: 1 is the next to be answered. It raises nothing."""


class FairQueue:
    """Lets `workers` questions through at once, members taking turns."""

    def __init__(
        self,
        *,
        workers: int,
        most_per_member: int = 3,
        most: int = 200,
        cooldown: float = 1.0,
        patience: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free = workers
        self._most_per_member, self._most, self._cooldown = most_per_member, most, cooldown
        self._patience = patience  # seconds between two notices; who waits less hears of no queue
        self._lines: dict[int, deque[asyncio.Future[None]]] = {}  # in the order of their turns
        self._last: dict[int, float] = {}
        self._clock = clock

    @property
    def waiting(self) -> int:
        """How many questions wait."""
        return sum(map(len, self._lines.values()))

    @asynccontextmanager
    async def turn(self, member: int, notice: Notice | None = None) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises UserError when the member, or everybody, asks too much.

        A `notice` has ended when the turn ends: what is sent after it comes after it.
        """
        self._admit(member)
        telling: asyncio.Task[None] | None = None
        if self._free > 0 and not self._lines:
            self._free -= 1
        else:
            turn = self._enter(member)
            telling = asyncio.create_task(self._tell(member, turn, notice)) if notice else None
            await self._wait(member, turn)
        try:
            yield
        finally:
            self._release()
            if telling is not None:
                await telling

    def _admit(self, member: int) -> None:
        if len(self._lines.get(member, ())) >= self._most_per_member:
            raise UserError(
                f"{self._most_per_member} questions of yours are waiting already: one moment, please"
            )
        if self.waiting >= self._most:
            raise UserError("too many questions are waiting at the moment: please ask again in a minute")
        now = self._clock()
        if now - self._last.get(member, -self._cooldown) < self._cooldown:
            raise UserError("one question at a time, please: ask again in a moment")
        if len(self._last) >= _MOST_MEMBERS:
            self._last.clear()
        self._last[member] = now

    def _enter(self, member: int) -> asyncio.Future[None]:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(member, deque()).append(turn)
        return turn

    async def _tell(self, member: int, turn: asyncio.Future[None], notice: Notice) -> None:
        """Tell a member who waits their place, and again when it has changed, until the turn comes."""
        told = 0
        while (await asyncio.wait({turn}, timeout=self._patience))[1]:
            place = self._place(member, turn)
            if place != told:
                await notice(place)
                told = place

    def _place(self, member: int, turn: asyncio.Future[None]) -> int:
        """How many turns until this one if nobody else comes, itself included.

        Before the n-th question of a member come n - 1 of their own, n - 1 of everybody else who has so many,
        and one more of each who stands before them.
        """
        before = self._lines[member].index(turn)
        place, ahead = before + 1, 1
        for other, line in self._lines.items():
            if other == member:
                ahead = 0
            else:
                place += min(len(line), before + ahead)
        return place

    async def _wait(self, member: int, turn: asyncio.Future[None]) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()  # the turn had come in the same moment
            else:
                self._forget(member, turn)
            raise

    def _forget(self, member: int, turn: asyncio.Future[None]) -> None:
        line = self._lines.get(member)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._lines[member]

    def _release(self) -> None:
        """Hand the turn to the member who has waited longest for one; that one goes to the end."""
        while self._lines:
            member = next(iter(self._lines))
            line = self._lines.pop(member)
            turn = line.popleft()
            if line:
                self._lines[member] = line
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
