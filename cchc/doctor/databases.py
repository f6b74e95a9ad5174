"""Databases of any kind: they answer and have the schema of this release; and what SQLite needs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from cchc.doctor.finding import Finding, failure, not_applicable, ok, warning
from cchc.installation import Installation
from cchc.services import SERVICES
from shared.eventlog import NO_COMMUNE, open_database, reading
from shared.eventlog.database import driver_of
from shared.eventlog.migrations import revisions
from shared.said import said_of

# A larger file is checked as far as this allows; `cchc verify` reads all of it.
QUICK_CHECK_S = 3.0


def reachable(installation: Installation) -> Iterator[Finding]:
    """Each database answers. A missing file is not made."""
    settings = installation.settings
    # In parallel, so that several servers that are away are waited for once.
    with ThreadPoolExecutor() as pool:
        answers = dict(zip(settings.databases, pool.map(_problem, settings.databases.values()), strict=True))
    # The database of sign-in links is made when the first person signs in.
    missing = [sqlite_file(settings.databases[name]) for name in SERVICES if answers[name] == NO_FILE]
    answered = [name for name, problem in answers.items() if problem is None]
    for name, problem in answers.items():
        if problem not in (None, NO_FILE):
            yield failure(f"{name} {problem}", f"khởi động máy chủ, hoặc sửa CCHC_DATABASE_{name.upper()}")
    if missing and not answered:
        yield warning(f"chưa có cơ sở dữ liệu trong {settings.data}: chưa chạy lần đầu", "cchc migrate")
    elif missing:
        yield failure(f"không còn {', '.join(map(str, missing))}", "dừng cchc, khôi phục các tệp này từ bản sao lưu")
    if answered:
        yield ok(", ".join(answered))


NO_FILE = "chưa có tệp"


def _problem(url: str) -> str | None:
    """Why a database cannot be used, without its password."""
    try:
        shown = make_url(url).render_as_string(hide_password=True)
        file = sqlite_file(url)
        if file and not file.exists():
            return NO_FILE
        engine = open_database(url)
        try:
            with reading(engine, NO_COMMUNE) as connection:
                connection.execute(text("SELECT 1"))
        finally:
            engine.dispose()
    except ArgumentError:
        return "không có địa chỉ đúng dạng"
    except DBAPIError as error:
        return f"({shown}) không trả lời: {said_of(error).splitlines()[0]}"
    return None


def sqlite_file(url: str) -> Path | None:
    parts = make_url(url)
    return Path(parts.database) if parts.get_backend_name() == "sqlite" and parts.database else None


def migrations(installation: Installation) -> Iterator[Finding]:
    at = []
    for service, descriptor in SERVICES.items():
        current, known = revisions(installation.engine(service), descriptor.migrations)
        if current == {known[0]}:
            at.append(f"{service} {known[0]}")
        elif current <= set(known):
            there = ", ".join(current) or "chưa có bảng nào"
            yield failure(f"{service}: {there}; bản này cần {known[0]}", "cchc migrate")
        else:
            yield failure(
                f"{service} ở lược đồ {', '.join(current)}, mới hơn bản cchc này ({known[0]})", "cập nhật cchc"
            )
    if at:
        yield ok(", ".join(at))


def sqlite(installation: Installation) -> Iterator[Finding]:
    """The settings that a connection really has: some file systems refuse write-ahead logging without an error."""
    settings = installation.settings
    files = {name: file for name in SERVICES if (file := sqlite_file(settings.databases[name]))}
    if not files:
        yield not_applicable("không dùng SQLite")
        return
    sizes = []
    for service, file in files.items():
        yield from _journal(installation.engine(service), file)
        yield from _quick_check(installation.engine(service), file)
        sizes.append(f"{file.name} {file.stat().st_size / 1024**2:.1f} MiB")
    readable = [file for file in files.values() if file.stat().st_mode & 0o004 and file.parent.stat().st_mode & 0o005]
    if readable:
        folders = " ".join(dict.fromkeys(str(file.parent) for file in readable))
        yield warning(f"mọi người dùng của máy đọc được {', '.join(map(str, readable))}", f"chmod 700 {folders}")
    yield ok(f"WAL, synchronous=FULL; {', '.join(sizes)}")


def _journal(engine: Engine, file: Path) -> Iterator[Finding]:
    with reading(engine, NO_COMMUNE) as connection:
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    if journal != "wal":
        yield failure(
            f"{file}: journal_mode={journal}, phải là wal", f"đặt {file.parent} trên ổ đĩa của máy, không phải ổ mạng"
        )
    if synchronous != 2:
        yield failure(f"{file}: synchronous={synchronous}, phải là 2 (FULL)", "khởi động lại cchc")


def _quick_check(engine: Engine, file: Path) -> Iterator[Finding]:
    end = time.monotonic() + QUICK_CHECK_S
    with reading(engine, NO_COMMUNE) as connection:
        driver = driver_of(connection)
        driver.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        try:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        except SQLAlchemyError as error:
            said = None if time.monotonic() > end else said_of(error.__cause__ or error)
        finally:
            driver.set_progress_handler(None, 0)
    if said not in (None, "ok"):
        yield failure(f"{file} hỏng: {said}", "dừng cchc, khôi phục từ bản sao lưu, rồi cchc verify")
