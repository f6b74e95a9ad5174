"""Directives: issued, amended, withdrawn."""

from datetime import date

import msgspec
from msgspec.structs import replace

from services.tasks.domain import Evolvers
from services.tasks.domain.context import Command, Context, must_say
from shared.events import Data, DirectiveAmended, DirectiveIssued, DirectiveWithdrawn
from shared.refusal import Refused


class Directive(msgspec.Struct, frozen=True, omit_defaults=True):
    directive: str
    number: str
    issued_on: date
    title: str
    annex_sha256: str | None = None
    supersedes: str | None = None
    withdrawn: bool = False


class IssueDirective(Command):
    directive: str
    number: str
    issued_on: date
    title: str
    annex_sha256: str | None = None
    supersedes: str | None = None


class AmendDirective(Command):
    directive: str
    reason: str
    number: str | None = None
    issued_on: date | None = None
    title: str | None = None
    annex_sha256: str | None = None
    supersedes: str | None = None


class WithdrawDirective(Command):
    directive: str
    reason: str


FIELDS = ("number", "issued_on", "title", "annex_sha256", "supersedes")


def issue(state: Directive | None, command: IssueDirective, context: Context) -> list[Data]:
    """Refuses: recorded before, a blank number or title, a day to come, superseding what is unknown or itself."""
    if state is not None:
        raise Refused("directive-already-issued", number=state.number)
    _must_fit(command, context)
    return [
        DirectiveIssued(
            directive=command.directive,
            number=must_say(command.number, "number-required"),
            issued_on=command.issued_on,
            title=must_say(command.title, "title-required"),
            annex_sha256=command.annex_sha256,
            supersedes=command.supersedes,
        )
    ]


def amend(state: Directive | None, command: AmendDirective, context: Context) -> list[Data]:
    """Refuses: unknown or withdrawn, nothing differs, no reason, what issuing refuses."""
    state = must_stand(state, command.directive)
    _must_fit(command, context)
    given = {name: getattr(command, name) for name in FIELDS}
    changed = {n: value for n, value in given.items() if value is not None and value != getattr(state, n)}
    if not changed:
        raise Refused("nothing-changes")
    return [DirectiveAmended(directive=state.directive, reason=must_say(command.reason), **changed)]


def withdraw(state: Directive | None, command: WithdrawDirective, _: Context) -> list[Data]:
    """Refuses: unknown or withdrawn, no reason."""
    state = must_stand(state, command.directive)
    return [DirectiveWithdrawn(directive=state.directive, reason=must_say(command.reason))]


def must_stand(state: Directive | None, directive: str) -> Directive:
    if state is None:
        raise Refused("unknown-directive", directive=directive)
    if state.withdrawn:
        raise Refused("directive-withdrawn", number=state.number)
    return state


def _must_fit(command: IssueDirective | AmendDirective, context: Context) -> None:
    if command.issued_on is not None and command.issued_on > context.today:
        raise Refused("day-in-the-future", day=command.issued_on)
    older = command.supersedes
    if older is not None and (older == command.directive or context.state(f"directive/{older}") is None):
        raise Refused("unknown-directive", directive=older)


def _issued(_: Directive | None, data: DirectiveIssued, __: date) -> Directive:
    return Directive(data.directive, data.number, data.issued_on, data.title, data.annex_sha256, data.supersedes)


def _amended(state: Directive, data: DirectiveAmended, _: date) -> Directive:
    return replace(state, **{name: value for name in FIELDS if (value := getattr(data, name)) is not None})


def _withdrawn(state: Directive, _: DirectiveWithdrawn, __: date) -> Directive:
    return replace(state, withdrawn=True)


EVOLVE: Evolvers = {DirectiveIssued: _issued, DirectiveAmended: _amended, DirectiveWithdrawn: _withdrawn}
