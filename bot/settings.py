"""What the faces and the answerers need to know."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Probability = Annotated[float, Field(ge=0, le=1)]


class BotSettings(BaseSettings):
    """Read from the environment and .env when built, never at import."""

    model_config = SettingsConfigDict(
        env_prefix="BOT_", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    library: str = Field("default", description="the library that questions are asked of")
    shared: bool = Field(True, description="whether every Discord server may ask that library")
    shared_guilds: str = Field(
        "", description="the servers that may ask it, by id, for example 1234,5678; empty for all of them"
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="abstain below this probability of an answer; empty for the calibrated one",
    )
    thresholds: dict[str, Probability] = Field(
        {}, description='other thresholds for some libraries, for example {"rules": 0.8}'
    )
    passages: int = Field(8, ge=1, le=50, description="how many passages are retrieved for a question")

    def threshold_of(self, library: str) -> float | None:
        """The threshold that is set for a library; None for the calibrated one."""
        return self.thresholds.get(library, self.threshold)


class DiscordSettings(BaseSettings):
    """What only the Discord bot needs."""

    model_config = SettingsConfigDict(
        env_prefix="BOT_", env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    token: SecretStr | None = Field(
        None, validation_alias="DISCORD_TOKEN", description="from the developer portal, Bot, Reset Token"
    )
    database_url: SecretStr | None = Field(
        None, validation_alias="DATABASE_URL", description="PostgreSQL instead of a file in the data folder"
    )
    message_content: bool = Field(
        False, description="ask Discord for the text of all messages, for channels that are answered unasked"
    )
    workers: int = Field(2, ge=1, le=64, description="how many questions are answered at once")
    cooldown: float = Field(1.0, ge=0, description="seconds between two questions of a member")
    shard_ids: str = Field("", description="of this process, for example 0,1; empty for all of them")
    shard_count: int | None = Field(
        None, ge=1, description="of all processes together; empty to let Discord say"
    )
