"""Running: everything in one process, one service's web processes, or its background process."""

import click

from cchc.cli.options import with_installation
from cchc.installation import Installation
from cchc.settings import SERVICES, Settings


@click.command("run")
@click.option("--bind", default="127.0.0.1:8080", show_default=True, help="Địa chỉ phục vụ.")
@click.option("--demo/--no-demo", default=True, help="Nạp năm mẫu Tiên Cảnh 2024 khi thư mục dữ liệu còn trống.")
@click.pass_obj
def run_command(settings: Settings, bind: str, demo: bool) -> None:
    """Chạy mọi dịch vụ trong một tiến trình (SQLite), in địa chỉ và liên kết đăng nhập."""
    from cchc.first_run import prepare
    from cchc.serve import serve_all

    for line in prepare(settings, bind, demo=demo):
        click.echo(line)
    serve_all(lambda: Installation(settings), bind)


@click.command("serve")
@click.argument("service", type=click.Choice(SERVICES))
@click.option("--bind", default="127.0.0.1:8080", show_default=True, help="Địa chỉ phục vụ.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Số tiến trình web.")
@click.pass_obj
def serve_command(settings: Settings, service: str, bind: str, workers: int) -> None:
    """Phục vụ HTTP của một dịch vụ (không chạy nền)."""
    from cchc.serve import serve_one

    serve_one(lambda: Installation(settings), service, bind, workers)


@click.command("work")
@click.argument("service", type=click.Choice(SERVICES))
@with_installation
def work_command(installation: Installation, service: str) -> None:
    """Chạy tiến trình nền của một dịch vụ; chạy nhiều tiến trình cùng lúc được."""
    from cchc.serve import work

    raise SystemExit(work(installation, service))


@click.command("migrate")
@with_installation
def migrate_command(installation: Installation) -> None:
    """Đưa cơ sở dữ liệu của mọi dịch vụ lên lược đồ của bản này."""
    installation.migrate()
    if not installation.settings.keys_are_elsewhere:
        _ = installation.signing_key  # so that what is served next can check tokens
    click.echo("Cơ sở dữ liệu đã ở lược đồ của bản này.")
