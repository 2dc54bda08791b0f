"""How much a chat model may cost in a day: tokens or money, of each server and of all together."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock
from typing import Protocol

log = logging.getLogger(__name__)

ALL = "*"
"""The account in which everything is counted."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used up on a day."""

    tokens: int = 0
    cost: float = 0.0  # in the currency of the prices that are set

    def plus(self, other: "Spent", sign: int = 1) -> "Spent":
        """Both together; with sign -1 without the other."""
        return Spent(self.tokens + sign * other.tokens, self.cost + sign * other.cost)


@dataclass(frozen=True, slots=True)
class Limits:
    """At most so much a day; None for no limit."""

    tokens: int | None = None
    tokens_per_server: int | None = None
    cost: float | None = None
    cost_per_server: float | None = None

    def allow(self, everything: Spent, server: Spent) -> bool:
        """Whether so much may be spent in a day, by all together and by one server."""
        pairs = (
            (self.tokens, everything.tokens),
            (self.cost, everything.cost),
            (self.tokens_per_server, server.tokens),
            (self.cost_per_server, server.cost),
        )
        return all(most is None or used <= most for most, used in pairs)


class LedgerError(Exception):
    """A ledger that cannot be read or written at the moment."""


class Ledger(Protocol):
    """Where it is kept what was spent. Both methods raise LedgerError."""

    def spent(self, day: date, account: str) -> Spent:
        """What an account has spent on a day."""

    def spend(self, day: date, account: str, spent: Spent) -> None:
        """Add to it."""


class Memory:
    """A ledger that is forgotten with the process: for the terminal."""

    def __init__(self) -> None:
        self._spent: dict[tuple[date, str], Spent] = {}

    def spent(self, day: date, account: str) -> Spent:
        """What an account has spent on a day."""
        return self._spent.get((day, account), Spent())

    def spend(self, day: date, account: str, spent: Spent) -> None:
        """Add to it."""
        self._spent[day, account] = self.spent(day, account).plus(spent)


def _today() -> date:
    return datetime.now(UTC).date()


class Budget:
    """Says whether a question may still go to the chat model, and keeps count; safe between threads.

    A question is counted in full before it is asked, as `reserved`, and put right afterwards: several
    at once cannot overshoot together.
    """

    def __init__(
        self, limits: Limits | None = None, ledger: Ledger | None = None, today: Callable[[], date] = _today
    ) -> None:
        self.limits, self._ledger, self._today = limits or Limits(), ledger or Memory(), today
        self._lock = Lock()

    def reserve(self, account: str, spent: Spent) -> date | None:
        """Count a question's likely cost; gives the day it is counted on, None if the budget is used up.

        Raises LedgerError where nobody knows whether it is.
        """
        with self._lock:
            day = self._today()
            before = (self._ledger.spent(day, each) for each in (ALL, account))
            if not self.limits.allow(*(each.plus(spent) for each in before)):
                return None
            self._add(day, account, spent)
            return day

    def spent(self, account: str) -> Spent:
        """What an account has spent today."""
        return self._ledger.spent(self._today(), account)

    def settle(self, day: date, account: str, reserved: Spent, spent: Spent) -> None:
        """Put right what was reserved, by what was spent."""
        with self._lock:
            try:
                self._add(day, account, spent.plus(reserved, -1))
            except LedgerError as error:  # the answer is there; what was reserved stands for it
                log.warning("what a chat model's answer took is not counted (%s)", error)

    def _add(self, day: date, account: str, spent: Spent) -> None:
        for each in (ALL, account):
            self._ledger.spend(day, each, spent)
