"""What questions about ratings share: of which commune and year, as known at which moment."""

from typing import Any

import click

from cchc.cli.options import commune_option, json_option, the_commune
from cchc.installation import Installation
from cchc.output import fail
from services.scoring import queries
from services.scoring.schemas import AsOfQuery
from services.scoring.views import Known
from shared.web.schema import Schema

year_option = click.option("--year", type=click.IntRange(2000, 2199), required=True, help="Năm xếp loại.")


def moment_options(command: Any) -> Any:
    for option in (
        click.option("--on", help="Ngày đánh giá, dùng với --positions."),
        click.option("--positions", help="Đúng các vị trí này: tasks:1234,scoring:56."),
        click.option("--as-of", help="Như đã biết vào ngày (hết ngày) hoặc thời điểm này."),
        commune_option,
        json_option,
    ):
        command = option(command)
    return command


def as_of_options(command: Any) -> Any:
    return moment_options(year_option(command))


def pins(known: Known) -> str:
    inputs = "; ".join(f"{pin.source} #{pin.position} {pin.hash[:12]}…" for pin in known.inputs)
    return f"Tính đến ngày {known.on:%d/%m/%Y} từ {inputs}"


def ask(
    installation: Installation, commune: str | None, as_of: str | None, positions: str | None, on: str | None
) -> Known:
    """The records that the options are about."""
    from marshmallow import ValidationError

    commune = the_commune(installation, commune)
    given = {"as_of": as_of, "positions": positions, "on": on}
    schema: Schema = AsOfQuery()
    try:
        query = schema.load({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        fail(f"--{next(iter(error.normalized_messages())).replace('_', '-')}: {error.messages}")
    return queries.known(installation.scoring, commune, query)
