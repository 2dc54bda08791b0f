"""`python -m ingest PATH…`: bring articles into a library."""

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ingest.fetch import Rules, is_link
from ingest.load import find_files
from ingest.pipeline import Outcome, Place, State, ingest, place_of
from ingest.settings import IngestSettings
from vectorstore.command_line import run
from vectorstore.datatypes import UserError
from vectorstore.library import open_library
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store
from vectorstore.upkeep import finish_rebuild, rebuild

log = logging.getLogger("ingest")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Files, folders that are searched for them, or web links."),
    ] = None,
    library: Annotated[str | None, typer.Option(help="Library that the articles go into.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, write nothing.")
    ] = False,
    source: Annotated[
        str | None, typer.Option(help="What citations call the article, instead of its path; for one file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    rebuild_first: Annotated[
        bool, typer.Option("--rebuild", help="Embed the library's articles anew, with the settings' model.")
    ] = False,
) -> None:
    """Read articles (.txt, .md, .html, .pdf, .docx, or links), split them into chunks and store them.

    Articles that have not changed are skipped. Exit code 1 when a file could not be read.
    """
    if not paths and not rebuild_first:
        print("nothing to ingest: name a file, a folder or a link, for example articles/", file=sys.stderr)
        raise typer.Exit(2)
    began = time.perf_counter()
    settings = IngestSettings()
    places = _places(paths or [], source)
    if paths and not places:
        raise UserError("no article found: only .txt, .md, .html, .pdf and .docx files are read")
    opened = open_library(VectorstoreSettings(), library or settings.library)
    rebuilt = 0
    with nullcontext() if dry_run else opened.connection.writing():
        if not dry_run:
            rebuilt = _prepare(opened.store, rebuild_first=rebuild_first)
        outcomes = list(
            _progress(
                ingest(places, opened.store, Rules(max_bytes=settings.max_bytes), dry_run=dry_run),
                len(places),
            )
        )
        if not dry_run:
            opened.index.sync(opened.store)
    opened.connection.close()
    _report(outcomes, rebuilt, time.perf_counter() - began, dry_run=dry_run, as_json=as_json)


def _places(paths: list[str], source: str | None) -> list[Place]:
    """Files and links in the order in which they were named."""
    places = []
    for path in paths:
        if is_link(path):
            places.append(Place(path.split("#")[0]))
        else:
            places += [place_of(file) for file in find_files([Path(path)])]
    if source is not None:
        if len(places) != 1 or places[0].path is None:
            raise typer.BadParameter("--source names one file")
        places = [replace(places[0], source=source)]
    return list({place.source: place for place in places}.values())


def _prepare(store: Store, *, rebuild_first: bool) -> int:
    """Finish what an interrupted process left; embed anew if asked. Returns how many chunks were."""
    finish_rebuild(store)
    rebuilt = (
        rebuild(store) if rebuild_first else 0
    )  # before the repair, which refuses another model's chunks
    if store.repair():
        log.warning("repaired what an interrupted ingest had left")
    return rebuilt


def _report(outcomes: list[Outcome], rebuilt: int, seconds: float, *, dry_run: bool, as_json: bool) -> None:
    counts = Counter(outcome.state for outcome in outcomes)
    chunks = sum(o.chunks for o in outcomes if o.state in {State.NEW, State.CHANGED})
    for outcome in outcomes:
        if outcome.state is State.FAILED:
            print(f"{outcome.source}: {outcome.reason}", file=sys.stderr)
    if as_json:
        told = {state.value: counts[state] for state in State}
        told |= {"chunks": chunks, "rebuilt": rebuilt}
        articles = [asdict(outcome) for outcome in outcomes]
        result = {**told, "seconds": round(seconds, 2), "dry_run": dry_run, "articles": articles}
        print(json.dumps(result, ensure_ascii=False))
    else:
        parts = ", ".join(f"{counts[state]} {state.value}" for state in State)
        again = f"{rebuilt} chunks embedded anew, " if rebuilt else ""
        would = "dry run, nothing written: " if dry_run else ""
        print(f"{would}articles: {parts}; {again}{chunks} chunks stored in {seconds:.1f} s")
    if counts[State.FAILED]:
        raise typer.Exit(1)


def _progress(outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    """Show how far it is on a terminal; elsewhere say nothing."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from outcomes
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=total)
        for outcome in outcomes:
            progress.update(task, advance=1, description=Path(outcome.source).name[:40])
            yield outcome


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()
