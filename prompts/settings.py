"""Where the prompts are."""

from importlib import resources
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from prompts import PromptError, Prompts


class PromptsSettings(BaseSettings):
    """Read from the environment and .env when built, never at import."""

    model_config = SettingsConfigDict(
        env_prefix="PROMPTS_", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    folder: Path | None = Field(
        None, description="prompts of your own, before those of the same name that come with the program"
    )

    def prompts(self) -> Prompts:
        """The prompts as they are set. Raises PromptError when the folder is none."""
        if self.folder is None:
            return Prompts()
        if not self.folder.is_dir():
            raise PromptError(f"PROMPTS_FOLDER={self.folder} is no folder: make it, or leave it empty")
        return Prompts(self.folder, resources.files("prompts"))
