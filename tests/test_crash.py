"""`kill -9` in the middle of an ingest: the old version answers, and the next ingest repairs everything."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import open_fake, store_all, write

from vectorstore.upkeep import problems

HERE = Path(__file__).parent
OLD = {
    "bridge": "Bridge news\n\n"
    + " ".join(f"In the old report beam {i} of the bridge was sound." for i in range(20)),
    "ferry": "Ferry news\n\nThe ferry runs every hour.",
}
NEW = {
    "bridge": "Bridge news\n\n"
    + " ".join(f"In the new report beam {i} of the bridge was cracked." for i in range(25)),
    "ferry": "Ferry news\n\nThe ferry runs every two hours.",
    "tram": "Tram news\n\nThe tram starts in June.",
}


def ingest_and_die(data: Path, folder: Path, fatal: int) -> subprocess.CompletedProcess[str]:
    """A real process that is killed before its write number `fatal`."""
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE}"}
    command = [sys.executable, str(HERE / "kill_at.py"), str(data), str(folder), str(fatal)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with the old versions, to be copied."""
    folder = tmp_path_factory.mktemp("before")
    library = open_fake(folder / "data")
    store_all(library, write(folder / "articles", **OLD))
    library.connection.close()
    return folder


def writes_of_an_ingest(before: Path) -> int:
    """How many writes the whole ingest of the new versions takes."""
    data = before.parent / "counted"
    shutil.copytree(before / "data", data, dirs_exist_ok=True)
    write(before / "articles", **NEW)
    return int(ingest_and_die(data, before / "articles", 10**6).stdout)


def test_killed_at_any_write_nothing_is_lost(before: Path, tmp_path: Path) -> None:
    """At each write: each article answers in one version, whole; the next ingest leaves the library sound."""
    count = writes_of_an_ingest(before)
    assert count >= 3 * 4
    for fatal in range(count):
        data = tmp_path / str(fatal)
        shutil.copytree(before / "data", data)
        killed = ingest_and_die(data, before / "articles", fatal)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        library = open_fake(data)
        found = library.retriever.retrieve("report beam of the bridge", k=50).passages
        told = " ".join(p.chunk.text for p in found if p.article.title == "Bridge news")
        versions = {version for version in ("sound", "cracked") if version in told}
        assert len(versions) == 1, f"killed at write {fatal}: {versions or 'nothing'} answers"
        whole = range(20) if versions == {"sound"} else range(25)
        assert all(f"beam {i} of" in told for i in whole), f"killed at write {fatal}: a part is missing"
        ferry = library.retriever.retrieve("ferry runs", k=50).passages
        assert sum(p.article.title == "Ferry news" for p in ferry) == 1
        library.connection.close()
        again = open_fake(data)
        store_all(again, sorted((before / "articles").glob("*.txt")))
        assert problems(again.store, again.index) == [], f"killed at write {fatal}"
        now = " ".join(p.chunk.text for p in again.retriever.retrieve("bridge ferry tram", k=50).passages)
        assert "cracked" in now
        assert "two hours" in now
        assert "June" in now
        assert "sound" not in now
        again.connection.close()
