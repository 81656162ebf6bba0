"""figures of claims beside the claims; an index for each of the narrower lists of the desk"""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CLAIM = sa.text("kind = 'claim'")
OPEN = sa.text("closed_at IS NULL")
FIGURES = ["reason", "answered", "decided", "decided_after", "course"]
AT_ONCE = 1000


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    for name in ("answered", "decided", "course"):
        op.add_column("case", sa.Column(name, text(), nullable=False, server_default=""))
    op.add_column("case", sa.Column("decided_after", sa.Integer(), nullable=True))
    _count()
    op.create_index("case_claim_figures", "case", ["opened_at", *FIGURES], sqlite_where=CLAIM, postgresql_where=CLAIM)
    op.drop_index("case_open_state", "case")
    _index_open("case_open_state", ["state", "order_at", "reference"])
    _index_open("case_open_kind", ["kind", "order_at", "reference"])


def downgrade() -> None:
    op.drop_index("case_open_kind", "case")
    op.drop_index("case_open_state", "case")
    _index_open("case_open_state", ["kind", "state", "order_at", "reference"])
    op.drop_index("case_claim_figures", "case")
    for name in ("decided_after", "course", "decided", "answered"):
        op.drop_column("case", name)


def _index_open(name: str, columns: list[str]) -> None:
    op.create_index(name, "case", columns, sqlite_where=OPEN, postgresql_where=OPEN)


def _count() -> None:
    """The figures of the claims that are there."""
    connection, last = op.get_bind(), ""
    while True:
        rows = connection.execute(
            sa.text(
                'SELECT reference, state, snapshot FROM "case"'
                " WHERE kind = 'claim' AND reference > :last ORDER BY reference LIMIT :most"
            ),
            {"last": last, "most": AT_ONCE},
        ).all()
        for reference, state, snapshot in rows:
            kept = snapshot if isinstance(snapshot, dict) else json.loads(snapshot)
            values = {"reference": reference, **_figures(state, kept)}
            connection.execute(
                sa.text(
                    'UPDATE "case" SET answered = :answered, decided = :decided, decided_after = :decided_after,'
                    " course = :course WHERE reference = :reference"
                ),
                values,
            )
        if len(rows) < AT_ONCE:
            return
        last = rows[-1][0]


def _figures(state: str, case: dict[str, Any]) -> dict[str, Any]:
    clock = case.get("decision") or {}
    stopped = case.get("contested_in") or state in {"stopped", "undone"}
    return {
        "answered": _outcome(case.get("first_answer")),
        "decided": _outcome(clock),
        "decided_after": _seconds(clock),
        "course": ("stopped" if stopped else "approved") if case.get("plan") else "",
    }


def _outcome(clock: dict[str, Any] | None) -> str:
    if not clock:
        return ""
    if clock.get("missed_at"):
        return "missed"
    return "kept" if clock.get("met_at") else "running"


def _seconds(clock: dict[str, Any]) -> int | None:
    if not clock.get("met_at"):
        return None
    return int((datetime.fromisoformat(clock["met_at"]) - datetime.fromisoformat(clock["started_at"])).total_seconds())
