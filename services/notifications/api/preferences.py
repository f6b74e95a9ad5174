"""What people choose for themselves: channels, a digest, quiet hours."""

from services.notifications import queries
from services.notifications.api.handle import notifications
from services.notifications.commands import execute
from services.notifications.domain.preferences import ChangePreferences
from services.notifications.schemas import PreferencesBody, Recorded
from shared.events import PreferencesChanged
from shared.web import changes
from shared.web.auth import action, principal
from shared.web.changes import Change
from shared.web.schema import Blueprint

blueprint = Blueprint("preferences", __name__, url_prefix="/communes/<commune>", description="Lựa chọn nhận tin")


@blueprint.route("/preferences/<staff>")
@blueprint.answers(200, PreferencesChanged)
@action("preferences.own")
def read_preferences(commune: str, staff: str) -> PreferencesChanged:
    """What a person chose: one's own, or anybody's for those who see all."""
    return queries.preferences_of(notifications(), principal(), commune, staff)


CHANGES = [
    Change(
        "/preferences/<staff>",
        ChangePreferences,
        PreferencesBody,
        "Choose channels, digest and quiet hours: one's own, or by the Office.",
        "preferences.own",
        method="PUT",
    )
]
changes.add(blueprint, CHANGES, execute, answer=Recorded)
