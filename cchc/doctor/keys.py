"""The secrets: private keys that only their owner may read, and the public keys that others check against."""

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cchc.doctor.finding import Finding, failure, not_applicable, ok, warning
from cchc.installation import Installation
from shared.eventlog.checkpoints import key_id, public_keys
from shared.events import VIETNAM
from shared.keys import read_private_key
from shared.web.keys import KeySetUnavailable, keys_at, load_key

# NIST SP 800-57 Part 1, 5.3.6: a private signature key is used for one to three years.
OLDEST_KEY_S = 3 * 365 * 24 * 3600


def signing(installation: Installation) -> Iterator[Finding]:
    """The key that tokens are minted with, and the key set that they are checked against."""
    settings = installation.settings
    path = settings.private_key
    if not path.exists():
        if settings.keys_are_elsewhere:
            yield not_applicable(f"tiến trình này chỉ kiểm tra theo {settings.keys}, không cấp mã truy cập")
        else:
            yield warning(f"chưa có {path}", "cchc migrate")
        return
    try:
        key = load_key(path)
    except (OSError, ValueError) as error:
        yield failure(f"không đọc được {path}: {error}", f"khôi phục {path} từ bản sao lưu")
        return
    yield from _file(path, "đổi khóa: cất tệp này đi rồi chạy cchc token")
    try:
        keys_at(settings.keys)(key.kid)
    except KeySetUnavailable:
        yield failure(
            f"không đọc được bộ khóa công khai {settings.keys}: không ai đăng nhập được",
            "đặt CCHC_KEYS đúng tệp hoặc địa chỉ" if settings.keys_are_elsewhere else "cchc migrate",
        )
    except KeyError:
        yield failure(
            f"bộ khóa {settings.keys} không có khóa {key.kid}: mã truy cập cấp từ đây bị từ chối",
            f"chép nửa công khai ({path.with_name('public.json')}) vào {settings.keys}"
            if settings.keys_are_elsewhere
            else "cchc migrate",
        )
    else:
        yield ok(f"khóa cấp mã truy cập {key.kid[:12]}…, có trong {settings.keys}")


def checkpoints(installation: Installation) -> Iterator[Finding]:
    """The key that logs are signed with, and its public half."""
    settings = installation.settings
    path, folder = settings.checkpoint_key, settings.checkpoint_keys
    try:
        public = public_keys(folder)
    except (OSError, ValueError) as error:
        yield failure(f"không đọc được {folder}: {error}", f"bỏ tệp không phải khóa khỏi {folder}")
        return
    if not path.exists():
        yield warning(f"chưa có {path}: nhật ký chưa được ký", "cchc checkpoint key")
        return
    try:
        ours = key_id(read_private_key(path).public_key())
    except (OSError, ValueError) as error:
        yield failure(f"không đọc được {path}: {error}", f"khôi phục {path} từ bản sao lưu")
        return
    yield from _file(path, "đổi khóa: cất tệp này đi, khóa mới được tạo ở lần ký sau; giữ nguyên khóa công khai cũ")
    if ours in public:
        yield ok(f"khóa ký điểm chốt {ours}; {len(public)} khóa công khai trong {folder}")
    else:
        yield failure(f"{folder} không có {ours}.pem: điểm chốt không kiểm tra được", "cchc checkpoint key")


def _file(path: Path, renew: str) -> Iterator[Finding]:
    """What is wrong with a private key's file."""
    there = path.stat()
    mode = stat.S_IMODE(there.st_mode)
    if mode & 0o077:
        yield failure(f"{path} có quyền {mode:04o}: người khác trên máy đọc được", f"chmod 600 {path}")
    if there.st_uid != os.geteuid() and os.geteuid() != 0:
        yield warning(
            f"{path} thuộc người dùng số {there.st_uid}, không phải {os.geteuid()}", f"chown {os.geteuid()} {path}"
        )
    if time.time() - there.st_mtime > OLDEST_KEY_S:
        made = datetime.fromtimestamp(there.st_mtime, UTC).astimezone(VIETNAM)
        yield warning(f"{path} dùng từ {made:%d/%m/%Y}, đã quá 3 năm", renew)


def repository(installation: Installation) -> Iterator[Finding]:
    """The next `git add` takes no keys and no data."""
    data = installation.settings.data
    work_tree = next((folder for folder in data.parents if (folder / ".git").exists()), None)
    if work_tree is None:
        yield ok(f"{data} nằm ngoài mọi kho mã nguồn")
        return
    try:
        asked = subprocess.run(
            ["git", "-C", str(work_tree), "check-ignore", "--quiet", str(data / "keys")],
            capture_output=True,
            timeout=5,
            check=False,
        )
    except FileNotFoundError:
        yield warning(f"{data} nằm trong kho mã nguồn {work_tree}", "đặt CCHC_DATA ra ngoài kho mã nguồn")
        return
    if asked.returncode == 0:
        yield ok(f"{data} nằm trong kho mã nguồn {work_tree} và được .gitignore bỏ qua")
    else:
        yield failure(
            f"{data} nằm trong kho mã nguồn {work_tree}: khóa và dữ liệu có thể bị đưa lên",
            f"đặt CCHC_DATA ra ngoài, hoặc: echo '/{data.relative_to(work_tree)}/' >> {work_tree / '.gitignore'}",
        )
