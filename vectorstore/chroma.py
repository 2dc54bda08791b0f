"""The connection to Chroma, and the one writer's lock. Nothing else imports chromadb."""

import contextlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import urlsplit

import chromadb
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError
from filelock import FileLock, Timeout

from vectorstore.datatypes import UserError, unwritable
from vectorstore.settings import VectorstoreSettings

__all__ = ["ChromaError", "Connection"]

log = logging.getLogger(__name__)

_COSINE = {"hnsw": {"space": "cosine"}}


class Connection:
    """One Chroma client for all libraries of a data folder; `lock` guards it between threads."""

    def __init__(self, settings: VectorstoreSettings) -> None:
        self.settings = settings
        self.lock = RLock()
        self._client: Any = None  # chromadb types its client loosely

    @property
    def client(self) -> Any:
        """The open client. Raises UserError when no Chroma server answers."""
        with self.lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def collection(self, name: str) -> Any:
        """The collection with this name, or None."""
        try:
            return self.client.get_collection(name, embedding_function=None)
        except NotFoundError:
            return None

    def create(self, name: str, metadata: dict[str, Any]) -> Any:
        """A new cosine collection whose vectors we bring ourselves."""
        return self.client.create_collection(
            name, configuration=_COSINE, embedding_function=None, metadata=metadata
        )

    def delete(self, name: str) -> None:
        """Drop a collection, if it is there."""
        with contextlib.suppress(NotFoundError):
            self.client.delete_collection(name)

    def names(self) -> list[str]:
        """The names of all collections."""
        return [collection.name for collection in self.client.list_collections()]

    def reopen(self) -> None:
        """See what other processes wrote since the last opening: an embedded Chroma caches its index."""
        if self.settings.chroma_url is None:
            self.close()

    def close(self) -> None:
        """Release the files."""
        with self.lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    @contextlib.contextmanager
    def writing(self, given_up: Callable[[], bool] | None = None) -> Iterator[None]:
        """Hold the one writer's lock, waiting `lock_seconds`, or until it is `given_up`.

        Raises UserError that names the holder.
        """
        data = self.settings.data
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(data, error) from error
        holder = data / "writer.json"
        lock = FileLock(data / "writer.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.warning("waiting up to %g s for %s", self.settings.lock_seconds, _holder(holder))
            try:
                lock.acquire(timeout=self.settings.lock_seconds, cancel_check=given_up)
            except Timeout as error:
                raise UserError(
                    f"{_holder(holder)} is writing to {data}: try again when it is done"
                ) from error
        try:
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            holder.write_text(json.dumps({"pid": os.getpid(), "since": now}), encoding="utf-8")
            self.reopen()  # another process may have written before us
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def _open(self) -> Any:
        quiet = ChromaSettings(anonymized_telemetry=False)
        url = self.settings.chroma_url
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            try:
                port = parts.port or (443 if parts.scheme == "https" else 8000)
            except ValueError:
                port = 0
            if parts.scheme not in {"http", "https"} or not parts.hostname or not port:
                raise UserError("CHROMA_URL is no web address: write it as http://host:8000")
            try:
                return chromadb.HttpClient(
                    host=parts.hostname or "", port=port, ssl=parts.scheme == "https", settings=quiet
                )
            except ValueError as error:
                raise UserError(
                    f"no Chroma server answers at {parts.hostname}:{port}: start it, or correct CHROMA_URL"
                ) from error
        folder = self.settings.data / "chroma"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(str(folder), settings=quiet)
        except OSError as error:
            raise unwritable(self.settings.data, error) from error


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"another process (pid {holder['pid']}, since {holder['since']})"
    except (OSError, ValueError, KeyError):
        return "another process"
