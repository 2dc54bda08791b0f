"""What is stored, replaced, removed, repaired and refused."""

import json
import multiprocessing
import os
import shutil
from itertools import accumulate
from pathlib import Path

import pytest
from fakes import WordEmbedder, open_fake, store_all, write

from ingest.load import find_files
from ingest.pipeline import State, place_of
from vectorstore.chroma import Connection
from vectorstore.datatypes import ArticleInfo, Chunk, UserError
from vectorstore.lexical import LexicalIndex
from vectorstore.library import Library
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store, library_names
from vectorstore.upkeep import finish_rebuild, problems, rebuild

BRIDGE = "Bridge news\n\nThe old bridge was closed on Monday. It will open again in May."
FERRY = "Ferry news\n\nThe ferry to Farwell runs every hour. A ticket costs three coins."


def texts(library: Library, question: str) -> list[str]:
    """The passages found for a question."""
    return [passage.chunk.text for passage in library.retriever.retrieve(question).passages]


def test_an_unchanged_article_is_skipped_and_a_changed_one_replaced(tmp_path: Path, library: Library) -> None:
    """The second run embeds nothing; the third only what changed, under new chunk ids."""
    files = write(tmp_path / "a", bridge=BRIDGE, ferry=FERRY)
    embedder = library.store.embedder
    assert isinstance(embedder, WordEmbedder)
    assert [o.state for o in store_all(library, files)] == [State.NEW, State.NEW]
    before, embedded = {i for row in library.store.rows() for i in row.chunk_ids()}, embedder.embedded
    assert [o.state for o in store_all(library, files)] == [State.UNCHANGED, State.UNCHANGED]
    assert embedder.embedded == embedded
    write(tmp_path / "a", ferry=FERRY.replace("three", "four"))
    assert [o.state for o in store_all(library, files)] == [State.UNCHANGED, State.CHANGED]
    after = {i for row in library.store.rows() for i in row.chunk_ids()}
    assert len(before & after) == 1
    assert not any("three coins" in text for text in texts(library, "What does a ticket cost?"))
    assert problems(library.store, library.index) == []


def test_a_bad_file_does_not_stop_the_others(tmp_path: Path, library: Library) -> None:
    """It is an outcome with its name and reason."""
    files = write(tmp_path / "a", bad="", bridge=BRIDGE)
    failed, new = store_all(library, files)
    assert (failed.state, failed.reason, new.state) == (State.FAILED, "the file is empty", State.NEW)
    assert failed.source.endswith("a/bad.txt")


def test_a_file_name_in_another_encoding_does_not_stop_the_others(tmp_path: Path, library: Library) -> None:
    """Chroma could not store it."""
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text(FERRY, encoding="utf-8")
    (tmp_path / "b.txt").write_text(BRIDGE, encoding="utf-8")
    outcomes = store_all(library, find_files([tmp_path]))
    assert {(o.state, o.reason) for o in outcomes} == {
        (State.NEW, ""),
        (State.FAILED, "its name is not UTF-8: rename the file"),
    }


