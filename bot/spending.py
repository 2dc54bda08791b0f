"""What chat models have used up, day by day, in the database: several processes count together."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.answering.budget import LedgerError, Spent
from bot.database import Database, SpendingRow

_KEPT = timedelta(days=31)


class Spending:
    """A ledger that outlives the process; safe between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        # both know ON CONFLICT, which SQLAlchemy's common insert does not
        self._insert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        self._day: date | None = None  # that was written last

    def spent(self, day: date, account: str) -> Spent:
        """What an account has spent on a day."""
        with self._session() as session:
            row = session.get(SpendingRow, (day, account))
            return Spent() if row is None else Spent(row.tokens, row.cost)

    def spend(self, day: date, account: str, spent: Spent) -> None:
        """Add to it; with the first of a day, forget what is older than a month."""
        added = self._insert(SpendingRow).values(
            day=day, account=account, tokens=spent.tokens, cost=spent.cost
        )
        # one statement: another process may add in the same moment
        sums = {
            "tokens": SpendingRow.tokens + added.excluded.tokens,
            "cost": SpendingRow.cost + added.excluded.cost,
        }
        with self._session() as session:
            session.execute(added.on_conflict_do_update(index_elements=["day", "account"], set_=sums))
            if day != self._day:
                session.execute(delete(SpendingRow).where(SpendingRow.day < day - _KEPT))
            session.commit()
        self._day = day

    # ---- inside

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with Session(self._engine) as session:
                yield session
        except SQLAlchemyError as error:
            raise LedgerError(type(error).__name__) from error
