"""What a statement stands or falls with: its numbers, dates, times and names."""

from dataclasses import dataclass
from enum import StrEnum

from vectorstore.datatypes import Span


class Kind(StrEnum):
    """What a fact is."""

    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Day:
    """A date as far as it is told."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None  # 0 is Monday


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact, and what it may mean: any of its values or days will do."""

    kind: Kind
    text: str  # as written
    span: Span
    values: frozenset[float | str] = frozenset()  # numbers, times as "19:05", folded words of a name
    days: frozenset[Day] = frozenset()
    unit: str = ""  # of a number: "%", or a currency's sign
    firm: bool = True  # whether it must be found; a capital at the start of a sentence may be no name
    words: tuple[str, ...] = ()  # of a name, without titles

    @property
    def is_name(self) -> bool:
        """Whether it is a name, not a figure."""
        return self.kind is Kind.NAME