def test_one_file_has_one_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However its path is typed."""
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert place_of(Path("../a/x.md")).source == place_of(Path("x.md")).source == "x.md"


def test_a_failed_new_version_leaves_the_old_one(tmp_path: Path, library: Library) -> None:
    """A file that became empty is reported; what was read before still answers."""
    files = write(tmp_path / "a", bridge=BRIDGE)
    store_all(library, files)
    write(tmp_path / "a", bridge="")
    assert [o.state for o in store_all(library, files)] == [State.FAILED]
    assert any("Monday" in text for text in texts(library, "When was the bridge closed?"))


def test_a_removed_article_is_gone_everywhere(tmp_path: Path, library: Library) -> None:
    """From both indexes and from the next answer."""
    files = write(tmp_path / "a", bridge=BRIDGE, ferry=FERRY)
    store_all(library, files)
    source = next(row.info.source for row in library.store.rows() if "Bridge" in row.info.title)
    assert texts(library, "bridge closed Monday")[0].startswith("Bridge news")
    with library.connection.writing():
        assert library.store.remove(source)
        assert not library.store.remove(source)
        library.index.sync(library.store)
    assert not any("Monday" in text for text in texts(library, "bridge closed Monday"))
    assert problems(library.store, library.index) == []


def test_libraries_do_not_see_each_other(tmp_path: Path) -> None:
    """One library's articles are never found from another."""
    one, two = open_fake(tmp_path / "data", "one"), open_fake(tmp_path / "data", "two")
    store_all(one, write(tmp_path / "a", bridge=BRIDGE))
    store_all(two, write(tmp_path / "b", ferry=FERRY))
    assert all("ferry" not in text.lower() for text in texts(one, "ferry ticket"))
    assert library_names(one.connection) == ["one", "two"]


@pytest.mark.parametrize("name", ["", "Upper", "../up", "a b", "x" * 64, "-x"])
def test_an_unusable_library_name_is_refused(tmp_path: Path, name: str) -> None:
    """Names become folders and collections."""
    with pytest.raises(UserError, match="is not usable"):
        Store(Connection(VectorstoreSettings(data=tmp_path)), name, WordEmbedder())


def test_another_embedding_model_is_refused_until_a_rebuild(tmp_path: Path, library: Library) -> None:
    """The error names both models and the remedy; a rebuild embeds the stored text anew."""
    store_all(library, write(tmp_path / "a", bridge=BRIDGE, ferry=FERRY))
    library.connection.close()
    other = open_fake(tmp_path / "data", embedder=WordEmbedder("other"))
    with pytest.raises(UserError, match=r"was built with words .*settings say other .*--rebuild"):
        other.retriever.retrieve("bridge")
    with other.connection.writing():
        assert rebuild(other.store) == 2
        other.index.sync(other.store)
    assert texts(other, "When was the bridge closed?")[0].startswith("Bridge")
    assert problems(other.store, other.index) == []


def test_an_interrupted_rebuild_is_dropped_or_finished(tmp_path: Path, library: Library) -> None:
    """Incomplete: the old collection stays. Complete but not in place: it is put there."""
    store_all(library, write(tmp_path / "a", bridge=BRIDGE))
    connection = library.connection
    connection.create("default.rebuild", {"revision": 9})
    finish_rebuild(library.store)
    assert connection.collection("default.rebuild") is None
    assert texts(library, "bridge")
    meta = connection.collection("default.chunks").metadata
    connection.create("default.rebuild", {**meta, "revision": 9, "complete": 1})
    connection.delete("default.chunks")
    finish_rebuild(library.store)
    assert connection.collection("default.chunks").metadata["revision"] == 9


