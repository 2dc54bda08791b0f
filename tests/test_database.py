"""The database of answers: its versions, and what it refuses."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fakes import answer
from sqlalchemy import create_engine

from bot.database import NEWEST, Base, Database, Kept
from vectorstore.datatypes import ArticleInfo, UserError
from vectorstore.store import ArticleRow

ROOT = Path(__file__).parent.parent


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
    "url", ["nonsense", "sqlite:////nowhere/at/all/a.db", "postgresql+nodriver://u:hunter2@h/d"]
)
def test_a_database_that_cannot_be_opened_is_told_without_its_secret(url: str) -> None:
    """One line with the setting to change."""
    with pytest.raises(UserError, match="check DATABASE_URL") as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)
