"""The database of answers: its versions, and what it refuses."""

import json
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fakes import answer
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from bot.answering.budget import ALL, Spent
from bot.answering.datatypes import Answer, Dropped, Generated
from bot.database import NEWEST, Base, Database, Kept
from bot.spending import Spending
from vectorstore.datatypes import ArticleInfo, UserError
from vectorstore.store import ArticleRow

ROOT = Path(__file__).parent.parent
DAY = date(2026, 3, 3)


def test_the_migrations_make_the_tables_that_the_code_expects(tmp_path: Path) -> None:
    """Nothing is left for a next migration to do, and the code knows the newest one."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    Database(url).close()
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == NEWEST
        assert compare_metadata(context, Base.metadata) == []
    config = Config()
    config.set_main_option("script_location", str(ROOT / "bot" / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST


def test_a_second_opening_keeps_what_is_there(tmp_path: Path) -> None:
    """Migrations that were done are not done again."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    first = Database(url)
    number = first.record(answer(), guild_id="1", member_id="2")
    first.close()
    again = Database(url)
    found = again.answer(number, guild_id="1")
    assert found is not None
    assert found[0] == answer()
    again.close()


def article(content_hash: str = "ab" * 32) -> ArticleRow:
    """A version of an article."""
    info = ArticleInfo(source="ferry.txt", title="Ferry")
    return ArticleRow(
        id="cd" * 8, info=info, content_hash=content_hash, version=1, chunks=1, ingested_at="2026-03-03T00:00:00+00:00"
    )  # fmt: skip


def test_who_added_an_article_is_known_after_a_restart(tmp_path: Path) -> None:
    """Of that version, in that library, until it is removed or the member wants to be forgotten."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    before = datetime.now(UTC)
    first = Database(url)
    first.keep_addition("guild-1", article(), "2")
    first.keep_addition("guild-2", article(), "3")
    first.close()
    again = Database(url)
    addition = again.addition("guild-1", article())
    assert addition is not None
    assert addition.member == 2
    assert before <= addition.when <= datetime.now(UTC)
    assert again.addition("guild-1", article("other")) is None  # ingested since on the command line
    assert again.addition("guild-3", article()) is None
    assert again.count("2") == Kept(0, 0, 1)
    again.forget_addition("guild-2", article().id)
    assert again.addition("guild-2", article()) is None
    again.forget("2")
    assert again.addition("guild-1", article()) is None
    assert again.count("2") == Kept(0, 0, 0)
    again.close()


def test_one_hand_stays_one_hand_when_it_is_forgotten(tmp_path: Path) -> None:
    """Nothing tells whose it was; so nobody escapes the limit on near-duplicates by being forgotten."""
    again = Database(f"sqlite:///{tmp_path / 'a.db'}")
    articles = [replace(article(), id=f"{n:016d}") for n in range(3)]
    for row, member in zip(articles, ("2", "2", "3"), strict=True):
        again.keep_addition("guild-1", row, member)
    again.forget("2")
    adders = again.adders("guild-1", [*(row.id for row in articles), "unknown"])
    first, second, third = (adders.pop(row.id) for row in articles)
    assert first == second not in {"2", "3"}
    assert third == "3"
    assert adders == {}
    assert again.adders("guild-2", [articles[0].id]) == {}
    again.close()


def test_forgetting_a_member_takes_the_votes_on_their_answers_along(tmp_path: Path) -> None:
    """And leaves what others asked."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    mine = database.record(answer(), guild_id="1", member_id="2")
    theirs = database.record(answer(), guild_id="1", member_id="3")
    database.vote(mine, "3", good=True)
    database.vote(theirs, "2", good=False)
    database.forget("2")
    assert database.answer(mine, guild_id="1") is None
    assert database.answer(theirs, guild_id="1") is not None
    assert list(database.votes(mine)) == list(database.votes(theirs)) == []
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite:////nowhere/at/all/a.db",
        "postgresql+nodriver://u:hunter2@h/d",
        "postgresql+psycopg://bot:hunter2/footnote",  # without a host the password looks like a port
    ],
)
def test_a_database_that_cannot_be_opened_is_told_without_its_secret(url: str) -> None:
    """One line with the setting to change."""
    with pytest.raises(UserError, match="check DATABASE_URL") as caught:
        Database(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_an_error_of_the_database_tells_nothing_of_what_was_asked(tmp_path: Path) -> None:
    """Its text ends up in the log."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE answers"))
    with pytest.raises(SQLAlchemyError) as caught:
        database.record(answer(), guild_id="1", member_id="2")
    assert "no such table" in str(caught.value)
    assert not any(told in str(caught.value) for told in ("When?", "In May.", "It opens"))
    database.close()


def generated() -> Answer:
    """An answer that a chat model wrote, or tried to."""
    written = Generated(
        model="openai:gpt-5-mini", prompt="answer", prompt_hash="ab12", raw="It opens in June [1].", dropped=(Dropped(text="It opens in June.", reason="not there: June"),),
        tokens_in=800, tokens_out=40, cost=0.01, first_token=0.4, seconds=1.2,
    )  # fmt: skip
    note = "The chat model's answer was not supported by the articles; this is the built-in answer."
    return replace(answer(), note=note, trace=replace(answer().trace, generated=written))


def test_what_a_chat_model_did_is_kept(tmp_path: Path) -> None:
    """Model, prompt, tokens, what was left out, and the line below the answer."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    number = database.record(generated(), guild_id="1", member_id="2")
    found = database.answer(number, guild_id="1")
    assert found is not None
    assert found[0] == generated()
    database.close()


def test_answers_from_before_chat_models_are_read(tmp_path: Path) -> None:
    """The tables and a row as the third version left them."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "bot" / "migrations"))
    trace = {key: value for key, value in asdict(answer().trace).items() if key not in {"generated", "spans"}}
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(
            text("INSERT INTO answers VALUES (1, '2026-01-01', '1', '2', 'When?', 'In May.', 0, 'builtin', 'default', 0.01234, :citations, :trace)"),
            {"citations": json.dumps([asdict(c) for c in answer().citations]), "trace": json.dumps(trace)},
        )  # fmt: skip
    engine.dispose()
    database = Database(url)
    found = database.answer(1, guild_id="1")
    assert found == (replace(answer(), trace=replace(answer().trace, spans=())), "2")
    database.close()


def test_what_is_spent_is_counted_across_processes(tmp_path: Path) -> None:
    """Each account and day by itself; what is given back is taken off."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    mine, other = Database(url), Database(url)
    ledgers = [Spending(mine), Spending(other)]

    def spend(number: int) -> None:
        ledgers[number % 2].spend(DAY, ALL, Spent(10, 0.5))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(spend, range(40)))
    ledgers[0].spend(DAY, ALL, Spent(-5, -0.25))
    ledgers[0].spend(DAY, "7", Spent(1, 0.125))
    assert [ledger.spent(DAY, ALL) for ledger in ledgers] == [Spent(395, 19.75)] * 2
    assert ledgers[1].spent(DAY, "7") == Spent(1, 0.125)
    assert ledgers[1].spent(DAY + timedelta(1), ALL) == Spent()
    mine.close()
    other.close()


def test_old_days_are_forgotten_when_a_new_one_begins(tmp_path: Path) -> None:
    """A month is kept."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    ledger = Spending(database)
    days = [DAY + timedelta(n) for n in (0, 5, 32)]
    for day in days:
        ledger.spend(day, ALL, Spent(1, 0.0))
    assert [ledger.spent(day, ALL).tokens for day in days] == [0, 1, 1]
    database.close()
