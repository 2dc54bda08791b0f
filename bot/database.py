"""What is kept of answers and articles in Discord: for the buttons, feedback, /library and /privacy."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib import resources
from typing import Any

from alembic.util import CommandError
from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Float,
    ForeignKey,
    String,
    Text,
    create_engine,
    delete,
    event,
    func,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bot.answering.datatypes import Answer, Citation, Dropped, Generated, Seen, SpanSeen, Trace
from vectorstore.datatypes import UserError
from vectorstore.store import ArticleRow

_NOBODY = "-"  # begins what stands for a member who is forgotten; it cannot be told whom
NEWEST = "0004"
"""The last of bot/migrations/versions."""


class Base(DeclarativeBase):
    """The tables."""


class AnswerRow(Base):
    """An answer that was given, and who asked."""

    __tablename__ = "answers"

    id: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    guild_id: Mapped[str] = mapped_column(String(20), index=True)  # "" in a direct message
    member_id: Mapped[str] = mapped_column(String(20), index=True)
    question: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    abstained: Mapped[bool]
    answerer: Mapped[str] = mapped_column(String(200))
    library: Mapped[str] = mapped_column(String(64))
    seconds: Mapped[float] = mapped_column(Float)
    citations: Mapped[str] = mapped_column(Text)  # JSON
    trace: Mapped[str] = mapped_column(Text)  # JSON
    note: Mapped[str] = mapped_column(Text, server_default="")


class FeedbackRow(Base):
    """A member's vote on an answer; a second vote takes the place of the first."""

    __tablename__ = "feedback"

    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    good: Mapped[bool]
    comment: Mapped[str] = mapped_column(Text, default="")
    voted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AdditionRow(Base):
    """Who added the published version of an article, and when."""

    __tablename__ = "additions"

    library: Mapped[str] = mapped_column(String(64), primary_key=True)
    article_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(64))  # of that version
    member_id: Mapped[str] = mapped_column(String(20), index=True)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class GuildSettingsRow(Base):
    """What a server has set: GuildSettings as JSON."""

    __tablename__ = "guild_settings"

    guild_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    fields: Mapped[str] = mapped_column(Text)


class SpendingRow(Base):
    """What a chat model has used up on a day, for a server or, as "*", for all."""

    __tablename__ = "spending"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    account: Mapped[str] = mapped_column(String(20), primary_key=True)  # "" for direct messages
    tokens: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[float] = mapped_column(Float)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildSettings:
    """What a server's managers have set."""

    auto_channels: tuple[int, ...] = ()  # channels and forums in which questions are answered unasked
    staff_role: int | None = None  # besides those who may manage messages
    helpers_channel: int | None = None  # is told what the articles do not answer
    private: bool = False  # whether /ask answers the asker alone unless told otherwise
    threshold: float | None = None  # in place of BOT_THRESHOLD
    unanswered_tag: str | None = None  # on forum posts that the articles do not answer
    greeted: bool = False  # whether the server was told how to begin


@dataclass(frozen=True, slots=True)
class Addition:
    """Who added an article, and when."""

    member: int
    when: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """How much is kept of a member."""

    answers: int
    votes: int
    additions: int


@dataclass(frozen=True, slots=True)
class Disliked:
    """An answer that members found wrong, and what they wrote of it; who they are stays here."""

    number: int
    asked_at: datetime
    answer: Answer
    comments: tuple[str, ...]


