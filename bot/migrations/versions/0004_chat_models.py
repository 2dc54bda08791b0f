"""What a chat model uses up a day, and the line below an answer that it did not give."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "spending",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("account", sa.String(20), primary_key=True),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.Float, nullable=False),
    )
    op.add_column("answers", sa.Column("note", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Undo."""
    op.drop_column("answers", "note")
    op.drop_table("spending")
