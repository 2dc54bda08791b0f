"""Prompt text as files beside this module, and the loader that checks them."""

import re
import string
from importlib import resources
from importlib.resources.abc import Traversable

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)


class PromptError(Exception):
    """A prompt file that cannot be used; the text names the file and everything that is wrong."""


class Prompts:
    """The prompt files of a folder, `NAME.md`: front matter between `---` lines, then the text.

    The front matter's `variables:` line names what a template may hold in braces; the loader refuses a
    template that uses others or leaves one out, and a call that does not give exactly these.
    """

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = folder if folder is not None else resources.files("prompts")

    def text(self, name: str, /, **values: str) -> str:
        """A prompt filled in. Raises PromptError naming every missing and unknown variable."""
        template, declared = self._read(name)
        _compare(name, "text", set(_fields(name, template)), declared)
        _compare(name, "call", set(values), declared)
        return template.format(**values)

    def names(self) -> list[str]:
        """The names of all prompts."""
        return sorted(f.name.removesuffix(".md") for f in self._folder.iterdir() if f.name.endswith(".md"))

    def _read(self, name: str) -> tuple[str, set[str]]:
        file = self._folder / f"{name}.md"
        if not re.fullmatch(r"[\w-]+", name) or not file.is_file():
            raise PromptError(f"there is no prompt {name!r}: choose one of {', '.join(self.names())}")
        text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
        match = _FRONT_MATTER.match(text)
        if match is None:
            raise PromptError(f"prompts/{name}.md has no front matter: begin it with ---, variables: …, ---")
        fields = dict(line.split(":", 1) for line in match.group(1).splitlines() if ":" in line)
        return text[match.end() :].strip(), set(fields.get("variables", "").replace(",", " ").split())


def _fields(name: str, template: str) -> list[str]:
    try:
        found = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise PromptError(f"prompts/{name}.md: {error} (write a literal brace twice)") from error
    odd = [field for field in found if not field.isidentifier()]
    if odd:
        raise PromptError(f"prompts/{name}.md: {', '.join(f'{{{f}}}' for f in odd)} is no variable name")
    return found


def _compare(name: str, where: str, given: set[str], declared: set[str]) -> None:
    wrong = [f"missing {', '.join(sorted(declared - given))}"] if declared - given else []
    wrong += [f"unknown {', '.join(sorted(given - declared))}"] if given - declared else []
    if wrong:
        raise PromptError(f"prompts/{name}.md: variables of the {where}: {'; '.join(wrong)}")
