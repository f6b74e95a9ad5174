"""What Vietnamese search and order need of a PostgreSQL server, and of a database that is migrated."""

from sqlalchemy import Connection, Engine, text

from shared.eventlog.errors import ServerLacks

# Is it there? And what to do when not. initdb lists ICU's collations when the server was built with it.
OF_SERVER = {
    "SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')": (
        "Máy chủ PostgreSQL không có ICU nên không xếp được thứ tự tiếng Việt: dùng bản PostgreSQL dựng có ICU "
        "(gói của Debian, Ubuntu và ảnh postgres:15-bookworm có sẵn)."
    ),
    "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'unaccent')": (
        "Máy chủ PostgreSQL thiếu phần mở rộng unaccent nên không tìm được khi gõ không dấu: cài gói "
        "postgresql-contrib của đúng phiên bản máy chủ."
    ),
}
OF_DATABASE = {
    "SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'vietnamese' AND collprovider = 'i')": (
        "Cơ sở dữ liệu chưa có thứ tự tiếng Việt (collation vietnamese): chạy cchc migrate."
    ),
    "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'unaccent')": (
        "Cơ sở dữ liệu chưa bật unaccent: chạy cchc migrate."
    ),
}


def require_vietnamese(connection: Connection) -> None:
    """Raises ServerLacks where the server, a PostgreSQL one, cannot search and order Vietnamese."""
    if lacking := _lacking(connection, OF_SERVER):
        raise ServerLacks(" ".join(lacking))


def vietnamese_problems(engine: Engine) -> list[str]:
    """What is missing in the database of the service that searches and sorts, each with what to do. SQLite: nothing."""
    if engine.dialect.name != "postgresql":
        return []
    with engine.connect() as connection:
        return _lacking(connection, OF_SERVER) or _lacking(connection, OF_DATABASE)


def _lacking(connection: Connection, needs: dict[str, str]) -> list[str]:
    return [sentence for question, sentence in needs.items() if not connection.scalar(text(question))]
