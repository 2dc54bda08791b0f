"""Settings of a server."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "guild_settings",
        sa.Column("guild_id", sa.String(20), primary_key=True),
        sa.Column("fields", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("guild_settings")
