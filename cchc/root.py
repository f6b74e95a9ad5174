"""The pages: what is served, how far it has come; for who is signed in the year's ratings and the printed sheets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import flask

from cchc import acting
from cchc.installation import PROJECTIONS, Installation
from cchc.settings import SERVICES
from services.notifications.domain import refusals as notifications
from services.scoring import queries
from services.scoring.access import ACTIONS
from services.scoring.documents.sheet import PAPERS, printed_sheet
from services.scoring.domain.table import table
from services.scoring.domain.texts import CATEGORIES, LEVELS, STANDINGS
from services.scoring.schemas import AsOfQuery
from services.scoring.texts import STATUSES, TEXTS
from shared.events import VIETNAM, decode
from shared.metrics import Measure
from shared.projection import all_positions
from shared.records import commune_name
from shared.web.app import create_app
from shared.web.auth import EVERY_COMMUNE, action, principal, public, signed_in
from shared.web.health import Checks
from shared.web.positions import wait_for_header
from shared.web.schema import Parser
from shared.web.sign_in import metadata, sign_in_blueprint

PAGE_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
YEAR = "/years/<int(min=2000, max=2199):year>"

as_known = Parser().use_args(AsOfQuery, location="query")


def create_root(
    installation: Installation, *, alive: Checks | None = None, measures: Sequence[Measure] = ()
) -> flask.Flask:
    """The pages. `alive` and `measures` are of what else runs in the process, for /livez and /metrics."""
    metadata.create_all(installation.engine("sign_in"))
    pages = flask.Blueprint("root", __name__, template_folder="templates")

    @pages.get("/")
    @public
    def index() -> flask.Response:
        """What is served here; nothing of it is about a person."""
        asking = signed_in()
        return _page("index.html", services=_services(installation), asking=asking, years=_years(installation, asking))

    @pages.get(f"/communes/<commune>{YEAR}")
    @as_known
    @action("rating.table")
    def year(query: dict[str, Any], commune: str, year: int) -> flask.Response:
        """The ratings of a year as a plain table."""
        wait_for_header(installation.scoring.reached)
        found = queries.known(installation.scoring, commune, query)
        name, rows = commune_name(found.records), table(found.records, year, on=found.on)
        words = {"STANDINGS": STANDINGS, "LEVELS": LEVELS, "CATEGORIES": CATEGORIES}
        return _page("year.html", **words, id=commune, commune=name, table=rows, known=found, asking=principal())

    @pages.get(f"/communes/<commune>{YEAR}/ratings/<staff>/sheet")
    @as_known
    @action("rating.sheet")
    def sheet(query: dict[str, Any], commune: str, year: int, staff: str) -> flask.Response:
        """A person's sheet for paper, with the events behind each figure."""
        wait_for_header(installation.scoring.reached)
        page = printed_sheet(installation.scoring, principal(), commune, year, staff, query)
        response = flask.make_response(page)
        response.headers["Content-Security-Policy"] = PAPERS.policy
        return response

    @pages.get("/style.css")
    @public
    def style() -> flask.Response:
        return flask.send_from_directory(pages.root_path, "templates/style.css")

    return create_app(
        "root",
        prefix="/",
        blueprints=[
            pages,
            acting.acting_blueprint(installation, _page),
            sign_in_blueprint(installation.engine("sign_in"), installation.signing_key),
        ],
        actions={name: ACTIONS[name] for name in ("rating.table", "rating.sheet")} | {acting.ACTION: acting.ROLES},
        verifier=installation.verifier,
        service=installation.scoring,
        texts=TEXTS,
        statuses=STATUSES,
        refusals=notifications.ALL,
        roles_in_force=installation.scoring.roles_in_force,
        checks={service: installation.own_log(service).heads for service in SERVICES},
        origin=installation.settings.origin,
        alive=alive,
        measures=measures,
    )


def _page(template: str, **values: Any) -> flask.Response:
    response = flask.make_response(flask.render_template(template, **values))
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


def _services(installation: Installation) -> list[dict[str, Any]]:
    """Per service its API description, and per commune head and who has folded how much of it."""
    folded = {service: all_positions(installation.engine(service), of.name) for service, of in PROJECTIONS.items()}
    return [
        {
            "name": service,
            "openapi": f"/api/v1/{service}/openapi.json",
            "communes": [
                {
                    "id": commune,
                    "head": head,
                    "readers": {
                        reader: of[commune][service] for reader, of in folded.items() if service in of.get(commune, {})
                    },
                }
                for commune, head in sorted(installation.own_log(service).heads().items())
            ],
        }
        for service in SERVICES
    ]


def _years(installation: Installation, asking: Any) -> list[tuple[str, int]]:
    """The rating years that a signed-in person may look at, latest first."""
    if asking is None or asking.commune == EVERY_COMMUNE or asking.roles.isdisjoint(ACTIONS["rating.table"]):
        return []
    bodies = installation.tasks.log.read(asking.commune, 0, 1)
    if not bodies:
        return []
    opened: datetime = datetime.fromisoformat(decode(bodies[0]).time)
    this_year = installation.clock().astimezone(VIETNAM).year
    return [(asking.commune, year) for year in range(this_year, opened.year - 1, -1)]
