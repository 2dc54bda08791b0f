"""Who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "bot": {"bot", "ingest", "prompts", "vectorstore"},
    "ingest": {"ingest", "vectorstore"},
    "vectorstore": {"vectorstore"},
    "prompts": {"prompts"},
}


def imported(file: Path) -> set[str]:
    """All modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names.add(node.module or "")
    return names


def modules(folder: str) -> list[Path]:
    """All modules of a package."""
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("package", ALLOWED)
def test_a_room_imports_only_the_rooms_below_it(package: str) -> None:
    """The arrows of the design, and no other."""
    assert modules(package)
    for file in modules(package):
        ours = {name.split(".")[0] for name in imported(file)} & (
            ALLOWED.keys() | {"benchmarks", "training", "tests"}
        )
        assert ours <= ALLOWED[package], f"{file.relative_to(ROOT)} imports {ours - ALLOWED[package]}"


def test_discord_stays_in_its_face() -> None:
    """Answering and the terminal know nothing of Discord."""
    for package in ALLOWED:
        for file in modules(package):
            where = file.relative_to(ROOT).as_posix()
            if not where.startswith("bot/") or where.startswith(("bot/answering/", "bot/terminal/")):
                assert not any(name.split(".")[0] == "discord" for name in imported(file)), where


@pytest.mark.parametrize(("library", "only"), [("chromadb", {"chroma.py"}), ("tantivy", {"lexical.py"})])
def test_a_store_is_imported_in_one_place(library: str, only: set[str]) -> None:
    """One module knows each database."""
    users = {
        f.name
        for package in ALLOWED
        for f in modules(package)
        if any(n.split(".")[0] == library for n in imported(f))
    }
    assert users == only


def test_every_package_is_shipped() -> None:
    """A folder that pyproject.toml does not name would be missing from the wheel."""
    import tomllib

    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "packages"
    ]
    found = {
        ".".join(f.parent.relative_to(ROOT).parts)
        for package in ALLOWED
        for f in (ROOT / package).rglob("*.py")
    }
    assert set(named) == found
