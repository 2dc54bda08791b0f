"""`python -m ingest PATH…`: bring articles into a library."""

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ingest.load import find_files
from ingest.pipeline import Outcome, State, ingest
from ingest.settings import IngestSettings
from vectorstore.command_line import run
from vectorstore.library import open_library
from vectorstore.settings import VectorstoreSettings
from vectorstore.upkeep import finish_rebuild, rebuild

log = logging.getLogger("ingest")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="Files, or folders that are searched for them.")
    ] = None,
    library: Annotated[str | None, typer.Option(help="Library that the articles go into.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    rebuild_first: Annotated[
        bool, typer.Option("--rebuild", help="Embed the library's articles anew, with the settings' model.")
    ] = False,
) -> None:
    """Read articles (.txt, .md, .html), split them into chunks and store them.

    Articles that have not changed are skipped. Exit code 1 when a file could not be read.
    """
    if not paths and not rebuild_first:
        print("nothing to ingest: name a file or a folder, for example articles/", file=sys.stderr)
        raise typer.Exit(2)
    began = time.perf_counter()
    settings = IngestSettings()
    files = find_files([Path(path) for path in paths or []])
    opened = open_library(VectorstoreSettings(), library or settings.library)
    counts: Counter[State] = Counter()
    chunks = rebuilt = 0
    outcomes: list[Outcome] = []
    with nullcontext() if dry_run else opened.connection.writing():
        if not dry_run:
            finish_rebuild(opened.store)
            # before the repair, which refuses chunks of another model
            rebuilt = rebuild(opened.store) if rebuild_first else 0
            if opened.store.repair():
                log.warning("repaired what an interrupted ingest had left")
        for outcome in _progress(ingest(files, opened.store, max_bytes=settings.max_bytes, dry_run=dry_run), len(files)):
            counts[outcome.state] += 1
            chunks += outcome.chunks if outcome.state in {State.NEW, State.CHANGED} else 0
            outcomes.append(outcome)
        if not dry_run:
            opened.index.sync(opened.store)
    opened.connection.close()
    seconds = time.perf_counter() - began
    for outcome in outcomes:
        if outcome.state is State.FAILED:
            print(f"{outcome.source}: {outcome.reason}", file=sys.stderr)
    if as_json:
        result = {
            "library": opened.store.library,
            **{state.value: counts[state] for state in State},
            "chunks": chunks,
            "rebuilt": rebuilt,
            "seconds": round(seconds, 2),
            "dry_run": dry_run,
            "articles": [asdict(outcome) for outcome in outcomes],
        }
        print(json.dumps(result, ensure_ascii=False))
    else:
        told = ", ".join(f"{counts[state]} {state.value}" for state in State)
        again = f"{rebuilt} chunks embedded anew, " if rebuild_first else ""
        would = "dry run, nothing written: " if dry_run else ""
        if files or rebuild_first:
            print(f"{would}articles: {told}; {again}{chunks} chunks stored in {seconds:.1f} s")
        else:
            print("no article found: only .txt, .md and .html files are read", file=sys.stderr)
    if counts[State.FAILED] or not (files or rebuild_first):
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
