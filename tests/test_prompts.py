"""Prompt files are checked before anybody reads them."""

from pathlib import Path

import pytest

from prompts import PromptError, Prompts
from prompts.settings import PromptsSettings


def prompts(folder: Path, text: str) -> Prompts:
    """A folder with one prompt, hello.md."""
    (folder / "hello.md").write_text(text, encoding="utf-8")
    return Prompts(folder)


def test_a_prompt_is_filled_in(tmp_path: Path) -> None:
    """Doubled braces are braces."""
    made = prompts(tmp_path, "---\nvariables: name, place\n---\nHello {name} of {place} {{sic}}\n")
    assert made.text("hello", name="Ann", place="Farwell") == "Hello Ann of Farwell {sic}"
    assert made.names() == ["hello"]


@pytest.mark.parametrize(
    ("text", "values", "told"),
    [
        ("---\nvariables: a, b\n---\n{c} {d}", {}, "missing a, b; unknown c, d"),
        ("---\nvariables: a\n---\n{a}", {"b": "x"}, "variables of the call: missing a; unknown b"),
        ("---\nvariables: a\n---\n{a", {"a": "x"}, "write a literal brace twice"),
        ("---\nvariables: a\n---\n{a} {0}", {"a": "x"}, "{0} is no variable name"),
        ("Hello", {}, "has no front matter"),
        ("---\nvariables:\n---\n", {}, "the text below the front matter"),
        ('---\nvariables:\n---\n{"a": 1}', {}, "is no variable name (write a literal brace twice)"),
        ("---\nvariables: a\n---\n{a: text}", {"a": "x"}, "{a} is no variable name"),
        (
            "---\nname: bye\ncolour: red\nvariables: a\n---\n{b}",
            {},
            "front matter has colour; known are description, name, variables, version; "
            "front matter calls it 'bye': the two must agree; variables of the text: missing a; unknown b",
        ),
    ],
    ids=["template", "call", "brace", "number", "no-front-matter", "empty", "json", "format", "everything"],
)
def test_a_wrong_prompt_is_refused_with_everything_that_is_wrong(
    tmp_path: Path, text: str, values: dict[str, str], told: str
) -> None:
    """All missing and unknown variables at once."""
    with pytest.raises(PromptError) as caught:
        prompts(tmp_path, text).text("hello", **values)
    assert told in str(caught.value)
    assert "hello.md" in str(caught.value)


def test_a_prompt_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    """And no path leads out of the folder."""
    made = prompts(tmp_path, "---\n---\nHi")
    for name in ("none", "../hello", ""):
        with pytest.raises(PromptError, match="choose one of hello"):
            made.text(name)


def test_every_shipped_prompt_can_be_read() -> None:
    """With exactly the variables that it declares."""
    shipped = Prompts()
    for name in shipped.names():
        try:
            shipped.text(name)
        except PromptError as error:
            assert "missing" in str(error)  # noqa: PT017  (it has variables, and we gave none)


def test_a_folder_of_ones_own_goes_before_the_shipped_prompts(tmp_path: Path) -> None:
    """What it does not have is taken from these."""
    (tmp_path / "abstain.md").write_text("---\nvariables:\n---\nNobody wrote that.", encoding="utf-8")
    (tmp_path / "short.md").write_text("---\nvariables:\n---\nHi", encoding="utf-8")
    made = PromptsSettings(folder=tmp_path).prompts()
    assert made.text("abstain") == "Nobody wrote that."
    assert made.load("answer") == Prompts().load("answer")
    assert made.names() == sorted([*Prompts().names(), "short"])
    assert made.own("answer") == tmp_path / "answer.md"
    with pytest.raises(PromptError, match="is no folder: make it, or leave it empty"):
        PromptsSettings(folder=tmp_path / "nowhere").prompts()


def test_a_copy_bears_its_own_name(tmp_path: Path) -> None:
    """So that it can be loaded."""
    made = PromptsSettings(folder=tmp_path).prompts()
    made.copy("answer", "terse")
    assert made.load("terse").user == made.load("answer").user


def test_installed_prompts_are_not_written_to(tmp_path: Path) -> None:
    """The next update would overwrite them."""
    with pytest.raises(PromptError, match="set PROMPTS_FOLDER"):
        Prompts(tmp_path / "site-packages" / "prompts").own("answer")
