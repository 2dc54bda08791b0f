"""What the faces and the answerers need to know."""

from typing import Annotated, Any

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


class ChatSettings(BaseSettings):
    """The chat model that answers in place of the built-in answerer, if any."""

    model_config = SettingsConfigDict(
        env_prefix="BOT_LLM_", env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    model: str | None = Field(
        None,
        validation_alias="LLM",
        description="provider:model, for example ollama:llama3.2; empty for the built-in answerer",
    )
    url: str | None = Field(None, description="where the provider, or a server that speaks like it, is")
    options: dict[str, Any] = Field(
        {}, repr=False, description='of its LangChain client, for example {"temperature": 0}'
    )
    prompt: str = Field("answer", description="the prompt file that it answers with")
    first_token_seconds: float = Field(
        15, gt=0, description="how long to wait for its first word, in seconds"
    )
    seconds: float = Field(40, gt=0, le=50, description="how long to wait for all of its answer")
    price_in: float = Field(0, ge=0, description="of a million tokens that it reads, in any currency")
    price_out: float = Field(0, ge=0, description="of a million tokens that it writes")
    daily_tokens: int | None = Field(None, ge=0, description="at most so many a day, read and written")
    daily_tokens_per_server: int | None = Field(None, ge=0, description="the same for each Discord server")
    daily_cost: float | None = Field(None, ge=0, description="at most so much a day, by the prices above")
    daily_cost_per_server: float | None = Field(None, ge=0, description="the same for each Discord server")


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
    workers: int | None = Field(
        None,
        ge=1,
        le=64,
        description="how many questions are answered at once; empty for 2, or 16 with a chat model",
    )
    cooldown: float = Field(1.0, ge=0, description="seconds between two questions of a member")
    shard_ids: str = Field("", description="of this process, for example 0,1; empty for all of them")
    shard_count: int | None = Field(
        None, ge=1, description="of all processes together; empty to let Discord say"
    )
