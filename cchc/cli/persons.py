"""Erasing what is kept of a person: `cchc person erase`."""

import click

from cchc.backups.restore import set_aside
from cchc.cli.group import Group
from cchc.cli.options import commune_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import fail, table
from services.notifications import erasure as of_notifications
from services.tasks import erasure as of_tasks
from services.tasks import queries
from services.tasks.domain.context import canonical
from shared.eventlog import reading
from shared.eventlog.database import leave_nothing
from shared.refusals import STAFF_UNKNOWN


@click.group("person", cls=Group)
def person_command() -> None:
    """Dữ liệu cá nhân của một người."""


@person_command.command("erase")
@click.argument("staff", metavar="MÃ_CÁN_BỘ")
@commune_option
@click.option("--yes", is_flag=True, help="Xóa luôn, không hỏi lại; dùng trong kịch bản.")
@with_installation
def erase(installation: Installation, staff: str, commune: str | None, yes: bool) -> None:
    """Xóa họ tên, địa chỉ và các bản lưu có tên một người; cho biết từng nơi đã xóa gì, còn gì và vì sao.

    Không hoàn tác được. Mọi tệp danh sách, danh mục mà xã đã tải lên để xem trước cũng bị xóa, vì tệp nào cũng có thể
    có tên người đó. Tên vẫn còn trong tệp minh chứng (tên tệp và nội dung), bản sao lưu, giấy đã in, thư đã gửi.

    Lệnh nói đó là ai rồi hỏi trước khi xóa. Mã của người đó ở lại nhật ký, không kèm tên. Chạy lại được. Mã không có
    trong xã thì bị từ chối, mã thoát 2. Việc phải làm thêm: docs/how-to/erasure.md.
    """
    commune, code = the_commune(installation, commune), canonical(staff)
    _must_be_meant(installation, commune, code, yes)
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
            ("tệp minh chứng mang tên người", STAYS, _evidence(done.evidence)),
            ("tên trong bộ nhớ của tiến trình gửi tin", STAYS, "tự hết trong một phút"),
            ("nhật ký sự kiện, sổ truy vết", STAYS, "chỉ có mã, không có tên"),
            ("tệp của cơ sở dữ liệu", STAYS, _files(installation, bytes_left)),
            ("dữ liệu cất sang bên khi phục hồi", STAYS, _aside(installation, aside)),
            ("bản sao lưu", STAYS, "còn tên tới khi hủy bản đó; phục hồi thì xóa lại theo sổ truy vết"),
        ],
        kept=True,
    )


# In the column of what was erased: nothing there is for this command to erase.
STAYS = "–"


def _must_be_meant(installation: Installation, commune: str, code: str, yes: bool) -> None:
    """Say whom it concerns, and ask. Ends with REFUSED for a code of nobody, and when the answer is not yes."""
    tasks = installation.tasks
    with reading(tasks.engine, commune) as connection:
        known = of_tasks.is_known(connection, commune, code)
    if not known and not of_notifications.is_known(installation.notifications, commune, code):
        fail(f"{STAFF_UNKNOWN(staff=code).detail} Chưa xóa gì.")
    click.echo(f"Xóa dữ liệu cá nhân của {code}: {_post_of(installation, commune, code)}.", err=True)
    if yes:  # a script's output is kept, so nothing names the person there
        return
    contact = queries.names_of(tasks, commune).get(code)
    click.echo(f"Họ tên đang lưu: {(contact and contact.name) or 'không có'}.", err=True)
    click.echo(WARNING, err=True)
    try:
        click.confirm("Xóa?", abort=True, err=True)
    except click.Abort:
        fail("Chưa xóa gì. Trong kịch bản, thêm --yes.")


WARNING = (
    "Không hoàn tác được. Mọi tệp danh sách, danh mục mà xã đã tải lên để xem trước cũng bị xóa; tên vẫn còn trong tệp"
    " minh chứng và bản sao lưu."
)


def _post_of(installation: Installation, commune: str, code: str) -> str:
    tasks = installation.tasks
    stored = queries.one(tasks, commune, f"staff/{code}")
    post = stored.state.last_post(tasks.today) if stored else None
    if post is None:
        return "không giữ chức vụ nào ở xã"
    names = {each.state.unit: name for each, name in queries.units(tasks, commune)}
    unit = "" if post.unit == commune else f", {names.get(post.unit) or post.unit}"
    return f"{post.post}{unit}{'' if stored and stored.state.post_on(tasks.today) else ' (đã thôi giữ)'}"


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
