"""/library in Discord: a server's own articles, added in a process of their own, seen by no other server."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from discord_kit import QuickBot, Stage, stage
from documents import burning_pdf, docx, lines, paragraph, pdf, zip_bomb
from fake_discord import CHANNEL, DM, GUILD, OTHER_GUILD, snowflake
from fakes import ScriptedModel, store_all, write
from filelock import FileLock

from bot.adding import Adder, safe_name
from bot.answering.budget import Budget, Limits
from bot.answering.builtin import BuiltIn
from bot.answering.generating import Generator
from bot.answering.support import CitationCheck
from bot.failing import LATER
from bot.libraries import Libraries, own_library
from bot.settings import BotSettings
from bot.spending import Spending
from prompts import Prompts
from vectorstore.datatypes import UserError
from vectorstore.library import Shelf
from vectorstore.settings import VectorstoreSettings

CANARY = "marmalade"
ARTICLE = f"Garden show\n\nThe garden show in Farwell was opened by Ann Lee. The password of the shed is {CANARY}.\n"


@pytest.fixture
def vectorstore(tmp_path: Path, models: Path) -> VectorstoreSettings:
    """A fresh data folder that borrows the compiled model."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(models, target_is_directory=True)
    return VectorstoreSettings(data=tmp_path / "data")


@pytest.fixture
async def scene(tmp_path: Path, vectorstore: VectorstoreSettings) -> AsyncIterator[Stage]:
    """A loopback Discord and real libraries."""
    async with stage(tmp_path) as made:
        made.libraries = Libraries(Shelf(vectorstore), Prompts(), BotSettings(), made.database.adders)
        yield made


@pytest.fixture
async def bot(scene: Stage) -> AsyncIterator[QuickBot]:
    """A bot that is ready."""
    async with scene.connected() as made:
        yield made


async def told(scene: Stage, interaction: dict[str, Any], word: str) -> str:
    """The text of the answer to an interaction, once it holds a word."""
    found = await scene.discord.wait_for(
        lambda: (
            m
            if word in (m := scene.discord.answers.get(interaction["token"], {}).get("content", ""))
            else None
        ),
        60,
    )
    return str(found)


def store_articles(scene: Stage, count: int) -> None:
    """Articles of the server, ingested on the command line."""
    library = Shelf(VectorstoreSettings(data=scene.folder / "data")).open(own_library(int(GUILD)))
    texts = {
        f"r{n}": f"Report {n} on the state of the old harbour\n\nIt has {n} boats."
        for n in range(100, 100 + count)
    }
    store_all(library, write(scene.folder / "reports", **texts))
    library.connection.close()


def labels(message: dict[str, Any]) -> list[str]:
    """Of a message's buttons."""
    return [button["label"] for row in message["components"] for button in row["components"]]


async def added(scene: Stage, name: str = "garden.txt", text: str = ARTICLE, word: str = "ready in") -> str:
    """The end of /library add with a file."""
    return await told(scene, await scene.discord.library("add", file=(name, text.encode())), word)


async def asked(scene: Stage, question: str, guild: str = GUILD) -> dict[str, Any]:
    """The answer to /ask."""
    return await scene.discord.answer_to(await scene.discord.slash("ask", question=question, guild=guild))


async def test_an_added_file_is_answerable_when_it_says_so(scene: Stage, bot: QuickBot) -> None:
    """Added, asked, listed, shown, completed, replaced, removed: one life of an article."""
    assert "there are no articles yet" in (await asked(scene, "Who opened the garden show?"))["content"]
    assert "garden.txt is in the library: 1 passages" in await added(scene)
    message = await asked(scene, "Who opened the garden show in Farwell?")
    assert "Ann Lee" in message["content"]
    assert "Garden show" in (await scene.discord.answer_to(await scene.discord.library("list")))["content"]
    completed = await scene.discord.library("show", typing="gard")
    callback = await scene.discord.wait_for(lambda: scene.discord.callbacks.get(completed["id"]))
    (choice,) = callback["data"]["choices"]
    assert choice["name"] == "Garden show"
    shown = await scene.discord.answer_to(await scene.discord.library("show", article=choice["value"]))
    assert "source: garden.txt" in shown["content"]
    assert "added by: <@5000>, <t:" in shown["content"]
    assert "already, unchanged" in await added(scene)
    assert "taken the place" in await added(scene, text=ARTICLE.replace("Ann Lee", "Bo Park"))
    assert "Bo Park" in (await asked(scene, "Who opened the garden show in Farwell?"))["content"]
    status = await scene.discord.answer_to(await scene.discord.library("status"))
    assert "This server: 1 articles, 1 passages" in status["content"]
    assert "is removed" in await told(
        scene, await scene.discord.library("remove", article=choice["value"]), "removed"
    )
    assert scene.database.count("5000").additions == 0
    gone = await asked(scene, "Who opened the garden show in Farwell?")
    assert "Bo Park" not in gone["content"]
    sources = await scene.discord.answer_to(await scene.discord.press(message, "Sources"))
    assert CANARY not in sources["content"]
    assert "changed or removed" in sources["content"]


