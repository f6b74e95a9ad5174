"""What is known of a commune for planning."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from services.notifications.domain.preferences import chosen_by
from services.notifications.domain.records import Records
from shared.events import PolicyPublished, PreferencesChanged
from shared.events.reminders import Channel

# What tells a rung apart: about, rule, due version, recipient, channel.
RungKey: TypeAlias = tuple[str, str, int | None, str, str]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a commune for planning. `policies` are the revisions with the time of each, the first first;
    `channels` those that this installation has; `endpoints` (id, rules; none = all) take webhooks; `addresses` are the
    staff who gave one for Apprise; `seen` the rungs queued already, which are never wanted again."""

    records: Records
    policies: Sequence[tuple[str, PolicyPublished]] = ()
    preferences: Mapping[str, PreferencesChanged] = {}
    channels: frozenset[str] = frozenset({"inbox"})
    endpoints: Sequence[tuple[str, Sequence[str]]] = ()
    addresses: frozenset[str] = frozenset()
    seen: Collection[RungKey] = frozenset()


def channels_to(view: View, staff: str, among: Iterable[Channel], *, by_others: bool = True) -> list[Channel]:
    """The channels that reach a person: the inbox always, the others unless they chose otherwise. What somebody else
    chose for them counts only if `by_others`."""
    chosen = chosen_by(view.preferences, staff, by_others=by_others)
    off = {name for name, wanted in chosen.channels.items() if not wanted} if chosen else set()
    usable = ({"email", "apprise"} & view.channels) - off - (set() if staff in view.addresses else {"apprise"})
    return [channel for channel in among if channel == "inbox" or channel in usable]
