"""The commune: opened, renamed, closed, with its settings."""

from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from services.tasks.domain import Evolvers, refusals
from services.tasks.domain.context import Command, Context, new_code, recorder, required_text
from shared.events import CommuneClosed, CommuneOpened, CommuneRenamed, CommuneSettingsChosen, Data
from shared.events.values import Pin

# The settings that this service reads, with the type of their values; a commune may note others.
KNOWN: dict[str, type] = {"tracker_verifies": bool}
# Those among them that say who judges or verifies.
OF_JUDGES = frozenset({"tracker_verifies"})


class Commune(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    code: str
    valid_from: date
    parent: str | None = None
    closed_on: date | None = None
    successors: list[str] = []
    settings: dict[str, Any] = {}

    @property
    def tracker_verifies(self) -> bool:
        """May a tracker verify the results of the people they follow?"""
        return self.settings.get("tracker_verifies") is True


class OpenCommune(Command):
    name: str
    code: str
    valid_from: date
    parent: str | None = None
    predecessors: list[Pin] | None = None


class RenameCommune(Command):
    valid_from: date
    legal_basis: str
    name: str | None = None
    code: str | None = None


class CloseCommune(Command):
    """`on` is the commune's last day."""

    on: date
    successors: list[str]
    legal_basis: str


class ChooseCommuneSettings(Command):
    settings: dict[str, Any]
    reason: str
    by: str | None = None


def open_commune(state: Commune | None, command: OpenCommune, context: Context) -> list[Data]:
    """Begin a commune's log. Refuses: already open, a blank name or code."""
    if state is not None:
        raise refusals.COMMUNE_ALREADY_OPEN(commune=context.commune)
    return [
        CommuneOpened(
            name=required_text(command.name, refusals.NAME_REQUIRED),
            code=new_code(command.code),
            valid_from=command.valid_from,
            parent=command.parent,
            predecessors=command.predecessors,
        )
    ]


def rename_commune(state: Commune, command: RenameCommune, _: Context) -> list[Data]:
    """Another name or official code. Refuses: neither differs, no legal basis."""
    if command.code and command.code != state.code:
        new_code(command.code)
    if (command.name or state.name, command.code or state.code) == (state.name, state.code):
        raise refusals.NOTHING_CHANGES()
    return [
        CommuneRenamed(
            valid_from=command.valid_from,
            legal_basis=required_text(command.legal_basis, refusals.LEGAL_BASIS_REQUIRED),
            name=command.name,
            code=command.code,
        )
    ]


def close_commune(state: Commune, command: CloseCommune, context: Context) -> list[Data]:
    """The commune ends. Refuses: closed before, its own successor, no legal basis."""
    if state.closed_on is not None:
        raise refusals.COMMUNE_CLOSED(on=state.closed_on)
    if context.commune in command.successors:
        raise refusals.OWN_SUCCESSOR()
    return [
        CommuneClosed(
            on=command.on,
            successors=[new_code(successor) for successor in command.successors],
            legal_basis=required_text(command.legal_basis, refusals.LEGAL_BASIS_REQUIRED),
        )
    ]


def choose_settings(state: Commune, command: ChooseCommuneSettings, context: Context) -> list[Data]:
    """Settings with their reason. Refuses: none given, a value of another type than the setting's, no reason."""
    if not command.settings:
        raise refusals.NOTHING_CHANGES()
    for name, value in command.settings.items():
        if name not in state.settings:
            new_code(name)
        if name in KNOWN and not isinstance(value, KNOWN[name]):
            raise refusals.SETTING_VALUE(name=name)
    by = recorder(context, command.by)
    return [CommuneSettingsChosen(settings=command.settings, by=by, reason=required_text(command.reason))]


def must_be_open(commune: Commune | None, today: date) -> None:
    """Nothing is recorded for a commune that is not open, or after its last day."""
    if commune is None:
        raise refusals.COMMUNE_NOT_OPEN()
    if commune.closed_on is not None and today > commune.closed_on:
        raise refusals.COMMUNE_CLOSED(on=commune.closed_on)


def _opened(_: None, data: CommuneOpened, __: date) -> Commune:
    return Commune(data.name, data.code, data.valid_from, data.parent)


def _renamed(state: Commune, data: CommuneRenamed, _: date) -> Commune:
    return replace(state, name=data.name or state.name, code=data.code or state.code, valid_from=data.valid_from)


def _closed(state: Commune, data: CommuneClosed, _: date) -> Commune:
    return replace(state, closed_on=data.on, successors=data.successors)


def _settings_chosen(state: Commune, data: CommuneSettingsChosen, _: date) -> Commune:
    return replace(state, settings=state.settings | data.settings)


EVOLVE: Evolvers = {
    CommuneOpened: _opened,
    CommuneRenamed: _renamed,
    CommuneClosed: _closed,
    CommuneSettingsChosen: _settings_chosen,
}
