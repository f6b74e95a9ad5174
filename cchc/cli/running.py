"""Running: everything in one process, one service's web processes, or its background process."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from cchc.cli.options import with_installation
from cchc.installation import Installation
from cchc.output import UNAVAILABLE, fail
from cchc.served import address_of, is_loopback, listen, remember
from cchc.services import SERVICES
from cchc.settings import Settings
from shared.said import said_of


class Address(click.ParamType[tuple[str, int]]):
    """host:port, where 0 stands for any free port."""

    name = "máy:cổng"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value}: ghi dạng 0.0.0.0:9090.", param, ctx)
        return host, int(port)


ADDRESS = Address()

# Both commands that clients reach.
behind_proxy = click.option(
    "--behind-proxy",
    is_flag=True,
    envvar="CCHC_BEHIND_PROXY",
    help="Chỉ proxy của mình nối tới: tin địa chỉ người dùng do proxy ghi (X-Forwarded-For, X-Forwarded-Proto).",
)
unencrypted = click.option(
    "--unencrypted",
    is_flag=True,
    envvar="CCHC_UNENCRYPTED",
    help="Mở thẳng ra ngoài máy, không TLS: chỉ trong mạng tin cậy.",
)

_OPEN = (
    "{address} mở ra ngoài máy mà không mã hóa: ai trên đường truyền cũng đọc được mã truy cập (token) và nội"
    " dung, nên chưa mở.\n"
    "Đặt proxy có TLS ở trước rồi ghi --behind-proxy; hoặc, trong mạng tin cậy, ghi --unencrypted."
)


def _must_be_meant(listener: socket.socket, *said: bool) -> None:
    if not any(said) and not is_loopback(listener):
        fail(_OPEN.format(address=":".join(map(str, listener.getsockname()[:2]))))


@click.command("run")
@click.option("--bind", type=ADDRESS, default="127.0.0.1:8080", show_default=True, help="Địa chỉ phục vụ.")
@click.option("--demo/--no-demo", default=True, help="Nạp năm mẫu Tiên Cảnh 2024 khi thư mục dữ liệu còn trống.")
@behind_proxy
@unencrypted
@click.pass_obj
def run_command(settings: Settings, bind: tuple[str, int], demo: bool, behind_proxy: bool, unencrypted: bool) -> None:
    """Chạy mọi dịch vụ trong một tiến trình (SQLite), in địa chỉ và liên kết đăng nhập."""
    from cchc.first_run import prepare
    from cchc.serve import serve_all

    settings.must_be_right()
    listener = listen(*bind)
    _must_be_meant(listener, behind_proxy, unencrypted)
    for line in prepare(settings, address_of(listener), demo=demo):
        click.echo(line)
    serve_all(lambda: Installation(settings), listener, settings.limits(behind_proxy=behind_proxy))


@click.command("serve")
@click.argument("service", type=click.Choice((*SERVICES, "web")))
@click.option("--bind", type=ADDRESS, default="127.0.0.1:8080", show_default=True, help="Địa chỉ phục vụ.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Số tiến trình web.")
@behind_proxy
@unencrypted
@click.pass_obj
def serve_command(
    settings: Settings, service: str, bind: tuple[str, int], workers: int, behind_proxy: bool, unencrypted: bool
) -> None:
    """Phục vụ HTTP của một dịch vụ, hoặc các trang web (web); không chạy nền."""
    from cchc.serve import serve_one

    settings.must_be_right()
    listener = listen(*bind)
    _must_be_meant(listener, behind_proxy, unencrypted)
    if service == "web" and not settings.origin:
        # Links printed from now on lead there. Where the folder is read-only, CCHC_ORIGIN says it.
        with suppress(OSError):
            remember(settings, address_of(listener))
    limits = settings.limits(behind_proxy=behind_proxy)
    serve_one(lambda: Installation(settings), service, listener, workers, limits)


@click.command("work")
@click.argument("service", type=click.Choice(SERVICES))
@click.option(
    "--bind", type=ADDRESS, help="Địa chỉ cho /livez, /readyz, /metrics, chẳng hạn 0.0.0.0:9090 (mặc định: không mở)."
)
@with_installation
def work_command(installation: Installation, service: str, bind: tuple[str, int] | None) -> None:
    """Chạy tiến trình nền của một dịch vụ; chạy nhiều tiến trình cùng lúc được."""
    from cchc.serve import work

    installation.settings.must_be_right()
    raise SystemExit(work(installation, service, bind))


@click.command("databases")
@click.option("--admin", envvar="CCHC_DATABASE_ADMIN", required=True, help="Địa chỉ libpq của quản trị PostgreSQL.")
@click.option(
    "--secrets",
    envvar="CCHC_SECRETS",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Thư mục mật khẩu: */pgpass, do cchc secrets tạo.",
)
def databases_command(admin: str, secrets: Path) -> None:
    """Tạo vai trò và cơ sở dữ liệu của các dịch vụ trên PostgreSQL, đặt lại mật khẩu; chạy lại được."""
    from psycopg import Error

    from cchc.databases import passwords_in, prepare_databases

    passwords = passwords_in(secrets)
    try:
        for name in prepare_databases(admin, passwords):
            click.echo(f"Đã tạo {name}.")
    except KeyError as missing:
        fail(f"Không có mật khẩu của vai trò {missing} trong {secrets}: chạy cchc secrets trước.")
    except Error as error:
        fail(f"PostgreSQL từ chối hoặc không trả lời: {said_of(error)}", UNAVAILABLE)
    click.echo("Vai trò và cơ sở dữ liệu đã sẵn sàng; tiếp theo: cchc migrate.")


@click.command("migrate")
@with_installation
def migrate_command(installation: Installation) -> None:
    """Đưa cơ sở dữ liệu của mọi dịch vụ lên lược đồ của bản này."""
    installation.migrate()
    if not installation.settings.keys_are_elsewhere:
        _ = installation.signing_key  # so that what is served next can check tokens
    click.echo("Cơ sở dữ liệu đã ở lược đồ của bản này.")
