"""the desk at a million cases: indexes of its lists, what agents do outside of cases, keys that can be switched off"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import storage.models

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OPEN = "closed_at IS NULL"
OF_CASES = {
    "case_open": (["order_at", "reference"], OPEN),
    "case_at_desk": (["order_at", "reference"], f"{OPEN} AND waiting_on = 'agent'"),
    "case_escalated": (["order_at", "reference"], f"{OPEN} AND priority > 0"),
    "case_taken": (["assignee", "order_at", "reference"], f"{OPEN} AND assignee IS NOT NULL"),
    "case_open_state": (["kind", "state", "order_at", "reference"], OPEN),
    "case_open_reason": (["reason", "order_at", "reference"], f"{OPEN} AND kind = 'claim'"),
    "case_closed": (["closed_at"], "closed_at IS NOT NULL"),
}


def upgrade() -> None:
    # Plain SQL, so that SQLite need not copy the table: there the column is worked out when it is read or indexed.
    stored = "STORED" if op.get_bind().dialect.name == "postgresql" else "VIRTUAL"
    time = "TIMESTAMP WITH TIME ZONE" if stored == "STORED" else "DATETIME"
    made = f"order_at {time} GENERATED ALWAYS AS (coalesce(due_at, opened_at)) {stored}"
    op.execute(f'ALTER TABLE "case" ADD COLUMN {made}')
    op.drop_index("case_queue", "case")
    for name, (columns, condition) in OF_CASES.items():
        only = sa.text(condition)
        op.create_index(name, "case", columns, sqlite_where=only, postgresql_where=only)
    by_agents = sa.text("actor = 'agent'")
    op.create_index("case_event_by_time", "case_event", ["at", "case_ref", "number"])
    op.create_index(
        "case_event_of_agents",
        "case_event",
        ["at", "case_ref", "number"],
        sqlite_where=by_agents,
        postgresql_where=by_agents,
    )
    op.drop_index("notice_by_time", "notice")
    op.create_index("notice_by_time", "notice", ["made_at", "name"])
    op.create_index("notice_by_state", "notice", ["state", "made_at", "name"])
    op.add_column("agent", sa.Column("keys", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_table(
        "agent_event",
        sa.Column("agent", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", storage.models.Utc(timezone=True), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("hash", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agent.name"]),
        sa.PrimaryKeyConstraint("agent", "number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_agent_event_at", "agent_event", ["at"])


def downgrade() -> None:
    op.drop_table("agent_event")
    with op.batch_alter_table("agent") as batch:
        batch.drop_column("keys")
    op.drop_index("notice_by_state", "notice")
    op.drop_index("notice_by_time", "notice")
    op.create_index("notice_by_time", "notice", ["made_at"])
    op.drop_index("case_event_of_agents", "case_event")
    op.drop_index("case_event_by_time", "case_event")
    for name in OF_CASES:
        op.drop_index(name, "case")
    op.create_index("case_queue", "case", ["kind", "closed_at", "due_at", "reference"])
    op.execute('ALTER TABLE "case" DROP COLUMN order_at')
