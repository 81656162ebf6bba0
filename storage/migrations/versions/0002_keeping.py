"""how long things are kept, with which key they were made, and indexes for what waits"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import storage.models

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WITH_KEY = ("case_access", "objection_link", "account_recovery_code")
UNSTARTED = sa.text("started_at IS NULL AND number = 0")
UNDELIVERED = sa.text("delivered_at IS NULL AND answered_at IS NULL")
# Cases that were closed before get the times of the first policy: 90 and 1826 days.
CLOSED_BEFORE = {
    "postgresql": """
        UPDATE "case" SET erase_at = closed_at + interval '90 days', forget_at = closed_at + interval '1826 days'
    """,
    "sqlite": """
        UPDATE "case" SET
            erase_at = strftime('%Y-%m-%d %H:%M:%f000', closed_at, '+90 days'),
            forget_at = strftime('%Y-%m-%d %H:%M:%f000', closed_at, '+1826 days')
    """,
}


def upgrade() -> None:
    for table in WITH_KEY:
        column = sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), server_default="", nullable=False)
        op.add_column(table, column)
    for column in ("erase_at", "forget_at"):
        op.add_column("case", sa.Column(column, storage.models.Utc(timezone=True), nullable=True))
        op.create_index(f"ix_case_{column}", "case", [column])
    op.execute(CLOSED_BEFORE[op.get_bind().dialect.name])
    op.create_index("case_unstarted", "case", ["opened_at"], sqlite_where=UNSTARTED, postgresql_where=UNSTARTED)
    op.create_index(
        "received_undelivered", "received", ["received_at"], sqlite_where=UNDELIVERED, postgresql_where=UNDELIVERED
    )


def downgrade() -> None:
    op.drop_index("received_undelivered", "received")
    op.drop_index("case_unstarted", "case")
    for column in ("forget_at", "erase_at"):
        op.drop_index(f"ix_case_{column}", "case")
        with op.batch_alter_table("case") as batch:
            batch.drop_column(column)
    for table in reversed(WITH_KEY):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("key")