async def test_no_other_server_sees_an_article(scene: Stage, bot: QuickBot) -> None:
    """A canary in one server; every command, button and completion in another."""
    await added(scene)
    mine = await asked(scene, "What is the password of the shed?")
    assert CANARY in mine["content"]
    sent = len(scene.discord.requests)
    other: Any = {"guild": OTHER_GUILD}
    await asked(scene, "What is the password of the shed?", OTHER_GUILD)
    await asked(scene, f"garden show {CANARY}", OTHER_GUILD)
    for verb in ("list", "status"):
        await scene.discord.answer_to(await scene.discord.library(verb, **other))
    article = scene.libraries.articles(int(GUILD))[0].id  # type: ignore[union-attr]
    for verb in ("show", "remove"):
        await scene.discord.answer_to(await scene.discord.library(verb, article=article, **other))
        completed = await scene.discord.library(verb, typing="", **other)
        await scene.discord.wait_for(lambda completed=completed: scene.discord.callbacks.get(completed["id"]))
    for label in ("Sources", "Why", "👍"):
        await scene.discord.answer_to(await scene.discord.press(mine, label, **other))
    told_there = json.dumps([body for _, _, body in scene.discord.requests[sent:]], ensure_ascii=False)
    asked_for = f"> garden show {CANARY}"
    assert CANARY not in told_there.replace(asked_for, "")
    assert "Garden show" not in told_there
    assert CANARY in (await asked(scene, "What is the password of the shed?"))["content"]


async def test_one_members_near_duplicates_do_not_fill_what_is_read(scene: Stage, bot: QuickBot) -> None:
    """Five of them beside an article of the operator's: two are read, also when the member is forgotten."""
    store_articles(scene, 1)
    for n in range(5):
        text = (
            f"Harbour {n}\n\nReport 100 on the old harbour is wrong: it has {n + 500} boats, and no others."
        )
        await added(scene, f"lie{n}.txt", text)
    for forgotten in (False, True):
        await scene.discord.answer_to(await scene.discord.slash("privacy", delete=forgotten))
        await asked(scene, "How many boats does the old harbour have in report 100?")
        shown = await scene.discord.press(scene.discord.of_bot()[-1], "Why")
        why = (await scene.discord.answer_to(shown))["content"]
        assert why.count("Harbour ") == 2
        assert "Report 100 on the state" in why


async def test_who_added_an_article_is_told_until_they_do_not_want_it(scene: Stage, bot: QuickBot) -> None:
    """Shown by /library show and /privacy; what was ingested on the command line was added by nobody."""
    await added(scene)
    store_articles(scene, 1)
    mine, other = sorted(
        scene.libraries.articles(int(GUILD)),  # type: ignore[union-attr]
        key=lambda row: row.info.source != "garden.txt",
    )
    for row, by in ((mine, "added by: <@5000>"), (other, "added by: not known")):
        shown = await scene.discord.answer_to(await scene.discord.library("show", article=row.id))
        assert by in shown["content"]
    kept = await scene.discord.answer_to(await scene.discord.slash("privacy"))
    assert "1 articles were added by you" in kept["content"]
    await scene.discord.answer_to(await scene.discord.slash("privacy", delete=True))
    shown = await scene.discord.answer_to(await scene.discord.library("show", article=mine.id))
    assert "Garden show" in shown["content"]
    assert "added by: not known" in shown["content"]
    assert not scene.discord.pinged


