"""Prompt text as files beside this module, and the loader that checks them."""

import hashlib
import re
import string
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

_FRONT_MATTER = re.compile(r"---\n(.*?)\n?---\n", re.DOTALL)
_BETWEEN = re.compile(r"^---$", re.MULTILINE)
_NAME = re.compile(r"[\w-]+")
_KNOWN = frozenset({"name", "version", "description", "variables"})


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
        if wrong := _differences("call", values.keys(), self.variables):
            raise PromptError(f"{self.name}.md: {wrong[0]}")
        parts = (("system", self.system), ("user", self.user))
        return tuple((role, template.format(**values)) for role, template in parts if template)


class Prompts:
    """The prompt files `NAME.md` of some folders, an earlier folder's first; read anew each time.

    Front matter between `---` lines says `name:` (the file's own), `version:`, `description:` and
    `variables:`; then comes the text. `variables` names what the template may hold in braces. The loader
    refuses a template that uses others or leaves one out, and a call that does not give exactly these.
    Without a folder, the prompts are those that come with the program.
    """

    def __init__(self, *folders: Traversable) -> None:
        self._folders = folders or (resources.files("prompts"),)

    def text(self, name: str, /, **values: str) -> str:
        """A prompt of one message filled in. Raises PromptError as `load` and `Prompt.filled` do."""
        return self.load(name).filled(**values)[-1][1]

    def load(self, name: str, variables: Set[str] | None = None) -> Prompt:
        """A prompt. Raises PromptError for one that is not there, is ill-formed, or has other `variables`.

        All that is wrong with the file is told at once.
        """
        file = next((f / f"{name}.md" for f in self._folders if (f / f"{name}.md").is_file()), None)
        if not _NAME.fullmatch(name) or file is None:
            raise PromptError(f"there is no prompt {name!r}: choose one of {', '.join(self.names())}")
        text, shown = _read(file), _typed(file)
        match = _FRONT_MATTER.match(text)
        if match is None:
            raise PromptError(f"{shown} has no front matter: begin it with ---, variables: …, ---")
        lines = [line.partition(":") for line in match.group(1).splitlines() if line.strip()]
        fields = {key.strip(): value.strip() for key, _, value in lines}
        declared = frozenset(fields.get("variables", "").replace(",", " ").split())
        body = text[match.end() :]
        wrong = [*_wrong_fields(fields, name), *_wrong_text(body, declared)]
        if variables is not None:
            wrong += _differences("front matter", declared, variables)
        *system, user = _BETWEEN.split(body, maxsplit=1)
        if not user.strip():
            wrong.append("the text below the front matter, or below its last --- line, is missing")
        if wrong:
            raise PromptError(f"{shown}: {'; '.join(wrong)}")
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
        files = (file for folder in self._folders for file in folder.iterdir())
        return sorted({f.name.removesuffix(".md") for f in files if f.name.endswith(".md")})

    def own(self, name: str) -> Path:
        """Where this prompt is written: its file in the first folder, there or not.

        Raises PromptError for what cannot be a name, and where the prompts are part of an installation.
        """
        if not _NAME.fullmatch(name):
            raise PromptError(f"{name!r} cannot be a prompt's name: use letters, digits, - and _")
        file = Path(str(self._folders[0])) / f"{name}.md"
        if "site-packages" in file.parts:  # the next update would overwrite it
            raise PromptError(
                "the prompts here are the installed ones: set PROMPTS_FOLDER to a folder of yours"
            )
        return _typed(file)

    def copy(self, name: str, to: str) -> Path:
        """Write a prompt's file, as it is, into the first folder under another name. Raises as `own` does."""
        file = self.own(to)
        self.load(name)
        source = next(f / f"{name}.md" for f in self._folders if (f / f"{name}.md").is_file())
        text = re.sub(rf"^name:\s*{name}$", f"name: {to}", _read(source), count=1, flags=re.MULTILINE)
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise PromptError(f"{file} cannot be written ({error.strerror}): set PROMPTS_FOLDER") from error
        return file


def _read(file: Traversable) -> str:
    try:
        return file.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{_typed(file)} cannot be read as UTF-8 text") from error


def _typed(file: Traversable) -> Path:
    """A file's path as it would be typed here."""
    path, here = Path(str(file)), Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _wrong_fields(fields: Mapping[str, str], name: str) -> Iterator[str]:
    if unknown := fields.keys() - _KNOWN:
        known = ", ".join(sorted(_KNOWN))
        yield f"front matter has {', '.join(sorted(unknown))}; known are {known}"
    if fields.get("name", name) != name:
        yield f"front matter calls it {fields['name']!r}: the two must agree"


def _wrong_text(template: str, declared: Set[str]) -> Iterator[str]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        yield f"{error} (write a literal brace twice)"
        return
    found = {field for _, field, *_ in parsed if field is not None}
    odd = {field for _, field, *how in parsed if field is not None and (any(how) or not field.isidentifier())}
    if odd:
        shown = ", ".join(f"{{{field}}}" for field in sorted(odd))
        yield f"{shown} is no variable name (write a literal brace twice)"
    yield from _differences("text", found - odd, declared)


def _differences(where: str, given: Set[str], declared: Set[str]) -> list[str]:
    wrong = [f"missing {', '.join(sorted(declared - given))}"] if declared - given else []
    wrong += [f"unknown {', '.join(sorted(given - declared))}"] if given - declared else []
    return [f"variables of the {where}: {'; '.join(wrong)}"] if wrong else []
