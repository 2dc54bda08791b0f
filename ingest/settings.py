"""How articles are read and cut."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class IngestSettings(BaseSettings):
    """Read from the environment and .env when built, never at import."""

    model_config = SettingsConfigDict(
        env_prefix="INGEST_", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    library: str = Field("default", description="the library that articles go into")
    max_bytes: int = Field(20_000_000, gt=0, description="larger files are refused")
