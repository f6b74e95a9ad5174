"""What happens before the first page can be shown: schema, key, the demo year; and the lines that a person reads."""

from collections.abc import Iterator

from cchc.installation import Installation
from cchc.served import address as served_at
from cchc.served import remember
from cchc.settings import Settings
from shared.web.sign_in import issue_code, metadata

# The demo is looked at as the Office, which sees every task and every rating.
DEMO_COMMUNE, DEMO_STAFF = "tien-canh", "p14"


def prepare(settings: Settings, address: str, *, demo: bool) -> Iterator[str]:
    """Bring the data directory up to this release, and yield the lines to print. `address` is already taken."""
    installation = Installation(settings)
    try:
        installation.migrate()
        _ = installation.signing_key  # made at the first run, so that what is served later can check tokens
        if demo and not installation.tasks.log.heads():
            yield "Nạp dữ liệu mẫu: xã Tiên Cảnh, năm 2024 …"
            from demo.year import load

            load(settings)
        remember(settings, address)
        yield f"Phục vụ tại {address}"
        begin = served_at(settings)
        communes = installation.tasks.log.heads()
        if DEMO_COMMUNE in communes and (roles := installation.tasks.roles_of(DEMO_COMMUNE, DEMO_STAFF)):
            metadata.create_all(installation.engine("sign_in"))
            sub = f"staff/{DEMO_STAFF}"
            code = issue_code(installation.engine("sign_in"), sub=sub, commune=DEMO_COMMUNE, roles=roles)
            yield f"Đăng nhập một lần, trong 15 phút, với vai Văn phòng ({DEMO_STAFF}): {begin}/sign-in?code={code}"
        yield "Liên kết khác: cchc token --link --staff MÃ. Dừng: Ctrl+C."
    finally:
        installation.close()
