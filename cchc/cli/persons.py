"""Erasing what is kept of a person: `cchc person erase`."""

import click

from cchc.backups.restore import set_aside
from cchc.cli.group import Group
from cchc.cli.options import commune_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import table
from services.notifications import erasure as of_notifications
from services.tasks import erasure as of_tasks
from services.tasks.domain.context import canonical
from shared.eventlog.database import leave_nothing


@click.group("person", cls=Group)
def person_command() -> None:
    """Dữ liệu cá nhân của một người."""


@person_command.command("erase")
@click.argument("staff", metavar="MÃ_CÁN_BỘ")
@commune_option
@with_installation
def erase(installation: Installation, staff: str, commune: str | None) -> None:
    """Xóa họ tên, địa chỉ và các bản lưu có tên một người; cho biết từng nơi đã xóa gì, còn gì và vì sao.

    Mã của người đó ở lại nhật ký, không kèm tên. Chạy lại được.
    """
    commune, code = the_commune(installation, commune), canonical(staff)
    done = of_tasks.erase_everywhere(installation.tasks, commune, code, installation.erase_in_notifications)
    bytes_left = [service for service in ("tasks", "notifications") if not _rewritten(installation, service)]
    aside = sorted(path.name for path in installation.settings.data.glob("before-restore-*"))
    table(
        ("Nơi", "Đã xóa", "Còn lại"),
        [
            ("họ tên, thư điện tử, điện thoại", str(done.people), "không"),
            ("địa chỉ nhận tin", str(done.addresses), "không"),
            ("bản lưu phiếu đôn đốc có tên", str(done.slips), "mã băm trong nhật ký; phiếu đã in ở người nhận"),
            ("tệp danh sách, danh mục đã tải lên", str(done.uploads), "không"),
            ("tệp minh chứng mang tên người", "0", _evidence(done.evidence)),
            ("tên bộ phận, thôn mang tên người", "0", _units(done.units)),
            ("tên trong bộ nhớ của tiến trình gửi tin", "0", "tự hết trong một phút"),
            ("nhật ký sự kiện, sổ truy vết", "0", "chỉ có mã, không có tên"),
            ("tệp của cơ sở dữ liệu", "0", _files(installation, bytes_left)),
            ("dữ liệu cất sang bên khi phục hồi", "0", _aside(installation, aside)),
            ("bản sao lưu", "0", "còn tên tới khi hủy bản đó; phục hồi thì xóa lại theo sổ truy vết"),
        ],
    )


# What is rewritten so that no byte of a deleted row is left.
TABLES = {"tasks": of_tasks.TABLES, "notifications": of_notifications.TABLES}


def _rewritten(installation: Installation, service: str) -> bool:
    return leave_nothing(installation.owner(service), TABLES[service])


def _files(installation: Installation, bytes_left: list[str]) -> str:
    if bytes_left:
        return f"byte cũ của {', '.join(bytes_left)}: chủ bảng (CCHC_OWNER_…) chạy lại lệnh này lúc ít người dùng"
    if any(installation.owner(service).dialect.name == "postgresql" for service in TABLES):
        return "WAL của PostgreSQL tới khi bị ghi đè; kho lưu WAL, bản sao vật lý tới khi hủy"
    return "không"


def _aside(installation: Installation, folders: list[str]) -> str:
    on_postgresql = [
        f"{service}: schema {schema}" for service in TABLES for schema in set_aside(installation.owner(service))
    ]
    said = ", ".join([*folders, *on_postgresql])
    return f"còn tên trong {said}: khi đã yên tâm thì xóa" if said else "không"


def _evidence(tasks: list[str]) -> str:
    return f"xem và xóa từng tệp ở nhiệm vụ {', '.join(tasks)}" if tasks else "không"


def _units(units: list[str]) -> str:
    return f"đặt tên khác cho {', '.join(units)}" if units else "không"
