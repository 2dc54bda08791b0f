"""Ingest a folder and die, by SIGKILL, just before the N-th write to Chroma: python kill_at.py DATA FOLDER N."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from chromadb.api.models.Collection import Collection
from fakes import open_fake, store_all

WRITES = ("add", "upsert", "modify", "delete")


def main(data: Path, folder: Path, fatal: int) -> None:
    """Prints how many writes there were, if it survives."""
    done = 0

    def dying(name: str) -> Any:
        original = getattr(Collection, name)

        def write(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal done
            if done == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            return original(self, *args, **kwargs)

        return write

    for name in WRITES:
        setattr(Collection, name, dying(name))
    store_all(open_fake(data), sorted(folder.glob("*.txt")))
    print(done)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
