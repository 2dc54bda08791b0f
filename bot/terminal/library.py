"""`library list|show|remove|verify`: what the bot has read."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.settings import BotSettings
from bot.terminal.show import printable
from vectorstore.datatypes import UserError
from vectorstore.library import Library, open_library
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import ArticleRow, library_names
from vectorstore.upkeep import finish_rebuild, problems

app = typer.Typer(no_args_is_help=True, help="List, show, remove and verify articles.")

LibraryName = Annotated[str | None, typer.Option("--library", help="Which library; BOT_LIBRARY by default.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@app.command("list")
def list_(library: LibraryName = None, json_: AsJson = False) -> None:
    """The articles of a library."""
    opened = _open(library)
    rows = sorted(opened.store.rows(), key=lambda row: (row.info.date or "", row.info.title), reverse=True)
    if json_:
        print(json.dumps([_fields(row) for row in rows], ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("date", "title", "source", "chunks"):
        table.add_column(column, justify="right" if column == "chunks" else "left", overflow="fold")
    for row in rows:
        table.add_row(
            row.info.date or "", printable(row.info.title), printable(row.info.source), str(row.chunks)
        )
    console = Console()
    console.print(table)
    others = [name for name in library_names(opened.connection) if name != opened.store.library]
    if others:
        console.print(f"other libraries: {', '.join(others)}", style="dim")


@app.command()
def show(source: str, library: LibraryName = None, json_: AsJson = False) -> None:
    """One article: its catalogue entry and its chunks."""
    opened = _open(library)
    row = _row(opened, source)
    chunks = opened.store.chunks(row.chunk_ids())
    ordered = [chunks[id_] for id_ in row.chunk_ids() if id_ in chunks]
    if json_:
        told = [{"start": c.start, "end": c.end, "section": c.section, "text": c.text} for c in ordered]
        print(json.dumps({**_fields(row), "passages": told}, ensure_ascii=False))
        return
    console = Console()
    facts = [
        row.info.date,
        row.info.author,
        row.info.source,
        f"{row.chunks} chunks",
        f"ingested {row.ingested_at}",
    ]
    console.print(printable(row.info.title), style="bold", markup=False)
    console.print(printable(" · ".join(filter(None, facts))), style="dim", markup=False)
    for chunk in ordered:
        console.print(f"\n{chunk.start}-{chunk.end} {printable(chunk.section)}", style="cyan", markup=False)
        console.print(printable(chunk.text), markup=False, highlight=False)


@app.command()
def remove(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE")], library: LibraryName = None
) -> None:
    """Take articles out of a library; running processes stop answering from them at once."""
    opened = _open(library)
    rows = {(row := _row(opened, source)).id: row for source in sources}  # all known before the first goes
    with opened.connection.writing():
        finish_rebuild(opened.store)
        opened.store.repair()
        for row in rows.values():
            opened.store.remove(row.info.source)
        opened.index.sync(opened.store)
    print(f"removed {len(rows)} article{'s' if len(rows) != 1 else ''}")


@app.command()
def verify(library: LibraryName = None, json_: AsJson = False) -> None:
    """Check that every article is complete in both indexes and that nothing else is in them."""
    opened = _open(library)
    opened.index.sync(opened.store)
    found = problems(opened.store, opened.index)
    rows = opened.store.rows()
    chunks = sum(row.chunks for row in rows)
    if json_:
        told = {"library": opened.store.library, "articles": len(rows), "chunks": chunks, "problems": found}
        print(json.dumps(told, ensure_ascii=False))
    elif not found:
        print(f"library {opened.store.library!r} is sound: {len(rows)} articles, {chunks} chunks")
    else:
        print("\n".join(found))
    if found:
        raise typer.Exit(1)


def _open(library: str | None) -> Library:
    return open_library(VectorstoreSettings(), library or BotSettings().library, must_exist=True)


def _row(opened: Library, source: str) -> ArticleRow:
    """The article with this source; a title will do if only one has it."""
    rows = opened.store.rows()
    found = [row for row in rows if row.info.source == source] or [
        row for row in rows if row.info.title == source
    ]
    if len(found) != 1:
        raise UserError(
            f"library {opened.store.library!r} has no article {source!r}: see python -m bot library list"
        )
    return found[0]


def _fields(row: ArticleRow) -> dict[str, str | int | None]:
    info = row.info
    told = {"source": info.source, "title": info.title, "date": info.date, "author": info.author}
    return {**told, "chunks": row.chunks, "ingested_at": row.ingested_at}
