"""What the faces and the answerers need to know."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.answering.builtin import THRESHOLD


class BotSettings(BaseSettings):
    """Read from the environment and .env when built, never at import."""

    model_config = SettingsConfigDict(
        env_prefix="BOT_", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    library: str = Field("default", description="the library that questions are asked of")
    threshold: float = Field(
        THRESHOLD, ge=0, le=1, description="abstain below this probability that an answer was found"
    )
    passages: int = Field(8, ge=1, le=50, description="how many passages are read for a question")
