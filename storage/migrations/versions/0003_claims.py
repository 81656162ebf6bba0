"""what claims keep: messages, evidence, files, ways back, former contacts, the account before a hand-back"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import storage.models

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "find_request",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("made_at", storage.models.Utc(timezone=True), nullable=False),
        sa.Column("sent_at", storage.models.Utc(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("find_request") as batch:
        batch.create_index(batch.f("ix_find_request_made_at"), ["made_at"], unique=False)

    op.create_table(
        "macro",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("outcome", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("changed_at", storage.models.Utc(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "presence",
        sa.Column("case_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("agent", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("seen_at", storage.models.Utc(timezone=True), nullable=False),
        sa.Column("writing_at", storage.models.Utc(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("case_ref", "agent"),
    )
    with op.batch_alter_table("presence") as batch:
        batch.create_index(batch.f("ix_presence_seen_at"), ["seen_at"], unique=False)

    op.create_table(
        "access_link",
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("case_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("expires_at", storage.models.Utc(timezone=True), nullable=False),
        sa.Column("used_at", storage.models.Utc(timezone=True), nullable=True),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_ref"],
            ["case.reference"],
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("access_link") as batch:
        batch.create_index(batch.f("ix_access_link_case_ref"), ["case_ref"], unique=False)

    op.create_table(
        "evidence_file",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("case_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("media_type", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("at", storage.models.Utc(timezone=True), nullable=False),
        sa.Column("scanned_at", storage.models.Utc(timezone=True), nullable=True),
        sa.Column("refusal", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'clean', 'refused')", name="evidence_file_state"),
        sa.ForeignKeyConstraint(
            ["case_ref"],
            ["case.reference"],
        ),
        sa.PrimaryKeyConstraint("name"),
    )
    with op.batch_alter_table("evidence_file") as batch:
        batch.create_index(batch.f("ix_evidence_file_case_ref"), ["case_ref"], unique=False)

    op.create_table(
        "evidence_item",
        sa.Column("case_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("evidence", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", storage.models.Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_ref"],
            ["case.reference"],
        ),
        sa.PrimaryKeyConstraint("case_ref", "evidence", "kind"),
    )
    op.create_table(
        "evidence_weighed",
        sa.Column("case_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("evidence", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("survey", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", storage.models.Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_ref"],
            ["case.reference"],
        ),
        sa.PrimaryKeyConstraint("case_ref", "evidence"),
    )
    op.create_table(
        "hand_back",
        sa.Column("case_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("account_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("begun_at", storage.models.Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_ref"],
            ["case.reference"],
        ),
        sa.PrimaryKeyConstraint("case_ref"),
    )
    op.create_table(
        "message",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("case_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("audience", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("author", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", storage.models.Utc(timezone=True), nullable=False),
        sa.CheckConstraint("audience IN ('claimant', 'desk', 'both')", name="message_audience"),
        sa.ForeignKeyConstraint(
            ["case_ref"],
            ["case.reference"],
        ),
        sa.PrimaryKeyConstraint("name"),
    )
    with op.batch_alter_table("message") as batch:
        batch.create_index(batch.f("ix_message_case_ref"), ["case_ref"], unique=False)

    with op.batch_alter_table("account") as batch:
        batch.add_column(sa.Column("probation_until", storage.models.Utc(timezone=True), nullable=True))

    with op.batch_alter_table("account_contact") as batch:
        batch.add_column(sa.Column("removed_at", storage.models.Utc(timezone=True), nullable=True))
        batch.add_column(sa.Column("added_by", sqlmodel.sql.sqltypes.AutoString(), server_default="", nullable=False))
        batch.add_column(sa.Column("removed_by", sqlmodel.sql.sqltypes.AutoString(), server_default="", nullable=False))
        batch.add_column(sa.Column("is_safe", sa.Boolean(), server_default=sa.true(), nullable=False))

    with op.batch_alter_table("account_gate") as batch:
        batch.add_column(sa.Column("frozen_by", sqlmodel.sql.sqltypes.AutoString(), server_default="", nullable=False))
    # Until now the effect that began last said whose a freeze is.
    op.execute("UPDATE account_gate SET frozen_by = case_ref WHERE effect = 'freeze'")

    with op.batch_alter_table("objection_link") as batch:
        batch.add_column(sa.Column("may_object", sa.Boolean(), server_default=sa.true(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("objection_link") as batch:
        batch.drop_column("may_object")

    with op.batch_alter_table("account_gate") as batch:
        batch.drop_column("frozen_by")

    with op.batch_alter_table("account_contact") as batch:
        batch.drop_column("is_safe")
        batch.drop_column("removed_by")
        batch.drop_column("added_by")
        batch.drop_column("removed_at")

    with op.batch_alter_table("account") as batch:
        batch.drop_column("probation_until")

    with op.batch_alter_table("message") as batch:
        batch.drop_index(batch.f("ix_message_case_ref"))

    op.drop_table("message")
    op.drop_table("hand_back")
    op.drop_table("evidence_weighed")
    op.drop_table("evidence_item")
    with op.batch_alter_table("evidence_file") as batch:
        batch.drop_index(batch.f("ix_evidence_file_case_ref"))

    op.drop_table("evidence_file")
    with op.batch_alter_table("access_link") as batch:
        batch.drop_index(batch.f("ix_access_link_case_ref"))

    op.drop_table("access_link")
    with op.batch_alter_table("presence") as batch:
        batch.drop_index(batch.f("ix_presence_seen_at"))

    op.drop_table("presence")
    op.drop_table("macro")
    with op.batch_alter_table("find_request") as batch:
        batch.drop_index(batch.f("ix_find_request_made_at"))

    op.drop_table("find_request")
