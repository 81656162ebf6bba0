"""Migrations go up, down and up again on both databases, and end in the tables that the code knows."""

import json

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from storage import migrate, models

BEGUN = {"started_at": "2026-11-23T12:00:00Z", "met_at": None, "missed_at": None}
MET = {**BEGUN, "met_at": "2026-11-23T13:00:00Z"}
MISSED = ("missed", "running", None, "")
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'reinstate.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    yield server.create("empty_for_migrations")
    server.drop("empty_for_migrations")


@pytest.fixture
def engine(empty_url):
    def opened():
        url = make_url(empty_url)
        return create_engine(url.set(drivername=DRIVERS[url.drivername]))

    return opened


def tables(opened):
    found = set(inspect(opened).get_table_names()) - {"alembic_version"}
    opened.dispose()
    return found


def test_up_down_and_up_again(empty_url, engine):
    migrate.upgrade(empty_url)
    first = tables(engine())
    assert first == set(SQLModel.metadata.tables)
    migrate.downgrade(empty_url, "base")
    assert tables(engine()) == set()
    migrate.upgrade(empty_url)
    assert tables(engine()) == first


def test_each_step_goes_down_and_up(empty_url):
    migrate.upgrade(empty_url)
    steps = [step.revision for step in ScriptDirectory.from_config(migrate.configuration(empty_url)).walk_revisions()]
    for _ in steps:
        migrate.downgrade(empty_url, "-1")
    for _ in steps:
        migrate.upgrade(empty_url, "+1")


def test_migrating_again_changes_nothing(empty_url, engine):
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)
    assert "case" in tables(engine())


def test_migrations_and_tables_agree(empty_url, engine):
    """Whoever changes a table writes the migration too."""
    migrate.upgrade(empty_url)
    opened = engine()
    with opened.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        differences = compare_metadata(context, models.CaseRow.metadata)
    opened.dispose()
    assert differences == []


@pytest.mark.parametrize(
    ("snapshot", "figures"),
    [
        ({"state": "awaiting_evidence"}, ("", "", None, "")),
        ({"first_answer": {**BEGUN, "missed_at": "2026-11-24T12:00:00Z"}, "decision": BEGUN}, MISSED),
        ({"first_answer": MET, "decision": MET, "plan": "all"}, ("kept", "kept", 3600, "approved")),
        ({"decision": MET, "plan": "all", "contested_in": "cooling_off"}, ("", "kept", 3600, "stopped")),
    ],
)
def test_claims_from_before_their_figures_get_them(empty_url, engine, snapshot, figures):
    migrate.upgrade(empty_url, "0005")
    opened = engine()
    with opened.begin() as connection:
        statement = text(
            'INSERT INTO "case" (reference, kind, state, account_ref, reason, opened_at, priority, channel, number,'
            " policy_version, opening_key, opening, snapshot) VALUES ('7F3KQ2M9XA', 'claim', 'x', '', 'other',"
            " '2026-11-23 12:00:00', 0, '', 1, '2026-11', 'key', '{}', :snapshot)"
        )
        connection.execute(statement, {"snapshot": json.dumps(snapshot)})
    migrate.upgrade(empty_url)
    with opened.begin() as connection:
        wanted = text('SELECT answered, decided, decided_after, course FROM "case"')
        assert tuple(connection.execute(wanted).one()) == figures
    opened.dispose()


def test_every_list_of_the_desk_has_its_index(empty_url, engine):
    """The lists of open cases have partial ones: they do not grow with cases that are closed."""
    migrate.upgrade(empty_url)
    opened = engine()
    found = {index["name"]: index for index in inspect(opened).get_indexes("case")}
    opened.dispose()
    assert tuple(found["case_of_account"]["column_names"]) == ("account_ref", "kind", "closed_at")
    assert tuple(found["case_open"]["column_names"]) == ("order_at", "reference")
    lists = ("case_open", "case_at_desk", "case_escalated", "case_taken", "case_open_kind", "case_open_state")
    lists += ("case_open_reason",)
    for name in lists:
        (where,) = (value for key, value in found[name]["dialect_options"].items() if key.endswith("_where"))
        assert "closed_at IS NULL" in str(where)
