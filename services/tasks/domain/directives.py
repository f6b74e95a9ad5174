"""Directives: issued, amended, withdrawn."""

from datetime import date

import msgspec
from msgspec.structs import replace

from services.tasks.domain import Evolvers, refusals
from services.tasks.domain.context import Command, Context, required_text
from shared.events import Data, DirectiveAmended, DirectiveIssued, DirectiveWithdrawn


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
        raise refusals.DIRECTIVE_ALREADY_ISSUED(number=state.number)
    _must_fit(command, context)
    return [
        DirectiveIssued(
            directive=command.directive,
            number=required_text(command.number, refusals.NUMBER_REQUIRED),
            issued_on=command.issued_on,
            title=required_text(command.title, refusals.TITLE_REQUIRED),
            annex_sha256=command.annex_sha256,
            supersedes=command.supersedes,
        )
    ]


def amend(state: Directive | None, command: AmendDirective, context: Context) -> list[Data]:
    """Refuses: unknown or withdrawn, nothing differs, no reason, what issuing refuses."""
    state = in_force(state, command.directive)
    _must_fit(command, context)
    given = {name: getattr(command, name) for name in FIELDS}
    changed = {n: value for n, value in given.items() if value is not None and value != getattr(state, n)}
    if not changed:
        raise refusals.NOTHING_CHANGES()
    return [DirectiveAmended(directive=state.directive, reason=required_text(command.reason), **changed)]


def withdraw(state: Directive | None, command: WithdrawDirective, _: Context) -> list[Data]:
    """Refuses: unknown or withdrawn, no reason."""
    state = in_force(state, command.directive)
    return [DirectiveWithdrawn(directive=state.directive, reason=required_text(command.reason))]


def in_force(state: Directive | None, directive: str) -> Directive:
    if state is None:
        raise refusals.DIRECTIVE_UNKNOWN(directive=directive)
    if state.withdrawn:
        raise refusals.DIRECTIVE_WITHDRAWN(number=state.number)
    return state


def _must_fit(command: IssueDirective | AmendDirective, context: Context) -> None:
    if command.issued_on is not None and command.issued_on > context.today:
        raise refusals.DAY_IN_THE_FUTURE(day=command.issued_on)
    older = command.supersedes
    if older is not None and (older == command.directive or context.state(f"directive/{older}") is None):
        raise refusals.DIRECTIVE_UNKNOWN(directive=older)


def _issued(_: Directive | None, data: DirectiveIssued, __: date) -> Directive:
    return Directive(data.directive, data.number, data.issued_on, data.title, data.annex_sha256, data.supersedes)


def _amended(state: Directive, data: DirectiveAmended, _: date) -> Directive:
    return replace(state, **{name: value for name in FIELDS if (value := getattr(data, name)) is not None})


def _withdrawn(state: Directive, _: DirectiveWithdrawn, __: date) -> Directive:
    return replace(state, withdrawn=True)


EVOLVE: Evolvers = {DirectiveIssued: _issued, DirectiveAmended: _amended, DirectiveWithdrawn: _withdrawn}
