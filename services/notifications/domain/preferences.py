"""What people choose for themselves: channels, a digest, quiet hours of their own."""

from collections.abc import Collection, Mapping

import msgspec

from services.notifications.domain import refusals
from shared.events import PreferencesChanged, Span


def chosen_by(
    preferences: Mapping[str, PreferencesChanged], staff: str, *, by_others: bool = True
) -> PreferencesChanged | None:
    """What a person last chose; what somebody else chose for them counts only if `by_others`."""
    chosen = preferences.get(staff)
    return chosen if chosen is None or by_others or chosen.by == staff else None


class ChangePreferences(msgspec.Struct, frozen=True, kw_only=True):
    """`channels` says of a channel whether the person wants it; those that it does not name stay on."""

    staff: str
    channels: dict[str, bool]
    digest: bool = False
    quiet: list[Span] | None = None


def change(command: ChangePreferences, by: str, roles: Collection[str]) -> PreferencesChanged:
    """By the person, or by the Office. Refuses `preferences-of-another`, `channel-unknown`, `inbox-stays`."""
    if command.staff != by and "office" not in roles:
        raise refusals.PREFERENCES_OF_ANOTHER()
    for channel, wanted in command.channels.items():
        if channel not in ("inbox", "email", "apprise"):
            raise refusals.CHANNEL_UNKNOWN(channel=channel)
        if channel == "inbox" and not wanted:
            raise refusals.INBOX_STAYS()
    return PreferencesChanged(
        staff=command.staff, channels=command.channels, digest=command.digest, quiet=command.quiet, by=by
    )
