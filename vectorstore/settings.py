"""Where a library is kept and how it is searched."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class VectorstoreSettings(BaseSettings):
    """Read from the environment and .env when built, never at import."""

    model_config = SettingsConfigDict(
        env_prefix="VECTORSTORE_",
        env_file=".env",
        env_ignore_empty=True,  # a line `CHROMA_URL=` in .env means "not set"
        extra="ignore",
        populate_by_name=True,
    )

    data: Path = Field(
        Path("data"), validation_alias="FOOTNOTE_DATA", description="all that is written lies here"
    )
    embedding_model: str = Field(
        "sentence-transformers/all-MiniLM-L6-v2",
        validation_alias="EMBEDDING_MODEL",
        description="a sentence-transformers model: Hub id or local folder",
    )
    chroma_url: SecretStr | None = Field(
        None, validation_alias="CHROMA_URL", description="a Chroma server instead of local files"
    )
    # hit@1 on SQuAD is flat between 0.3 and 1.0: python -m benchmarks.retrieval
    lexical_weight: float = Field(0.5, ge=0, description="weight of BM25 beside the cosine")
    candidates: int = Field(100, ge=1, le=1000, description="how many each index proposes before fusion")
    lock_seconds: float = Field(60, ge=0, description="how long an ingest waits for another one")
