"""Backup and restore at the command line."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from cchc.backups.archive import Damaged, UnknownFormat, open_archive
from cchc.backups.restore import Restored, StillConnected, restore_backup, restore_tail
from cchc.backups.tail import TOPIC, Contradiction, HolderAway, NotSealed
from cchc.backups.take import NotMigrated, take_backup
from cchc.cli.noting import note_taken
from cchc.cli.options import json_option, with_installation
from cchc.installation import Installation
from cchc.output import FOUND, REFUSED, UNAVAILABLE, as_json, fail, table
from cchc.services import SERVICES
from cchc.settings import Settings
from shared.eventlog import EVERY_COMMUNE
from shared.journal import kinds


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@json_option
@with_installation
def backup_command(installation: Installation, target: Path, json_output: bool) -> None:
    """Sao lưu mọi dịch vụ và minh chứng vào một tệp mới, trong khi hệ thống vẫn chạy.

    TARGET là tệp sẽ được tạo, hoặc thư mục có sẵn (tệp được đặt tên theo giờ). Tệp chứa họ tên, thư điện tử và khóa
    webhook: chỉ người sao lưu đọc được; hãy giữ kín. Khóa bí mật trong thư mục keys không nằm trong tệp: cất riêng.
    """
    try:
        path, manifest = take_backup(installation, target)
    except FileExistsError:
        fail(f"Đã có {target}; hãy chọn tên khác.")
    except NotMigrated as error:
        fail(f"Chưa có cơ sở dữ liệu của {error}. Chạy cchc migrate trước.")
    for service in SERVICES:
        note_taken(installation, service, EVERY_COMMUNE, kinds.BACKUP_TAKEN, {"taken_at": manifest.taken_at})
    rows = {service: database.heads.get(service, {}) for service, database in manifest.databases.items()}
    if json_output:
        as_json({"file": str(path), "taken_at": manifest.taken_at, "size": path.stat().st_size, "heads": rows})
        return
    for service in SERVICES:
        for commune, head in rows[service].items():
            click.echo(f"{service}/{commune} đến #{head.position}")
    click.echo(f"Đã sao lưu vào {path} ({path.stat().st_size / 1024 / 1024:.1f} MB).")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--tail", is_flag=True, help="Chỉ lấy phần ghi sau, cho cơ sở dữ liệu đã phục hồi bằng cách khác.")
@click.option("--service", "services", multiple=True, type=click.Choice(SERVICES), help="Chỉ dịch vụ này.")
@click.option(
    "--without",
    multiple=True,
    type=click.Choice([TOPIC, *SERVICES]),
    help="Nơi giữ phần ghi sau đã mất hẳn: topic, hoặc cơ sở dữ liệu hiện có của dịch vụ này; ghi nhiều lần được.",
)
@click.option("--trust-topic", is_flag=True, help="Nhận cả sự kiện mà topic của bản phần mềm trước giữ, chưa có dấu.")
@json_option
@click.pass_obj
def restore_command(
    settings: Settings,
    file: Path | None,
    tail: bool,
    services: tuple[str, ...],
    without: tuple[str, ...],
    trust_topic: bool,
    json_output: bool,
) -> None:
    """Phục hồi từ bản sao lưu FILE, rồi lấy tiếp những gì đã ghi sau đó từ topic, bản sao và kho hiện có.

    Dừng mọi tiến trình cchc trước. Dữ liệu đang có được cất sang bên, không xóa. Mã thoát 1 khi các nơi giữ kể khác
    nhau về cùng một sự kiện: khi đó không có gì thay đổi.
    """
    if tail == (file is not None):
        fail("Ghi tệp sao lưu, hoặc --tail để chỉ lấy phần ghi sau.")
    chosen = [service for service in SERVICES if service in (services or SERVICES)]
    if file is None:
        done = _explained(lambda: restore_tail(settings, chosen, without, trusting=trust_topic))
        taken_at = None
    else:
        done, taken_at = _explained(lambda: _restore(settings, file, chosen, without, trust_topic))
    if json_output:
        as_json(
            {
                "taken_at": taken_at,
                "logs": done.logs,
                "holders": done.holders,
                "aside": done.aside,
                "keys": done.keys,
                "erased": done.erased,
                "rejected": done.rejected,
            }
        )
        return
    _show(done, taken_at)


def _restore(
    settings: Settings, file: Path, services: list[str], without: tuple[str, ...], trusting: bool
) -> tuple[Restored, str]:
    with open_archive(file) as archive:
        say = partial(click.echo, err=True)
        done = restore_backup(settings, archive, services, without, lambda line: say(f"… {line}"), trusting=trusting)
        return done, archive.manifest.taken_at


def _show(done: Restored, taken_at: str | None) -> None:
    rows = [
        (
            f"{log.source}/{log.commune}",
            log.restored.position,
            log.head.position - log.restored.position,
            log.head.position,
            ", ".join(f"{PLACES[holder]} {count}" for holder, count in log.taken.items()),
        )
        for log in done.logs
    ]
    table(["Nhật ký", "Trong bản phục hồi", "Lấy thêm", "Đến", "Lấy từ"], rows)
    for service, holders in done.holders.items():
        if holders:
            click.echo(f"Đã so nhật ký {service} với {', '.join(PLACES[holder] for holder in holders)}.")
        else:
            click.echo(
                f"Không còn nơi nào khác giữ nhật ký {service}: những gì ghi sau vị trí trên, nếu có, đã mất."
                " So với điểm chốt giữ ở nơi khác: cchc verify --checkpoint."
            )
    for service, count in done.rejected.items():
        click.echo(f"Topic của {service} có {count} bản ghi không phải của nó: không lấy. Xem cchc verify.")
    for place in done.aside:
        click.echo(f"Dữ liệu trước khi phục hồi: {place}")
    if done.keys:
        click.echo(f"Chưa ghi được khóa công khai, hãy chép tay từ tệp sao lưu: {', '.join(done.keys)}")
    if taken_at:
        click.echo(
            f"Ngoài nhật ký, mọi thứ như lúc {taken_at}: họ tên, địa chỉ, tên tệp minh chứng nhập sau đó phải nhập lại."
        )
    if known := {service: count for service, count in done.erased.items() if count is not None}:
        counts = ", ".join(f"{service} {count}" for service, count in known.items())
        click.echo(f"Thứ đã xóa sau bản sao lưu, theo sổ truy vết, đã được xóa lại (dòng): {counts}.")
    if unknown := [service for service, count in done.erased.items() if count is None]:
        click.echo(
            f"Không còn sổ truy vết của {', '.join(unknown)} sau bản sao lưu: thứ đã xóa sau đó có thể đã trở lại."
            " Tìm các dòng person.erased, evidence.erased, endpoint.removed trong hồ sơ kiểm tra hoặc bản sao lưu"
            " mới hơn, rồi xóa lại (cchc person erase)."
        )
    click.echo("Đã phục hồi. Chạy cchc verify rồi mở lại các dịch vụ.")


PLACES = {TOPIC: "topic"} | {service: f"cơ sở dữ liệu {service}" for service in SERVICES}


def _explained(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Damaged as error:
        fail(f"Tệp sao lưu hỏng: {error}. Không có gì thay đổi; hãy dùng bản khác.", REFUSED)
    except UnknownFormat as error:
        fail(f"Tệp sao lưu của bản cài đặt mới hơn: {error}. Cập nhật rồi làm lại.", REFUSED)
    except StillConnected as error:
        fail(f"Còn tiến trình đang nối vào cơ sở dữ liệu {error}. Dừng serve và work của dịch vụ đó rồi làm lại.")
    except HolderAway as error:
        fail(
            f"Không đọc được {PLACES[error.holder]}, nơi có thể giữ phần ghi sau bản sao lưu: {error.reason}."
            f" Sửa rồi làm lại; nếu nơi đó đã mất hẳn, thêm --without {error.holder}.",
            UNAVAILABLE,
        )
    except NotSealed as error:
        fail(
            f"Topic của {error.source} do bản phần mềm trước ghi, chưa có dấu: {error.count} sự kiện không có nơi nào"
            " khác giữ. Chỉ khi chắc rằng không ai khác ghi được vào topic: thêm --trust-topic để lấy; còn không, thêm"
            " --without topic.",
            FOUND,
        )
    except Contradiction as error:
        fail(
            f"{PLACES[error.holder].capitalize()} không khớp với những nơi khác: {error.reason}. Chưa phục hồi. Xem bên"
            f" nào đúng rồi làm lại; nếu bỏ nơi này, thêm --without {error.holder}.",
            FOUND,
        )
