"""Urging slips at the command line: to look at, or issued."""

from datetime import date
from pathlib import Path

import click

from cchc.cli.options import Day, Renamed, commune_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import write


@click.command("slip")
@click.argument("tasks", metavar="NHIỆM_VỤ...", nargs=-1, required=True)
@click.option(
    "-o",
    "--out",
    "output",
    required=True,
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Tệp .docx để in.",
)
@click.option(
    "--by",
    "--issue",
    cls=Renamed,
    metavar="MÃ_CÁN_BỘ",
    help="Ghi nhận đã lập phiếu, do người này (Chủ tịch, Văn phòng).",
)
@click.option("--number", help="Số phiếu; bỏ trống để văn thư ghi.")
@click.option("--signed-by", metavar="MÃ_CÁN_BỘ", help="Người ký; bỏ trống thì không ghi tên.")
@click.option("--reply-by", type=Day(), help="Hạn trả lời (mặc định: 2 ngày làm việc).")
@commune_option
@with_installation
def slip_command(
    installation: Installation,
    tasks: tuple[str, ...],
    output: Path,
    by: str | None,
    number: str | None,
    signed_by: str | None,
    reply_by: date | None,
    commune: str | None,
) -> None:
    """Phiếu đôn đốc cho các nhiệm vụ quá hạn: mỗi người chủ trì một phiếu, cùng một tệp để in.

    Không có --by thì chỉ là bản dự thảo, không ghi gì vào nhật ký.
    """
    from services.notifications import queries
    from services.notifications.commands import execute
    from services.notifications.documents.slips import together
    from services.notifications.domain.slips import IssueSlips
    from shared.web.auth import Principal

    commune = the_commune(installation, commune)
    service = installation.notifications
    wish = IssueSlips(tasks=list(tasks), number=number, signed_by=signed_by, reply_by=reply_by, by=by)
    if by is None:
        documents = queries.slip_drafts(service, commune, wish)
    else:
        # The operator types it for the person named, who must be one that may issue slips.
        operator = Principal("operator/cli", commune, frozenset({"office"}))
        done = execute(service, operator, wish, commune=commune)
        documents = queries.slip_documents(service, commune, [slip["slip"] for slip in done.result])
    write(output, together(documents))
