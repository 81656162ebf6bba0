"""honest waiting: the claims of a reason that were closed lately, however many other cases there are"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CLOSED_CLAIM = sa.text("kind = 'claim' AND closed_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "case_closed_claim",
        "case",
        ["reason", "closed_at"],
        sqlite_where=CLOSED_CLAIM,
        postgresql_where=CLOSED_CLAIM,
    )


def downgrade() -> None:
    op.drop_index("case_closed_claim", "case")
