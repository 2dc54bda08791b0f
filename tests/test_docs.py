"""What the documents promise is there."""

import re
import subprocess
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings
from typer.main import get_command

from bot.settings import BotSettings, ChatSettings, DiscordSettings
from ingest.settings import IngestSettings
from prompts import Prompts
from prompts.settings import PromptsSettings
from vectorstore.settings import VectorstoreSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DISCORD = (ROOT / "docs" / "discord.md").read_text(encoding="utf-8")
PROMPTS = (ROOT / "docs" / "prompts.md").read_text(encoding="utf-8")
DOCUMENTS = README + DISCORD + PROMPTS


def variables(settings: type[BaseSettings]) -> dict[str, object]:
    """Environment variable -> default."""
    prefix = settings.model_config["env_prefix"]
    fields = settings.model_fields.items()
    return {str(f.validation_alias or f"{prefix}{name}").upper(): f.default for name, f in fields}


def test_the_example_environment_has_every_setting_with_its_default() -> None:
    """A line for each, in .env.example, and none that does nothing."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    told = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    known = (
        variables(VectorstoreSettings)
        | variables(IngestSettings)
        | variables(BotSettings)
        | variables(ChatSettings)
        | variables(PromptsSettings)
        | variables(DiscordSettings)
    )
    assert told.keys() == known.keys()
    for name, default in known.items():
        same = str(default) if not isinstance(default, float) else f"{default:g}"
        assert told[name] == ("" if default is None else same), name


def test_every_setting_says_what_it_is() -> None:
    """A description each."""
    rooms = (VectorstoreSettings, IngestSettings, BotSettings, ChatSettings, PromptsSettings, DiscordSettings)
    for settings in rooms:
        assert all(field.description for field in settings.model_fields.values())


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^)make ([a-z]+)", DOCUMENTS, re.MULTILINE))))
def test_every_make_target_of_the_readme_exists(target: str) -> None:
    """And `make` alone lists it."""
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert re.search(rf"^  make {target} ", listed.stdout, re.MULTILINE)


def commands() -> list[str]:
    """The lines of the documents that run a command of ours."""
    found = re.findall(
        r"^(?:printf .* \| )?(?:\.venv/bin/)?(?:python -m )?((?:bot|ingest|footnote)\b.*)$",
        DOCUMENTS,
        re.MULTILINE,
    )
    return [line.split("  #")[0].strip() for line in found]


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_readme_is_understood(line: str) -> None:
    """Its verb and its options exist."""
    from bot.__main__ import app as bot_app
    from ingest.__main__ import app as ingest_app

    words = re.sub(r'"[^"]*"', "TEXT", line).split()
    command = get_command(ingest_app if words[0] == "ingest" else bot_app)
    for word in words[1:]:
        if hasattr(command, "commands") and word in command.commands:
            command = command.commands[word]
    options = {name for parameter in command.params for name in parameter.opts}
    used = {word for word in words if word.startswith("--")}
    assert used <= options, f"{line}: {used - options}"
    if words[0] != "ingest" and len(words) > 1:
        assert command is not get_command(bot_app), f"{line}: no such verb"


def test_the_readme_shows_commands() -> None:
    """The pattern above still finds them."""
    assert len(commands()) >= 5


def test_the_repls_commands_are_told_as_they_are() -> None:
    """Every command that a document names exists, and so does every setting and prompt of docs/prompts.md."""
    from bot.terminal.commands import COMMANDS

    named = set(re.findall(r"(?:`|^> ):([a-z]+)", DOCUMENTS, re.MULTILINE))
    assert named >= {"why", "passages", "prompt", "save", "edit", "compare", "help"}
    assert named <= COMMANDS.keys()
    settings = variables(ChatSettings) | variables(PromptsSettings)
    assert set(re.findall(r"\b(?:BOT_LLM|PROMPTS)_[A-Z_]+", PROMPTS)) <= settings.keys()
    for name, told in re.findall(r"^\| `(\w+)`.*? \| (`.*?`|none) \|", PROMPTS, re.MULTILINE):
        assert Prompts().load(name).variables == set(re.findall(r"`(\w+)`", told))


def test_the_way_into_discord_is_told_exactly() -> None:
    """The permission integer, the intents, and every permission by Discord's name."""
    from bot.client import PERMISSIONS, intents

    assert f"permission integer {PERMISSIONS.value}:" in DISCORD
    for message_content in (False, True):
        assert f"({intents(message_content=message_content).value})" in DISCORD
    told = DISCORD.replace("View Channels", "Read Messages")  # what discord.py calls it
    for name, wanted in PERMISSIONS:
        assert (f"{name.replace('_', ' ').title().replace(' In ', ' in ')}" in told) or not wanted, name