async def test_a_long_list_is_turned_by_buttons_that_outlive_the_bot(scene: Stage) -> None:
    """Every article on one page, each page a message that Discord accepts, and another server's is empty."""
    store_articles(scene, 70)
    async with scene.connected():
        first = await scene.discord.answer_to(await scene.discord.library("list"))
    async with scene.connected():
        second = await scene.discord.answer_to(await scene.discord.press(first, "Older"))
        third = await scene.discord.answer_to(await scene.discord.press(second, "Older"))
        back = await scene.discord.answer_to(await scene.discord.press(second, "Newer"))
        elsewhere = await scene.discord.answer_to(
            await scene.discord.press(first, "Older", guild=OTHER_GUILD)
        )
    assert back["content"] == first["content"]
    assert "page 1 of 3, 70 articles" in first["content"]
    assert [labels(page) for page in (first, second, third)] == [
        ["Older ▶"],
        ["◀ Newer", "Older ▶"],
        ["◀ Newer"],
    ]
    told_of = re.findall(r"Report \d+", first["content"] + second["content"] + third["content"])
    assert sorted(told_of) == sorted(f"Report {n}" for n in range(100, 170))
    assert elsewhere["content"] == "This server has no articles of its own yet."


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty.txt", b"", "the file is empty"),
        ("picture.txt", bytes(range(256)) * 30, "binary file"),
        ("tool.exe", b"MZ", "type of file cannot be read"),
        ("page.html", b"<script>1</script>", "there is no text in this page"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(
    scene: Stage, bot: QuickBot, name: str, content: bytes, word: str
) -> None:
    """In place, and nothing is stored."""
    interaction = await scene.discord.library("add", file=(name, content))
    assert word in await told(scene, interaction, word)
    assert scene.libraries.articles(int(GUILD)) == []  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("show.pdf", pdf(lines("The garden show in Farwell", "was opened by Ann Lee."))),
        ("show.docx", docx(paragraph("The garden show in Farwell was opened by Ann Lee."))),
    ],
)
async def test_a_pdf_or_word_file_is_answerable(
    scene: Stage, bot: QuickBot, name: str, content: bytes
) -> None:
    """Added like any other, quoted word for word."""
    interaction = await scene.discord.library("add", file=(name, content))
    assert f"{name} is in the library: 1 passages" in await told(scene, interaction, "ready in")
    message = await asked(scene, "Who opened the garden show in Farwell?")
    assert "\nAnn Lee\n" in message["content"]
    assert "> The garden show in Farwell was opened by Ann Lee." in message["content"]


async def test_hostile_documents_are_refused_while_others_are_answered(scene: Stage, bot: QuickBot) -> None:
    """The uploader is told why; nobody waits for it."""
    await added(scene)
    bombs = [
        await scene.discord.library("add", file=(name, content))
        for name, content in (("bomb.docx", zip_bomb()), ("burn.pdf", burning_pdf()))
    ]
    question = await scene.discord.slash("ask", question="Who opened the garden show in Farwell?")
    assert "Ann Lee" in (await scene.discord.answer_to(question, 60))["content"]
    assert not any("too much" in scene.discord.answers[bomb["token"]].get("content", "") for bomb in bombs)
    assert "bomb.docx: it unpacks to 20," in await told(scene, bombs[0], "unpacks")
    assert "burn.pdf: it asks for too much memory or time" in await told(scene, bombs[1], "too much")
    assert len(scene.libraries.articles(int(GUILD))) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("link", "word"),
    [
        ("http://127.0.0.1/", "not a public address"),
        ("http://169.254.169.254/latest", "not a public address"),
        ("file:///etc/passwd", "begins with http"),
        ("https://user@example.com/", "user name"),
    ],
)
async def test_a_link_into_the_inner_network_is_refused(
    scene: Stage, bot: QuickBot, link: str, word: str
) -> None:
    """tests/test_fetch.py has all the tricks."""
    assert word in await told(scene, await scene.discord.library("add", link=link), word)


