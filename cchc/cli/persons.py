"""Erasing what is kept of a person: `cchc person erase`."""

import click

from cchc.cli.group import Group
from cchc.cli.options import commune_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import table
from services.notifications import erasure as of_notifications
from services.tasks import erasure as of_tasks
from services.tasks.domain.context import canonical


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
    tasks, notifications = installation.tasks, installation.notifications
    name = of_tasks.name_of(tasks, commune, code)
    # The slips first: which ones name the person is known only while the name is.
    addresses, slips = of_notifications.erase_person(notifications, commune, code, name)
    evidence = of_tasks.evidence_named_after(tasks, commune, name) if name else []
    rows, files = of_tasks.erase_person(tasks, commune, code)
    table(
        ("Nơi", "Đã xóa", "Còn lại"),
        [
            ("họ tên, thư điện tử, điện thoại", str(rows), "không"),
            ("địa chỉ nhận tin", str(addresses), "không"),
            ("bản lưu phiếu đôn đốc có tên", str(slips), "mã băm trong nhật ký; phiếu đã in ở người nhận"),
            ("tệp danh sách, danh mục đã tải lên", str(files), "không"),
            ("tệp minh chứng mang tên người", "0", _evidence(evidence)),
            ("tên trong bộ nhớ của tiến trình gửi tin", "0", "tự hết trong một phút"),
            ("nhật ký sự kiện, sổ truy vết", "0", "chỉ có mã, không có tên"),
            ("bản sao lưu", "0", "còn tên tới khi hủy bản đó; sau khi phục hồi, chạy lại lệnh này"),
        ],
    )


def _evidence(tasks: list[str]) -> str:
    return f"xem và xóa từng tệp ở nhiệm vụ {', '.join(tasks)}" if tasks else "không"
