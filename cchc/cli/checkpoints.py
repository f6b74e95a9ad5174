"""Checkpoints at the command line: sign now, list, print what is to be kept elsewhere, show the public key."""

from datetime import datetime

import click

from cchc.cli.group import Group
from cchc.cli.options import commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import as_json, table
from cchc.services import SERVICES
from shared.eventlog.checkpoints import checkpoints, latest, line
from shared.eventlog.signer import sign_now
from shared.events import VIETNAM, CheckpointSigned, parse_time
from shared.keys import key_id, public_pem


@click.group("checkpoint", cls=Group)
def checkpoint_command() -> None:
    """Điểm chốt có chữ ký của nhật ký: bằng chứng khi bản sao của nó nằm ngoài tầm tay người vận hành."""


@checkpoint_command.command("sign")
@commune_option
@json_option
@with_installation
def sign(installation: Installation, commune: str | None, json_output: bool) -> None:
    """Ký ngay vị trí cuối của từng nhật ký, nếu có gì mới kể từ điểm chốt trước."""
    commune = the_commune(installation, commune)
    signed: list[CheckpointSigned] = []
    for service in SERVICES:
        log = installation.own_log(service)
        signed += sign_now(log, commune, installation.signing_log(service), actor="operator/checkpoint")
    if json_output:
        as_json(signed)
    elif signed:
        _print(signed)
    else:
        click.echo("Không có gì mới kể từ điểm chốt trước.")


@checkpoint_command.command("list")
@commune_option
@json_option
@with_installation
def list_(installation: Installation, commune: str | None, json_output: bool) -> None:
    """Các điểm chốt đã ghi trong nhật ký của một xã."""
    found = _recorded(installation, commune)
    if json_output:
        as_json(found)
    else:
        _print(found)


@checkpoint_command.command("export")
@click.option("--last", is_flag=True, help="Chỉ điểm chốt mới nhất của từng nhật ký, để gửi đi mỗi ngày.")
@commune_option
@with_installation
def export(installation: Installation, last: bool, commune: str | None) -> None:
    """In các điểm chốt, mỗi dòng một đối tượng JSON, để giữ ở nơi khác; cchc verify --checkpoint TỆP đối chiếu lại."""
    found = _recorded(installation, commune)
    for each in latest(found) if last else found:
        click.echo(line(each))


@checkpoint_command.command("key")
@with_installation
def key(installation: Installation) -> None:
    """In khóa công khai đang dùng để ký (PEM), tạo khóa khi chưa có. Giao khóa này cho người sẽ kiểm tra."""
    public = installation.checkpoint_key.private.public_key()
    click.echo(public_pem(public), nl=False)
    click.echo(f"Mã khóa: {key_id(public)}", err=True)


def _recorded(installation: Installation, commune: str | None) -> list[CheckpointSigned]:
    commune = the_commune(installation, commune)
    return checkpoints([installation.own_log(service) for service in SERVICES], commune)


def _print(found: list[CheckpointSigned]) -> None:
    table(
        ("Nhật ký", "Vị trí", "Mã băm SHA-256", "Ký lúc", "Khóa"),
        [
            (each.source, each.position, each.hash, f"{_local(each.signed_at):%d/%m/%Y %H:%M:%S}", each.key)
            for each in found
        ],
    )


def _local(time: str) -> datetime:
    return parse_time(time).astimezone(VIETNAM)
