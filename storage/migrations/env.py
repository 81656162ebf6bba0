"""Alembic's way in. Migrations run over the synchronous drivers: SQLite's own, and psycopg."""

from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from storage import models

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
target = SQLModel.metadata
assert models.CaseRow.metadata is target


def run() -> None:
    url = make_url(context.config.get_main_option("sqlalchemy.url") or "sqlite:///var/reinstate.db")
    driver = DRIVERS.get(url.drivername, url.drivername)
    engine = create_engine(url.set(drivername=driver), poolclass=pool.NullPool)
    with engine.connect() as connection:
        # SQLite alters tables by copying them, which Alembic calls batch mode.
        context.configure(connection=connection, target_metadata=target, render_as_batch=True, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