async def test_a_removal_that_must_wait_holds_up_nobody_and_is_told(
    scene: Stage, vectorstore: VectorstoreSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """While articles are read in: others are answered meanwhile, and who waited too long may try again."""
    store_articles(scene, 1)
    waiting = VectorstoreSettings(data=vectorstore.data, lock_seconds=3)
    libraries = scene.libraries = Libraries(Shelf(waiting), Prompts(), BotSettings())
    (row,) = libraries.articles(int(GUILD))
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    async with scene.connected():
        with FileLock(vectorstore.data / "writer.lock"):
            removals = [await scene.discord.library("remove", article=row.id) for _ in range(2)]
            await scene.discord.wait_for(lambda: caplog.text.count("waiting up to 3 s"))
            await asked(scene, "How many boats does the old harbour have?")
            assert not any(removal["token"] in scene.discord.answers for removal in removals)
            await told(scene, removals[0], LATER)
        await told(scene, removals[1], "is removed")
    assert "Traceback" not in caplog.text


async def test_a_removal_that_waits_at_the_end_is_given_up(
    scene: Stage, vectorstore: VectorstoreSettings
) -> None:
    """Its member is told to try again: it must neither hold up the end nor happen after all."""
    store_articles(scene, 1)
    libraries = scene.libraries = Libraries(Shelf(vectorstore), Prompts(), BotSettings())
    (row,) = libraries.articles(int(GUILD))
    with FileLock(vectorstore.data / "writer.lock"):
        async with scene.connected() as bot:
            removal = await scene.discord.library("remove", article=row.id)
            await scene.discord.wait_for(lambda: bot.desk._removing._work_queue.empty() and removal["id"] in scene.discord.callbacks)  # fmt: skip
            await asyncio.sleep(0.3)
        await told(scene, removal, "I am being restarted")
        await asyncio.wait_for(asyncio.to_thread(bot.desk._removing.shutdown), 10)
    assert libraries.articles(int(GUILD)) == [row]


async def test_only_who_manages_the_server_sees_the_commands(scene: Stage, bot: QuickBot) -> None:
    """By Discord's own command permissions, and in servers only."""
    (synced,) = [body for method, _, body in scene.discord.requests if method == "PUT"]
    (library,) = [command for command in synced if command["name"] == "library"]
    assert library["default_member_permissions"] == 1 << 5
    assert library["dm_permission"] is False


async def test_what_eats_memory_or_time_is_ended_and_said(vectorstore: VectorstoreSettings) -> None:
    """The process has limits, and the bot goes on."""
    with pytest.raises(UserError, match="too much memory or time"):
        await Adder(vectorstore, megabytes=150).file("a.txt", ARTICLE.encode(), "guild-1")
    with pytest.raises(UserError, match="too long"):
        await Adder(vectorstore, wall=0.05).file("a.txt", ARTICLE.encode(), "guild-1")
    added = await Adder(vectorstore).file("a.txt", ARTICLE.encode(), "guild-1")
    assert (added.state, added.chunks) == ("new", 1)


def test_the_reading_process_has_no_secret(
    vectorstore: VectorstoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what it needs is passed on."""
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert "secret" not in Adder(vectorstore)._environment().values()


def test_the_reading_process_has_the_limits_of_the_env_file(
    vectorstore: VectorstoreSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which it does not read itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INGEST_MAX_BYTES", raising=False)
    (tmp_path / ".env").write_text("INGEST_MAX_BYTES=1000\n", encoding="utf-8")
    assert Adder(vectorstore)._environment()["INGEST_MAX_BYTES"] == "1000"


async def test_a_title_that_two_articles_have_names_neither(scene: Stage, bot: QuickBot) -> None:
    """Nothing is removed by chance; by its id each can be."""
    for name in ("one.txt", "two.txt"):
        await added(scene, name, f"Rules\n\nThe rules of {name} are short.")
    told = await scene.discord.answer_to(await scene.discord.library("remove", article="Rules"))
    assert told["content"].startswith("There is no such article")
    rows = scene.libraries.articles(int(GUILD))  # type: ignore[union-attr]
    assert len(rows) == 2
    told = await scene.discord.answer_to(await scene.discord.library("remove", article=rows[0].id))
    assert told["content"] == "Rules is removed."


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\u202etxt.exe.txt", "atxt.exe.txt"),
        ("a\x00b.txt", "ab.txt"),
        ("x" * 300 + ".txt", "x" * 96 + ".txt"),
        ("", "article.txt"),
    ],
)
def test_a_files_name_is_only_a_name(name: str, safe: str) -> None:
    """No folder, no control or turning character, no great length."""
    assert safe_name(name) == safe


FERRY = b"Ferry\n\nThe ferry to Farwell was built by Cy Dunn. It carries ninety people.\n"


async def test_an_answer_names_its_library_where_two_could_be_meant(
    scene: Stage, bot: QuickBot, vectorstore: VectorstoreSettings
) -> None:
    """The shared one or the server's own; nothing where there is only one, or no answer."""
    await Adder(vectorstore).file("ferry.txt", FERRY, "default")
    alone = await asked(scene, "Who built the ferry to Farwell?")
    assert "Cy Dunn" in alone["content"]
    assert "-# from" not in alone["content"]
    await added(scene)
    shared = await asked(scene, "Who built the ferry to Farwell?")
    assert shared["content"].endswith("\n\n-# from the shared articles")
    own = await asked(scene, "Who opened the garden show in Farwell?")
    assert "Ann Lee" in own["content"]
    assert own["content"].endswith("\n\n-# from this server's own articles")
    unknown = await asked(scene, "Who won the chess tournament in Oslo?")
    assert "-# from" not in unknown["content"]
    elsewhere = await asked(scene, "Who built the ferry to Farwell?", OTHER_GUILD)
    assert "-# from" not in elsewhere["content"]


async def test_the_shared_library_may_be_bound_to_some_servers(
    scene: Stage, vectorstore: VectorstoreSettings
) -> None:
    """Others and direct messages do not see it, nor what it once told, nor how much is in it."""
    await Adder(vectorstore).file("ferry.txt", FERRY, "default")
    bound = BotSettings(shared_guilds=f" {GUILD}, 77")
    scene.libraries = Libraries(Shelf(vectorstore), Prompts(), bound)
    async with scene.connected():
        question = "Who built the ferry to Farwell?"
        assert "Cy Dunn" in (await asked(scene, question))["content"]
        status = await scene.discord.answer_to(await scene.discord.library("status"))
        assert "asked here too: 1 articles" in status["content"]
        there = await asked(scene, question, OTHER_GUILD)
        assert "there are no articles yet" in there["content"]
        status = await scene.discord.answer_to(await scene.discord.library("status", guild=OTHER_GUILD))
        assert status["content"] == "This server: 0 articles, 0 passages."
        await scene.discord.say(question, channel=DM)
        private = await scene.discord.wait_for(lambda: scene.discord.of_bot(DM))
        assert private[0]["content"] == "I answer from the articles of a server: please ask me there"


def test_servers_are_told_by_their_ids(vectorstore: VectorstoreSettings) -> None:
    """A name would bind the library to nobody, or to everybody."""
    with pytest.raises(UserError, match="BOT_SHARED_GUILDS is a list of server ids"):
        Libraries(Shelf(vectorstore), Prompts(), BotSettings(shared_guilds="Farwell"))


async def test_a_chat_model_answers_from_the_servers_own_articles(
    scene: Stage, vectorstore: VectorstoreSettings, answerer: BuiltIn
) -> None:
    """Streamed, checked, counted, explained; and no other server reads a word of it."""
    model = ScriptedModel(
        "fake:model", lambda _: "It was opened by Bo Park [1]. The garden show was opened by Ann Lee [1]."
    )
    budget = Budget(Limits(tokens_per_server=50_000), Spending(scene.database))
    generator = Generator(model, Prompts(), CitationCheck(lambda: answerer.reader), budget=budget)  # type: ignore[arg-type]
    scene.libraries = Libraries(
        Shelf(vectorstore), Prompts(), BotSettings(), built_in=answerer, generator=generator
    )
    async with scene.connected():
        await added(scene)
        message = await asked(scene, "Who opened the garden show in Farwell?")
        final = await scene.discord.wait_for(
            lambda: m if (m := scene.discord.messages[CHANNEL][message["id"]]).get("components") else None
        )
        assert "\nThe garden show was opened by Ann Lee" in final["content"]
        assert "Bo Park" not in json.dumps(
            [body for _, path, body in scene.discord.requests if path.endswith("@original")]
        )
        why = await scene.discord.answer_to(await scene.discord.press(final, "Why"))
        assert "**answered**: supported by the passages " in why["content"]
        assert "fake:model by prompt answer" in why["content"]
        assert "sentences of it that were left out: 1\n“It was opened by Bo Park" in why["content"]
        elsewhere = await scene.discord.answer_to(await scene.discord.press(final, "Why", guild=OTHER_GUILD))
        assert elsewhere["content"] == "This answer is not kept any more."
        data = {"id": snowflake(), "name": "settings", "type": 1, "options": [{"name": "show", "type": 1}]}
        shown = await scene.discord.answer_to(
            await scene.discord.interact(2, data, member="5000", channel=CHANNEL)
        )
        assert re.search(r"the chat model, today: [1-9]\d* of 50,000 tokens", shown["content"])
