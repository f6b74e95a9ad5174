"""What the routes share: addresses, the service they ask, rows of commands."""

from services.scoring.domain.context import Command
from services.scoring.domain.decisions import HANDLERS
from services.scoring.service import Scoring
from shared.web.app import service
from shared.web.changes import Change
from shared.web.positions import wait_for_header
from shared.web.schema import Schema

COMMUNE = "/communes/<commune>"
# The years of ratings; others are no address.
YEAR = "/years/<int(min=2000, max=2199):year>"
PERSON = f"{YEAR}/ratings/<staff>"
PERIOD = f"{PERSON}/periods/<period>"


def scoring() -> Scoring:
    handle: Scoring = service()
    return handle


def wait_for_records() -> None:
    """Hold a request until the records have reached what its `Cchc-Wait-For` names."""
    wait_for_header(scoring().reached)


def change(rule: str, command: type[Command], body: type[Schema], summary: str) -> Change:
    """The route of a command. It takes no If-Match: commands add to a year, they replace no version of it."""
    return Change(rule, command, body, summary, HANDLERS[command].action, status=201)