class Database:
    """Answers, feedback, settings and who added what. Raises UserError when the database cannot be opened."""

    def __init__(self, url: str) -> None:
        try:
            # an error's text reaches the log: without the questions and articles that were being kept
            self.engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
            if self.engine.dialect.name == "sqlite":
                event.listen(self.engine, "connect", _enforce_foreign_keys)
            migrate(self.engine)
        except (SQLAlchemyError, CommandError, ModuleNotFoundError, ValueError) as error:
            # not "from error": the text of a URL that cannot be read holds its password
            raise UserError(
                f"the database cannot be opened ({type(error).__name__}): check DATABASE_URL"
            ) from None

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()

    def record(self, answer: Answer, *, guild_id: str, member_id: str) -> int:
        """Keep an answer; gives its number."""
        row = AnswerRow(
            asked_at=datetime.now(UTC),
            guild_id=guild_id,
            member_id=member_id,
            question=answer.question,
            text=answer.text,
            abstained=answer.abstained,
            answerer=answer.answerer,
            library=answer.library,
            seconds=answer.seconds,
            citations=json.dumps([asdict(citation) for citation in answer.citations]),
            trace=json.dumps(asdict(answer.trace)),
            note=answer.note,
        )
        with Session(self.engine) as session:
            session.add(row)
            session.commit()
            return row.id

    def answer(self, number: int, *, guild_id: str) -> tuple[Answer, str] | None:
        """An answer given in this server and the id of who asked; None for any other."""
        with Session(self.engine) as session:
            row = session.get(AnswerRow, number)
            return None if row is None or row.guild_id != guild_id else (_answer(row), row.member_id)

    def vote(self, number: int, member_id: str, *, good: bool, comment: str = "") -> None:
        """Keep a member's vote."""
        with Session(self.engine) as session:
            session.merge(
                FeedbackRow(
                    answer_id=number,
                    member_id=member_id,
                    good=good,
                    comment=comment,
                    voted_at=datetime.now(UTC),
                )
            )
            session.commit()

    def votes(self, number: int) -> Sequence[FeedbackRow]:
        """The votes on an answer."""
        with Session(self.engine) as session:
            return session.scalars(select(FeedbackRow).where(FeedbackRow.answer_id == number)).all()

    def disliked(self, most: int | None = None) -> list[Disliked]:
        """The answers that somebody voted against, the newest first; all of them without `most`."""
        against = select(FeedbackRow.answer_id).where(~FeedbackRow.good)
        newest = select(AnswerRow).where(AnswerRow.id.in_(against)).order_by(AnswerRow.id.desc())
        with Session(self.engine) as session:
            return [
                Disliked(
                    row.id,
                    row.asked_at,
                    _answer(row),
                    tuple(v.comment for v in self.votes(row.id) if not v.good and v.comment),
                )
                for row in session.scalars(newest.limit(most))
            ]

    def keep_addition(self, library: str, article: ArticleRow, member_id: str) -> None:
        """Keep who added the published version of an article."""
        with Session(self.engine) as session:
            session.merge(
                AdditionRow(
                    library=library,
                    article_id=article.id,
                    content_hash=article.content_hash,
                    member_id=member_id,
                    added_at=datetime.now(UTC),
                )
            )
            session.commit()

    def addition(self, library: str, article: ArticleRow) -> Addition | None:
        """Who added this very version of an article; None if it was not added in Discord."""
        with Session(self.engine) as session:
            row = session.get(AdditionRow, (library, article.id))
            if row is None or row.content_hash != article.content_hash or row.member_id.startswith(_NOBODY):
                return None
            zone = row.added_at.tzinfo or UTC  # SQLite drops it
            return Addition(int(row.member_id), row.added_at.replace(tzinfo=zone))

    def adders(self, library: str, article_ids: list[str]) -> dict[str, str]:
        """Article id -> whose hand added it, for those of the articles that were added in Discord."""
        with Session(self.engine) as session:
            found = select(AdditionRow.article_id, AdditionRow.member_id).where(
                AdditionRow.library == library, AdditionRow.article_id.in_(article_ids)
            )
            return {row.article_id: row.member_id for row in session.execute(found)}

    def forget_addition(self, library: str, article_id: str) -> None:
        """Forget who added an article."""
        with Session(self.engine) as session:
            row = (AdditionRow.library == library) & (AdditionRow.article_id == article_id)
            session.execute(delete(AdditionRow).where(row))
            session.commit()

    def count(self, member_id: str) -> Kept:
        """How much is kept of a member."""
        with Session(self.engine) as session:
            found = [
                session.scalar(select(func.count()).select_from(row).where(row.member_id == member_id))
                for row in (AnswerRow, FeedbackRow, AdditionRow)
            ]
        return Kept(*(count or 0 for count in found))

    def settings(self, guild_id: str) -> GuildSettings:
        """A server's settings; the defaults if it has set nothing."""
        with Session(self.engine) as session:
            row = session.get(GuildSettingsRow, guild_id)
            fields = json.loads(row.fields) if row else {}
        return GuildSettings(**{**fields, "auto_channels": tuple(fields.get("auto_channels", ()))})

    def answered_unasked(self) -> set[str]:
        """The servers that have chosen channels in which questions are answered unasked."""
        with Session(self.engine) as session:
            rows = session.scalars(select(GuildSettingsRow)).all()
            return {row.guild_id for row in rows if json.loads(row.fields).get("auto_channels")}

    def set(self, guild_id: str, settings: GuildSettings) -> None:
        """Keep a server's settings."""
        with Session(self.engine) as session:
            session.merge(GuildSettingsRow(guild_id=guild_id, fields=json.dumps(asdict(settings))))
            session.commit()

    def forget(self, member_id: str) -> None:
        """Delete all that is kept of a member."""
        with Session(self.engine) as session:
            session.execute(delete(FeedbackRow).where(FeedbackRow.member_id == member_id))
            session.execute(delete(AnswerRow).where(AnswerRow.member_id == member_id))
            # that one hand added these articles must be known still (adders), but no longer whose it was
            nobody = f"{_NOBODY}{secrets.token_hex(8)}"
            added = update(AdditionRow).where(AdditionRow.member_id == member_id)
            session.execute(added.values(member_id=nobody))
            session.commit()


def migrate(engine: Engine) -> None:
    """Bring the tables up to date. Alembic, half a second of imports, is asked only when they are not."""
    with engine.connect() as connection:
        if inspect(connection).has_table("alembic_version"):
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if found == NEWEST:
                return
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(resources.files("bot") / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _enforce_foreign_keys(connection: object, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[attr-defined]


def _answer(row: AnswerRow) -> Answer:
    return Answer(
        question=row.question,
        text=row.text,
        abstained=row.abstained,
        citations=tuple(Citation(**citation) for citation in json.loads(row.citations)),
        answerer=row.answerer,
        library=row.library,
        seconds=row.seconds,
        trace=_trace(json.loads(row.trace)),
        note=row.note,
    )


def _trace(fields: dict[str, Any]) -> Trace:
    """A trace from what is kept of it; older ones have no spans, and know nothing of chat models."""
    generated = fields.get("generated")
    if generated is not None:
        dropped = tuple(Dropped(**each) for each in generated["dropped"])
        generated = Generated(**{**generated, "dropped": dropped})
    passages = tuple(Seen(**seen) for seen in fields["passages"])
    spans = tuple(SpanSeen(**span) for span in fields.get("spans", ()))
    return Trace(**{**fields, "passages": passages, "spans": spans, "generated": generated})
