"""PostgreSQL: its version and settings, roles, row-level security, the append-only log, collation, connections."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.pool import QueuePool

from cchc.doctor.finding import Finding, failure, not_applicable, ok, warning
from cchc.installation import Installation
from cchc.services import SERVICES
from shared.eventlog import NO_COMMUNE, reading
from shared.eventlog.security import unsecured

OLDEST = 15
# Without one of these an acknowledged commit can be lost.
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")

SECURE = "cchc migrate"  # it secures the tables again each time
CREATE_ROLES = "cchc databases, rồi cchc migrate"

# Gap → what to say of it, and what fixes it.
GAPS = {
    "function": ("không có hàm current_commune()", SECURE),
    "security": ("bảng {table} chưa bật cách ly", SECURE),
    "force": ("bảng {table} không ràng buộc chủ sở hữu (FORCE)", SECURE),
    "policy": ("bảng {table} không có chính sách own_commune", SECURE),
    "open": ("chính sách {policy} mở bảng {table} cho mọi xã", "psql {database} -c 'DROP POLICY {policy} ON {table}'"),
}

# The name of a service, and a connection to its database.
Look = Callable[[str, Connection], Iterator[Finding]]


def each_database(said: str, of: Sequence[str] | None = None) -> Callable[[Look], Callable[[Installation], Any]]:
    """Look at the databases of these services (default: all) where they are on PostgreSQL; `said` when all is well."""

    def decorate(look: Look) -> Callable[[Installation], Iterator[Finding]]:
        @wraps(look)
        def every(installation: Installation) -> Iterator[Finding]:
            here = [name for name in of or SERVICES if installation.engine(name).dialect.name == "postgresql"]
            if not here:
                yield not_applicable("không dùng PostgreSQL")
                return
            found: list[Finding] = []
            for name in here:
                with reading(installation.engine(name), NO_COMMUNE) as connection:
                    found += look(name, connection)
            yield from found
            if all(each.state == "ok" for each in found):
                yield ok(f"{', '.join(here)}: {said}")

        return every

    return decorate


@each_database(", ".join(f"{name}=on" for name in DURABLE))
def server(name: str, connection: Connection) -> Iterator[Finding]:
    """Its version, and the settings that make a commit durable."""
    version = connection.execute(text("SHOW server_version")).scalar_one()
    size = connection.execute(text("SELECT pg_size_pretty(pg_database_size(current_database()))")).scalar_one()
    if int(version.split(".")[0]) < OLDEST:
        yield failure(f"{name}: PostgreSQL {version}, cần từ {OLDEST}", f"nâng cấp lên PostgreSQL {OLDEST} trở lên")
    else:
        yield ok(f"{name}: PostgreSQL {version}, {size}")
    for setting in DURABLE:
        value = connection.execute(text(f"SHOW {setting}")).scalar_one()
        if value not in ("on", "remote_apply"):
            fix = f"psql -c 'ALTER SYSTEM SET {setting} = on' -c 'SELECT pg_reload_conf()' (bằng quyền quản trị)"
            yield failure(f"{name}: {setting}={value}: mất điện có thể mất việc đã báo là ghi xong", fix)


@each_database("không phải quản trị, không sở hữu bảng")
def roles(name: str, connection: Connection) -> Iterator[Finding]:
    """The role that connects is bound by row-level security, and cannot remove it."""
    row = connection.execute(_ROLE).one()
    if row.rolsuper:
        yield failure(f"{name}: {row.rolname} là quản trị (superuser), không bị ràng buộc theo xã", CREATE_ROLES)
    elif row.rolbypassrls:
        yield failure(f"{name}: {row.rolname} có BYPASSRLS", f"psql -c 'ALTER ROLE {row.rolname} NOBYPASSRLS'")
    elif row.owned:
        yield warning(f"{name}: {row.rolname} sở hữu {row.owned} bảng, tự bỏ được ràng buộc", CREATE_ROLES)


@each_database("mọi bảng có xã đều cách ly (FORCE ROW LEVEL SECURITY)")
def row_security(name: str, connection: Connection) -> Iterator[Finding]:
    """On every table that carries a commune, for its owner too, by `current_commune()`."""
    for gap in unsecured(connection):
        said, fix = GAPS[gap.lacks]
        words = {**gap._asdict(), "database": name}
        yield failure(f"{name}: {said.format(**words)}", fix.format(**words))


@each_database("trigger chặn sửa, xóa; vai trò web chỉ thêm và đọc")
def append_only(name: str, connection: Connection) -> Iterator[Finding]:
    """The triggers exist and are on, and the role of the web processes lacks the privilege as well."""
    on = set(connection.execute(_TRIGGERS).scalars())
    for trigger in ("events_append_only", "events_never_truncated"):
        if trigger not in on:
            yield failure(f"{name}: trigger {trigger} không còn hoặc đang tắt", "khôi phục từ bản sao lưu; cchc verify")
    for role, privilege in connection.execute(_MAY_CHANGE, {"role": f"{name}_server"}):
        yield failure(f"{name}: {role} có quyền {privilege} trên events", SECURE)


@each_database("thứ tự tiếng Việt (ICU), tìm không dấu (unaccent)", of=("tasks",))
def collation(name: str, connection: Connection) -> Iterator[Finding]:
    """What titles are searched and names are sorted by."""
    if not connection.scalar(_COLLATION):
        fix = f"psql {name} -c \"CREATE COLLATION vietnamese (provider = icu, locale = 'vi-VN')\""
        yield failure(f"{name}: không có thứ tự “vietnamese” (ICU): không xếp được tên", fix)
    if not connection.scalar(_UNACCENT):
        yield failure(
            f"{name}: không có unaccent: không tìm được nhiệm vụ", f"psql {name} -c 'CREATE EXTENSION unaccent'"
        )


def connections(installation: Installation) -> Iterator[Finding]:
    """The server of the tasks database has room for one more process with its pool."""
    engine = installation.engine("tasks")
    if engine.dialect.name != "postgresql":
        yield not_applicable("không dùng PostgreSQL")
        return
    pool = engine.pool.size() + engine.pool._max_overflow if isinstance(engine.pool, QueuePool) else 1
    with reading(engine, NO_COMMUNE) as connection:
        used, most = connection.execute(_CONNECTIONS).one()
    said = f"{used} trong {most} kết nối, mỗi tiến trình thêm nhiều nhất {pool} cho mỗi cơ sở dữ liệu"
    if used + pool > most:
        yield warning(said, f"psql -c 'ALTER SYSTEM SET max_connections = {2 * most}', rồi khởi động lại PostgreSQL")
    else:
        yield ok(said)


_ROLE = text("""
    SELECT rolname, rolsuper, rolbypassrls, (
        SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
        AND pg_has_role(current_user, relowner, 'USAGE')
    ) AS owned FROM pg_roles WHERE rolname = current_user
""")
_TRIGGERS = text("SELECT tgname FROM pg_trigger WHERE tgrelid = 'events'::regclass AND tgenabled IN ('O', 'A')")
_MAY_CHANGE = text("""
    SELECT rolname, privilege FROM pg_roles, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
    WHERE rolname = :role AND has_table_privilege(pg_roles.oid, 'events', privilege)
""")
_COLLATION = text("SELECT count(*) FROM pg_collation WHERE collname = 'vietnamese' AND collprovider = 'i'")
_UNACCENT = text("SELECT count(*) FROM pg_extension WHERE extname = 'unaccent'")
_CONNECTIONS = text(
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
    " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
)
