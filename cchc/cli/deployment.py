"""What prepares a deployment: its secrets, its demo."""

from pathlib import Path

import click
import msgspec

from cchc.cli.options import with_installation
from cchc.installation import Installation
from cchc.output import fail
from cchc.services import SERVICES


@click.command("secrets")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def secrets_command(folder: Path) -> None:
    """Tạo mật khẩu và khóa còn thiếu cho từng dịch vụ vào thư mục; cái đã có giữ nguyên. Chạy bằng root."""
    from cchc.secrets import make_secrets

    try:
        made = make_secrets(folder)
    except PermissionError as error:
        fail(f"Không ghi được {error.filename}: lệnh này cần chạy bằng root để giao tệp cho từng dịch vụ.")
    click.echo(f"Đã tạo {', '.join(made)}." if made else "Đã đủ mật khẩu và khóa, không tạo thêm.")


@click.command("demo")
@with_installation
def demo_command(installation: Installation) -> None:
    """Nạp năm mẫu Tiên Cảnh 2024 khi chưa có xã nào, trước khi các tiến trình nền chạy."""
    from demo.year import load
    from shared.eventlog.lines import export_lines, import_lines

    if installation.tasks.log.heads():
        click.echo("Đã có xã, không nạp năm mẫu.")
        return
    # All services live the year in one process, as without a broker; then each receives replicas of the others' logs.
    load(msgspec.structs.replace(installation.settings, kafka=None))
    for replica in (replica for service in SERVICES for replica in installation.replicas(service)):
        owners = installation.own_log(replica.source)
        for commune in owners.heads():
            import_lines(replica, export_lines(owners, commune))
    click.echo("Đã nạp năm mẫu: xã Tiên Cảnh, năm 2024.")
