"""Tokens: minted from this installation's own key; there are no passwords."""

from datetime import timedelta

import click

from cchc.cli.options import json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import as_json, fail
from cchc.served import address
from services.tasks.domain.context import canonical
from shared.journal import kinds, note
from shared.web.auth import ACTOR, COMMUNE, EVERY_COMMUNE, ROLES, WIDE_ROLES
from shared.web.keys import mint


@click.command("token")
@click.option("--commune", help="Mã xã trong hệ thống; khi nào cần: xem ở trên.")
@click.option("--staff", help="Mã cán bộ; vai trò lấy từ quyết định bổ nhiệm đang có hiệu lực.")
@click.option("--operator", help="Tên người vận hành, khi không phải cán bộ của xã.")
@click.option("--service", help="Tên dịch vụ đọc nhật ký (vai trò replicator).")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(sorted(ROLES)),
    metavar="VAI_TRÒ",
    help=f"Vai trò; lặp lại được: {', '.join(sorted(ROLES))}.",
)
@click.option("--hours", default=8, show_default=True, type=click.IntRange(1, 24 * 90), help="Thời hạn, giờ.")
@click.option("--link", is_flag=True, help="In liên kết đăng nhập một lần (15 phút) thay cho mã.")
@click.option("--url", help="Địa chỉ trang, dùng với --link (mặc định: CCHC_ORIGIN, hoặc nơi đã phục vụ lần cuối).")
@json_option
@with_installation
def token_command(
    installation: Installation,
    commune: str | None,
    staff: str | None,
    operator: str | None,
    service: str | None,
    roles: tuple[str, ...],
    hours: int,
    link: bool,
    url: str | None,
    json_output: bool,
) -> None:
    """Cấp mã truy cập cho một cán bộ, một người vận hành hoặc một dịch vụ.

    Mã chỉ có vai trò admin, messenger, replicator mà không ghi --commune thì dùng được cho mọi xã; vai trò khác của
    người vận hành, dịch vụ phải có --commune. Với cán bộ, không ghi thì là xã duy nhất.
    """
    staff = canonical(staff) if staff else None
    named = [
        f"{kind}/{name}" for kind, name in (("staff", staff), ("operator", operator), ("service", service)) if name
    ]
    if len(named) != 1:
        fail("Chọn đúng một trong --staff, --operator, --service.")
    [sub] = named
    if not ACTOR.fullmatch(sub):
        fail(f"{sub}: tên chỉ gồm chữ không dấu, số, dấu chấm, gạch ngang, gạch dưới; dài nhất 64.")
    if staff:
        commune = the_commune(installation, commune)
        in_post = set(installation.tasks.roles_of(commune, staff))
        if not in_post:
            fail(f"{staff} không giữ chức vụ nào ở {commune} hôm nay.")
        if not set(roles) <= in_post:
            fail(f"{staff} chỉ có vai trò: {', '.join(sorted(in_post))}.")
        granted = set(roles) or in_post
    else:
        granted = set(roles) or ({"replicator"} if service else {"admin"})
        commune = commune or EVERY_COMMUNE
        if commune == EVERY_COMMUNE and not granted <= WIDE_ROLES:
            fail(f"Vai trò {', '.join(sorted(granted - WIDE_ROLES))} cần --commune.")
        if commune != EVERY_COMMUNE and not COMMUNE.fullmatch(commune):
            fail(f"{commune} không phải mã xã: chỉ gồm chữ thường không dấu, số và gạch ngang.")
    if link:
        code = installation.sign_in_code(sub=sub, commune=commune, roles=granted)
        printed = {"link": f"{url or address(installation.settings)}/sign-in?code={code}"}
    else:
        lifetime = timedelta(hours=hours)
        detail: dict[str, str | int] = {"roles": " ".join(sorted(granted)), "hours": hours}
        note(installation.access_journal, commune, kinds.TOKEN_MINTED, [sub], detail)
        printed = {
            "token": mint(
                installation.minting_key(), sub=sub, commune=commune, roles=sorted(granted), lifetime=lifetime
            )
        }
    if json_output:
        as_json(printed | {"sub": sub, "commune": commune, "roles": sorted(granted)})
    else:
        click.echo(next(iter(printed.values())))
