"""Discord's own OpenAPI document as a referee for what the bot sends.

It is used where DISCORD_OPENAPI names it (openapi.json of github.com/discord/discord-api-spec); it is not part of
this repository.
"""

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

Payload = dict[str, Any]


class Referee:
    """Checks requests, method by method and path by path."""

    def __init__(self, document: Payload) -> None:
        self._components = document["components"]
        self._operations = [
            (method.upper(), re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if method != "parameters"
        ]

    def objections(self, method: str, path: str, body: Any) -> list[str]:
        """What Discord's document has against a request; nothing if all is well."""
        for known, pattern, operation in self._operations:
            if known == method and pattern.match(f"/{path}"):
                return self._against(operation, body, f"{method} {path}")
        return [f"{method} {path}: there is no such operation"]

    def _against(self, operation: Payload, body: Any, where: str) -> list[str]:
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if not body or schema is None:
            return []
        sent = (
            {key: value for key, value in body.items() if key != "files"} if isinstance(body, dict) else body
        )
        validator = Draft202012Validator({"components": self._components, **schema})
        return [
            f"{where}: {error.json_path} {error.message[:300]}"
            for error in validator.iter_errors(_as_discord_reads(sent))
        ]


def _as_discord_reads(value: Any, key: str = "") -> Any:
    """Discord takes ids as numbers too, as discord.py sends some of them; its document knows strings only."""
    if isinstance(value, dict):
        return {name: _as_discord_reads(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_discord_reads(each) for each in value]
    is_id = key == "id" or key.endswith("_id")
    return str(value) if is_id and isinstance(value, int) else value


@lru_cache(maxsize=1)
def referee() -> Referee | None:
    """The referee, where there is one."""
    path = os.environ.get("DISCORD_OPENAPI")
    return Referee(json.loads(Path(path).read_text(encoding="utf-8"))) if path else None
