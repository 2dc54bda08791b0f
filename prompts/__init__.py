"""Prompt text as files beside this module, and the loader that checks them."""

import hashlib
import re
import string
from collections.abc import Set
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

_FRONT_MATTER = re.compile(r"---\n(.*?)\n?---\n", re.DOTALL)
_BETWEEN = re.compile(r"^---$", re.MULTILINE)


class PromptError(Exception):
    """A prompt file that cannot be used; the text names the file and everything that is wrong."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file whose variables are those that it declares.

    A line of three hyphens parts what the model is told about its task (`system`) from what it is asked
    (`user`); without one, all of it is asked.
    """

    name: str
    version: str
    description: str
    variables: frozenset[str]
    system: str
    user: str
    hash: str  # of the whole file, twelve hexadecimal digits

    def filled(self, **values: str) -> tuple[tuple[str, str], ...]:
        """The messages as (role, text). Raises PromptError naming every missing and unknown variable."""
        _compare(self.name, "call", values.keys(), self.variables)
        parts = (("system", self.system), ("user", self.user))
        return tuple((role, template.format(**values)) for role, template in parts if template)


class Prompts:
    """The prompt files of a folder, `NAME.md`, read anew each time.

    Front matter between `---` lines says `name:` (the file's own), `version:`, `description:` and
    `variables:`; then comes the text. `variables` names what the template may hold in braces. The loader
    refuses a template that uses others or leaves one out, and a call that does not give exactly these.
    """

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = folder if folder is not None else resources.files("prompts")

    def text(self, name: str, /, **values: str) -> str:
        """A prompt of one message filled in. Raises PromptError as `load` and `Prompt.filled` do."""
        return self.load(name).filled(**values)[-1][1]

    def load(self, name: str, variables: Set[str] | None = None) -> Prompt:
        """A prompt. Raises PromptError for one that is not there, is ill-formed, or has other `variables`."""
        file = self._folder / f"{name}.md"
        if not re.fullmatch(r"[\w-]+", name) or not file.is_file():
            raise PromptError(f"there is no prompt {name!r}: choose one of {', '.join(self.names())}")
        text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
        match = _FRONT_MATTER.match(text)
        if match is None:
            raise PromptError(f"prompts/{name}.md has no front matter: begin it with ---, variables: …, ---")
        fields = _fields(name, match.group(1))
        declared = frozenset(fields.get("variables", "").replace(",", " ").split())
        body = text[match.end() :]
        _compare(name, "text", _variables(name, body), declared)
        if variables is not None:
            _compare(name, "front matter", declared, variables)
        *system, user = _BETWEEN.split(body, maxsplit=1)
        return Prompt(
            name=name,
            version=fields.get("version", ""),
            description=fields.get("description", ""),
            variables=declared,
            system=system[0].strip() if system else "",
            user=user.strip(),
            hash=hashlib.sha256(text.encode()).hexdigest()[:12],
        )

    def names(self) -> list[str]:
        """The names of all prompts."""
        return sorted(f.name.removesuffix(".md") for f in self._folder.iterdir() if f.name.endswith(".md"))


_KNOWN = frozenset({"name", "version", "description", "variables"})


def _fields(name: str, front_matter: str) -> dict[str, str]:
    lines = [line.partition(":") for line in front_matter.splitlines() if line.strip()]
    fields = {key.strip(): value.strip() for key, _, value in lines}
    if unknown := fields.keys() - _KNOWN:
        known = ", ".join(sorted(_KNOWN))
        raise PromptError(
            f"prompts/{name}.md: front matter has {', '.join(sorted(unknown))}; known are {known}"
        )
    if fields.get("name", name) != name:
        raise PromptError(f"prompts/{name}.md: front matter calls it {fields['name']!r}: the two must agree")
    return fields


def _variables(name: str, template: str) -> set[str]:
    try:
        found = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise PromptError(f"prompts/{name}.md: {error} (write a literal brace twice)") from error
    odd = [field for field in found if not field.isidentifier()]
    if odd:
        raise PromptError(f"prompts/{name}.md: {', '.join(f'{{{f}}}' for f in odd)} is no variable name")
    return set(found)


def _compare(name: str, where: str, given: Set[str], declared: Set[str]) -> None:
    wrong = [f"missing {', '.join(sorted(declared - given))}"] if declared - given else []
    wrong += [f"unknown {', '.join(sorted(given - declared))}"] if given - declared else []
    if wrong:
        raise PromptError(f"prompts/{name}.md: variables of the {where}: {'; '.join(wrong)}")
