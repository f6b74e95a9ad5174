"""What happens before the first page can be shown: schema, key, the demo year; and the lines that a person reads."""

from collections.abc import Iterator

from cchc.data_lock import first_run
from cchc.installation import Installation
from cchc.served import address as served_at
from cchc.served import remember
from cchc.settings import Settings

# The demo is looked at as the Office, which sees every task and every rating.
DEMO_COMMUNE, DEMO_STAFF = "tien-canh", "p14"


def prepare(settings: Settings, address: str, *, demo: bool) -> Iterator[str]:
    """Bring the data directory up to this release, and yield the lines to print. `address` is already taken.

    A link that signs in is printed only by the start that loads the demo, into an empty folder: what is printed at
    every start ends up in logs, and a folder that was there before may hold a real commune.
    """
    installation = Installation(settings)
    try:
        with first_run(settings.data):
            installation.migrate()
            _ = installation.signing_key  # made at the first run, so that what is served later can check tokens
            loads = demo and not installation.tasks.log.heads()
            if loads:
                yield "Nạp dữ liệu mẫu: xã Tiên Cảnh, năm 2024 …"
                from demo.year import load

                load(settings)
        remember(settings, address)
        yield f"Phục vụ tại {address}"
        if loads:
            roles = installation.tasks.roles_of(DEMO_COMMUNE, DEMO_STAFF)
            code = installation.sign_in_code(sub=f"staff/{DEMO_STAFF}", commune=DEMO_COMMUNE, roles=roles)
            link = f"{served_at(settings)}/sign-in?code={code}"
            yield f"Đăng nhập một lần, trong 15 phút, với vai Văn phòng ({DEMO_STAFF}): {link}"
        example = DEMO_STAFF if demo and DEMO_COMMUNE in installation.tasks.log.heads() else "MÃ"
        yield f"Liên kết {'khác' if loads else 'đăng nhập'}: cchc token --link --staff {example}. Dừng: Ctrl+C."
    finally:
        installation.close()
