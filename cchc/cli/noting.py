"""Rows in the journal for what is taken away by commands: they must not keep a backup from being made."""

import click
from sqlalchemy.exc import SQLAlchemyError

from cchc.installation import Installation
from shared.eventlog import Busy
from shared.journal import Kind, note
from shared.said import said_of


def note_taken(
    installation: Installation, service: str, commune: str, kind: Kind, detail: dict[str, str | int] | None = None
) -> None:
    """Add the row, or say that it could not be added: what was taken is taken, also from a database that only reads."""
    try:
        note(installation.engine(service), commune, kind, (), detail)
    except (SQLAlchemyError, Busy) as error:
        click.echo(f"Chưa ghi được vào sổ truy vết của {service}: {said_of(error)}", err=True)