def test_a_second_rebuild_that_is_interrupted_loses_nothing(tmp_path: Path, library: Library) -> None:
    """That the first one was complete says nothing about it."""
    store_all(library, write(tmp_path / "a", bridge=BRIDGE, ferry=FERRY))
    rebuild(library.store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.store.embedder, "embed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rebuild(library.store)
    finish_rebuild(library.store)
    assert problems(library.store, library.index) == []
    assert texts(library, "bridge")


def interrupted(*_: object) -> None:
    """As by Ctrl-C."""
    raise KeyboardInterrupt


def test_a_lost_vector_index_is_noticed_at_opening(tmp_path: Path, library: Library) -> None:
    """Chroma itself opens without an error; it keeps the vectors in that folder from a thousand on."""
    texts_ = [f"Word{i} stands here alone." for i in range(2500)]
    ends = list(accumulate(len(text) for text in texts_))
    chunks = [
        Chunk(text=text, start=end - len(text), end=end, section="", sentences=((end - len(text), end),))
        for text, end in zip(texts_, ends, strict=True)
    ]
    info = ArticleInfo(source="long.txt", title="Long news")
    with library.connection.writing():
        library.store.replace(info, "", chunks, library.store.embed(info, chunks))
    assert "Word1234" in texts(library, "Word1234")[0]
    library.connection.close()
    for path in (tmp_path / "data" / "chroma").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    with pytest.raises(UserError, match="damaged: run python -m ingest --rebuild"):
        texts(open_fake(tmp_path / "data"), "Word1234")
    mended = open_fake(tmp_path / "data")
    with mended.connection.writing():
        assert rebuild(mended.store) == 2500
    assert "Word1234" in texts(mended, "Word1234")[0]


def test_a_lost_lexical_index_is_built_again(tmp_path: Path, library: Library) -> None:
    """It is derived: delete the folder or its state, and the next question brings it back."""
    store_all(library, write(tmp_path / "a", bridge=BRIDGE, ferry=FERRY))
    for victim in ("state.json", "index/meta.json", ""):
        path = tmp_path / "data" / "lexical" / "default" / victim
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        again = open_fake(tmp_path / "data")
        assert again.retriever.retrieve("ferry").passages[0].lexical == 1.0
        assert problems(again.store, again.index) == []
        again.connection.close()


def test_an_interrupted_building_of_the_lexical_index_is_taken_up_again(
    tmp_path: Path, library: Library
) -> None:
    """An empty index beside a state that says that it is full would never be filled."""
    store_all(library, write(tmp_path / "a", bridge=BRIDGE))
    folder = tmp_path / "data" / "lexical" / "default"
    shutil.rmtree(folder / "index")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LexicalIndex, "_apply", interrupted)
        with pytest.raises(KeyboardInterrupt):
            LexicalIndex(folder).sync(library.store)
    again = LexicalIndex(folder)
    again.sync(library.store)
    assert problems(library.store, again) == []


def test_verify_tells_what_is_wrong(tmp_path: Path, library: Library) -> None:
    """A lost chunk, an orphan and a pending writer are each named."""
    store_all(library, write(tmp_path / "a", bridge=BRIDGE, ferry=FERRY))
    row = library.store.rows()[0]
    collection = library.store.collection("chunks")
    kept = collection.get(ids=row.chunk_ids(), include=["embeddings", "documents", "metadatas"])
    collection.delete(ids=row.chunk_ids())
    collection.add(
        ids=["ffffffffffffffff.1.0"],
        embeddings=kept["embeddings"][:1],
        documents=["orphan"],
        metadatas=kept["metadatas"][:1],
    )
    collection.modify(metadata={**collection.metadata, "pending": row.id})
    found = "\n".join(problems(library.store, library.index))
    assert "a writer was interrupted" in found
    assert "belongs to no published article" in found
    assert f"of {row.info.source} is missing" in found


def _hold(data: str, ready: object, release: object) -> None:
    with Connection(VectorstoreSettings(data=Path(data))).writing():
        ready.set()  # type: ignore[attr-defined]
        release.wait(30)  # type: ignore[attr-defined]


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    """After waiting as long as the settings say; when the first is done it goes on."""
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(str(tmp_path), ready, release))
    holder.start()
    assert ready.wait(30)
    second = Connection(VectorstoreSettings(data=tmp_path, lock_seconds=0))
    with (
        pytest.raises(UserError, match=rf"another process \(pid {holder.pid}, since .*\) is writing"),
        second.writing(),
    ):
        pass
    release.set()
    holder.join(30)
    with second.writing():
        assert json.loads((tmp_path / "writer.json").read_text())["pid"]


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """One line, with the setting to change."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="set FOOTNOTE_DATA"):
        open_fake(tmp_path / "file").store.head()


def test_an_empty_library_says_what_to_run(library: Library) -> None:
    """No article yet."""
    with pytest.raises(UserError, match="run python -m ingest PATH"):
        library.retriever.retrieve("anything")
