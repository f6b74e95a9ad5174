"""The address that an installation is served at: taken before anything is promised, and remembered for later links."""

import errno
import ipaddress
import socket
from collections.abc import Callable

from cchc.settings import Settings
from shared.files import replace_file

# The address that browsers use when no other was configured or remembered.
DEFAULT = "http://127.0.0.1:8080"
FILE = "served-at"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what may be asked for, not what is bound


class CannotServe(Exception):
    """The address cannot be taken. Says why, and what to do."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        super().__init__(_WHY.get(error.errno or 0, _other)(host, port, error))


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; port 0 stands for any free one. Raises CannotServe."""
    host = host.strip("[]")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # `::` is every address of the machine, those of IPv4 too.
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, dualstack_ipv6=both)
    except OSError as error:
        raise CannotServe(host, port, error) from error


def address_of(listener: socket.socket) -> str:
    """What a browser on this machine opens."""
    host, port = listener.getsockname()[:2]
    host = EVERYWHERE.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_loopback(listener: socket.socket) -> bool:
    """Can only this machine connect?"""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def remember(settings: Settings, address: str) -> None:
    """Links that are printed from now on lead there."""
    replace_file(settings.data / FILE, f"{address}\n".encode())


def remembered(settings: Settings) -> str | None:
    """The address that browsers use, as far as it is known: of the proxy, or where it was last served."""
    if settings.origin:
        return settings.origin.rstrip("/")
    try:
        return (settings.data / FILE).read_text("utf-8").strip() or None
    except OSError:
        return None


def address(settings: Settings) -> str:
    """What a printed link begins with."""
    return remembered(settings) or DEFAULT


def _in_use(host: str, port: int, _: OSError) -> str:
    another = port + 1 if port < 65535 else port - 1
    return (
        f"Cổng {port} của {host} đang có chương trình khác dùng (xem: ss -ltnp 'sport = :{port}'). Dừng nó,"
        f" hoặc chọn cổng khác: --bind {host}:{another}"
    )


def _forbidden(host: str, port: int, _: OSError) -> str:
    return f"Không được mở cổng {port}: cổng dưới 1024 cần quyền quản trị. Chọn cổng khác: --bind {host}:8080"


def _other(host: str, port: int, error: OSError) -> str:
    return f"Không mở được {host}:{port}: {error.strerror}. Ghi --bind 127.0.0.1:8080, hoặc một địa chỉ của máy này."


_WHY: dict[int, Callable[[str, int, OSError], str]] = {errno.EADDRINUSE: _in_use, errno.EACCES: _forbidden}
