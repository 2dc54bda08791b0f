"""The clients of chat models' providers, by way of LangChain: their packages, keys and tracers."""

import importlib
import os
import re
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values

from vectorstore.datatypes import UserError

if TYPE_CHECKING:  # seconds of imports: only with a model
    from langchain_core.language_models import BaseChatModel

_NOT_FOR_OTHERS = frozenset({"DISCORD_TOKEN", "DATABASE_URL"})

# provider -> what `pip install` needs; the same as the extras in pyproject.toml
PACKAGES = {
    "openai": "langchain-openai>=1,<2",
    "ollama": "langchain-ollama>=1,<2",
    "anthropic": "langchain-anthropic>=1,<2",
    "google_genai": "langchain-google-genai>=4,<5",
    "mistralai": "langchain-mistralai>=1,<2",
}
KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
}
# Clients would try again by themselves, unseen by our time limits; Google's counts the first attempt, too.
# A local model that thinks before it answers would seldom say a word in time.
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "openai": {"max_retries": 0},
    "ollama": {"reasoning": False},
    "anthropic": {"max_retries": 0},
    "google_genai": {"max_retries": 1},
    "mistralai": {"max_retries": 0},
}
_OPEN_TELEMETRY = tuple(
    f"{owner}_{name}"
    for owner in ("LANGSMITH", "LANGCHAIN")
    for name in ("OTEL_ENABLED", "OTEL_ONLY", "TRACING_MODE")
)


def open_client(name: str, url: str | None, options: Mapping[str, Any]) -> "BaseChatModel":
    """LangChain's client for a model. Raises UserError saying what to change."""
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise UserError(f"LLM={name}: write provider:model, for example openai:gpt-5-mini or ollama:llama3.2")
    load_environment()
    from langchain.chat_models import init_chat_model  # noqa: PLC0415  (seconds of imports: only with a model)

    given = dict(_OPTIONS.get(provider, {}))
    if url:
        given["base_url"] = url
    if url and provider == "openai" and not os.environ.get("OPENAI_API_KEY"):
        given["api_key"] = "none"  # local servers ask for no key, and the client insists on one
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of options that it does not know: see below
            client: BaseChatModel = init_chat_model(model, model_provider=provider, **{**given, **options})
    except ImportError as error:
        found = re.search(r"pip install ([\w-]+)", str(error))
        package = PACKAGES.get(provider) or (found[1] if found else f"langchain-{provider}")
        raise UserError(f'LLM={name} needs a package: run {_python()} -m pip install "{package}"') from None
    except Exception as error:  # noqa: BLE001  (each provider has errors of its own for a missing key)
        if "Unsupported provider" in str(error):
            known = ", ".join(PACKAGES)
            raise UserError(f"LLM={name}: no provider is called {provider!r}; try {known}") from None
        key = KEYS.get(provider)
        unset = f"set {key}, or " if key and not os.environ.get(key) else ""
        raise UserError(f"LLM={name} cannot be used: {unset}check BOT_LLM_URL and BOT_LLM_OPTIONS") from None
    fields = type(client).model_fields
    if unknown := options.keys() - fields.keys() - {field.alias for field in fields.values()}:
        raise UserError(f"BOT_LLM_OPTIONS: {provider} has no option {', '.join(sorted(unknown))}")
    return client


def _python() -> str:
    """The interpreter as it would be typed here."""
    python = Path(sys.executable)
    return str(python.relative_to(Path.cwd())) if python.is_relative_to(Path.cwd()) else str(python)


def load_environment() -> None:
    """Put what .env says for other libraries (keys, tracers) into the environment, where they look."""
    for name, value in dotenv_values(".env").items():
        if value and name not in _NOT_FOR_OTHERS:
            os.environ.setdefault(name, value)


def callbacks() -> list[Any]:
    """Langfuse's tracer where its variables are set; LangSmith's comes by itself. Raises UserError."""
    for setting in _OPEN_TELEMETRY:
        if os.environ.get(setting, "").lower() in {"true", "1", "otel", "hybrid"}:
            # without the package LangSmith's client would send to LangSmith what is meant for somebody else
            _needed("opentelemetry.exporter.otlp.proto.http", "langsmith[otel]", setting)
    if not os.environ.get("LANGFUSE_PUBLIC_KEY"):
        return []
    return [_needed("langfuse.langchain", "langfuse", "LANGFUSE_PUBLIC_KEY").CallbackHandler()]


def _needed(module: str, package: str, setting: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UserError(
            f'{setting} is set: run {_python()} -m pip install "{package}", or unset it'
        ) from None
