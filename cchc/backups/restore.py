"""Restoring: backup and tail are put together out of sight, and only complete databases take the place of present ones.

Present data is set aside, never removed. A restore that was interrupted has replaced no database or whole ones, each
of which holds all that the one before it held of its own log; running it again finishes it.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from cchc.backups.archive import CHECKPOINT_KEYS, EVIDENCE, OWNER_KEYS, Archive, Damaged, UnknownFormat
from cchc.backups.tables import read_tables, write_rows
from cchc.backups.tail import TOPIC, Grown, HolderAway, Topic, fetch_tail, rebuild_own_tables
from cchc.backups.tail import take_over as take_over_log
from cchc.backups.take import sync_folder
from cchc.data_lock import lock
from cchc.personal_data import ERASED, erase_again, keep_no_statistics
from cchc.services import SERVICES
from cchc.settings import Settings
from services.tasks.evidence import UPLOADS, path_of, write_whole
from shared.eventlog import EVERY_COMMUNE, Busy, Log, open_database, reading, utcnow, writing
from shared.eventlog.database import driver_of, run
from shared.eventlog.kafka import KafkaBroker
from shared.eventlog.migrations import migrate, revisions, upgrade
from shared.eventlog.seals import Keys, KeysInFolder
from shared.eventlog.security import secure
from shared.journal import Entry, communes_of, end_of, entries, kinds, note, take_over
from shared.keys import PublicKeys, key_id, read_public_key

Say = Callable[[str], None]


class StillConnected(Exception):
    """Other sessions are at work in a PostgreSQL database: `services` names it, `users` whose they are."""

    def __init__(self, service: str, users: Collection[str]) -> None:
        super().__init__(f"{service} ({', '.join(users)})")


class Restored(msgspec.Struct, frozen=True):
    """`holders`: log → who else holds any of it; `aside`: where the data of before are now; `keys`:
    public keys that could not be put in their place; `erased`: service → rows that the backup had and that were erased
    after it; None where no journal says what was; `rejected`: log → records of its topic that its service did not
    publish."""

    logs: list[Grown]
    holders: dict[str, list[str]]
    aside: list[str]
    keys: list[str]
    erased: dict[str, int | None] = {}
    rejected: dict[str, int] = {}


def restore_backup(
    settings: Settings,
    archive: Archive,
    services: Sequence[str] | None = None,
    without: Collection[str] = (),
    say: Say = lambda _: None,
    *,
    trusting: bool = False,
) -> Restored:
    """Put the databases of these services (default: all), and all evidence, back as the archive has them, with what is
    known of their logs beyond it. `without` names holders of the tail (services, or `topic`) that are lost for good;
    `trusting` takes from topics what no seal vouches for.

    Raises Damaged, UnknownFormat, DataInUse, StillConnected, HolderAway, Contradiction, NotSealed; then every
    database is as it was, or complete.
    """
    chosen = services or [*SERVICES]
    with ExitStack() as stack:
        stack.callback(os.close, lock(settings.data, alone=True))
        say("kiểm tra tệp sao lưu")
        archive.verify()
        targets = {
            service: stack.enter_context(_locked(service, settings.owners[service]))
            for service in chosen
            if not _is_sqlite(settings.owners[service])
        }
        built = {service: stack.enter_context(_scratch(settings, service)) for service in chosen}
        for service, engine in built.items():
            say(f"nạp {service}")
            _load(archive, service, engine)
        say("lấy phần ghi sau bản sao lưu")
        with _present(settings, without) as present:
            topic = _topic(settings, without, _keys_of(archive), trusting=trusting)
            logs, holders, rejected = _fetch_tails(built, present, topic)
            erased = {
                service: _keep_journal(service, present.get(service), engine, archive.manifest.taken_at, say)
                for service, engine in built.items()
            }
        _fill_replicas(built, [*archive.manifest.databases])
        say("chép minh chứng")
        _restore_files(archive, EVIDENCE, settings.evidence)
        stamp = f"{utcnow():%Y%m%dT%H%M%SZ}"
        aside = []
        # Consumers first, as they were backed up; but in whichever order an interruption leaves them, they fit.
        for service in reversed(SERVICES):
            if service in built:
                say(f"đưa {service} vào dùng")
                if service in targets:
                    aside += _swap_schema(targets[service], built[service], service, stamp)
                else:
                    aside += _swap_files(_file(settings.owners[service]), built[service], stamp)
        if "tasks" in built:
            _remove_erased_files(settings, archive.manifest.taken_at)
        return Restored(logs, holders, aside, _restore_keys(archive, settings), erased, rejected)


def restore_tail(
    settings: Settings,
    services: Sequence[str] | None = None,
    without: Collection[str] = (),
    *,
    trusting: bool = False,
) -> Restored:
    """Fetch only the tail, for databases that were brought back by other means.

    Raises DataInUse, StillConnected, HolderAway, Contradiction, NotSealed; what was taken before is kept.
    """
    chosen = services or [*SERVICES]
    with ExitStack() as stack:
        stack.callback(os.close, lock(settings.data, alone=True))
        for service in chosen:
            if not _is_sqlite(settings.owners[service]):
                with _locked(service, settings.owners[service]):
                    pass
        engines = {service: open_database(settings.owners[service]) for service in chosen}
        for engine in engines.values():
            stack.callback(engine.dispose)
        with _present(settings, without) as present:
            others = {name: engine for name, engine in present.items() if name not in engines}
            topic = _topic(settings, without, {}, trusting=trusting)
            logs, holders, rejected = _fetch_tails(engines, others | engines, topic)
        for engine in engines.values():
            note(engine, EVERY_COMMUNE, kinds.TAIL_TAKEN)
        return Restored(logs, holders, [], [], dict.fromkeys(chosen), rejected)


# The tail


def _topic(
    settings: Settings, without: Collection[str], archived: Mapping[str, PublicKeys], *, trusting: bool
) -> Topic | None:
    """Seals are checked against the keys that are here and those of the archive: on a new host there are no others."""
    if TOPIC in without or not settings.kafka:
        return None

    def keys(service: str) -> Keys:
        here, there = KeysInFolder(settings.owner_keys / service), archived.get(service, {})
        return lambda id_: here(id_) or there.get(id_)

    return Topic(KafkaBroker(settings.kafka), keys, trusting)


def _keys_of(archive: Archive) -> dict[str, dict[str, Ed25519PublicKey]]:
    """Raises Damaged."""
    found: dict[str, dict[str, Ed25519PublicKey]] = {}
    for name in archive.names(OWNER_KEYS):
        service = name.removeprefix(OWNER_KEYS).partition("/")[0]
        try:
            key = read_public_key(b"".join(archive.read(name)))
        except ValueError as error:
            raise Damaged(f"{name} không phải khóa công khai") from error
        found.setdefault(service, {})[key_id(key)] = key
    return found


def _fetch_tails(
    logs: Mapping[str, Engine], databases: Mapping[str, Engine], topic: Topic | None
) -> tuple[list[Grown], dict[str, list[str]], dict[str, int]]:
    grown: list[Grown] = []
    holders: dict[str, list[str]] = {}
    rejected: dict[str, int] = {}
    for service, engine in logs.items():
        others = {name: database for name, database in databases.items() if database is not engine}
        of_service, holders[service], rejected[service] = fetch_tail(Log(engine, service), others, topic)
        rebuild_own_tables(service, engine, [each.commune for each in of_service if each.taken])
        grown += of_service
    return grown, holders, {service: count for service, count in rejected.items() if count}


def _keep_journal(service: str, present: Engine | None, built: Engine, taken_at: str, say: Say) -> int | None:
    """The journal of before goes on in the restored database, with a row for the restore: an older one never takes its
    place unseen. Where the two differ, a row says where the one that is set aside ended.

    What it says was erased after the backup is erased again: returns how many rows, None where it cannot be known.
    """
    detail: dict[str, str | int] = {"taken_at": taken_at}
    if present is None or not _keeps_journal(present):
        say(f"không còn sổ truy vết {service} của dữ liệu đang có: sổ đi tiếp từ bản sao lưu")
        note(built, EVERY_COMMUNE, kinds.BACKUP_RESTORED, (), detail | {"journal": "of the backup"})
        return None
    erased, known = 0, True
    for commune in communes_of(present):
        of_backup = end_of(built, commune).number
        if take_over(present, built, commune) is None:
            say(f"sổ truy vết {service}/{commune} khác bản sao lưu: dòng của nó ở lại trong dữ liệu cất sang bên")
            number, digest = end_of(present, commune)
            aside: dict[str, str | int] = {"aside_rows": number, "aside_hash": digest}
            note(built, commune, kinds.JOURNAL_LEFT, (), {"taken_at": taken_at} | aside)
            known = False
            continue
        since = [entry for entry in _rows_after(built, commune, of_backup) if entry.kind in ERASED]
        with writing(built, commune) as connection:
            erased += erase_again(connection, commune, since)
    note(built, EVERY_COMMUNE, kinds.BACKUP_RESTORED, (), detail | {"journal": "of before", "erased_again": erased})
    return erased if known else None


def _rows_after(engine: Engine, commune: str, number: int) -> Iterator[Entry]:
    before = None
    while found := [entry for entry in entries(engine, commune, before=before) if entry.number > number]:
        yield from found
        before = found[-1].number


def _remove_erased_files(settings: Settings, taken_at: str) -> None:
    """Files came back from the archive by their hash: evidence that no row names any more was erased; so were uploads,
    all of a commune's at once, when its journal says so after the backup."""
    engine = open_database(settings.owners["tasks"])
    try:
        with reading(engine, EVERY_COMMUNE) as connection:
            named = {(commune, sha256) for commune, sha256 in run(connection, _EVIDENCE)}
            rows = [(commune, entry) for commune in communes_of(engine) for entry in _rows_after(engine, commune, 0)]
    finally:
        engine.dispose()
    for commune, entry in rows:
        if entry.kind == kinds.EVIDENCE_ERASED.code:
            sha256 = entry.about[1].partition("/")[2]
            if (commune, sha256) not in named:
                path_of(settings.evidence / commune, sha256).unlink(missing_ok=True)
        elif entry.kind == kinds.UPLOADS_ERASED.code and entry.time >= taken_at:
            shutil.rmtree(settings.evidence / commune / UPLOADS, ignore_errors=True)


_EVIDENCE = "SELECT commune, sha256 FROM evidence_files"


def _keeps_journal(present: Engine) -> bool:
    with reading(present, EVERY_COMMUNE) as connection:
        return inspect(connection).has_table("journal")


@contextmanager
def _present(settings: Settings, without: Collection[str]) -> Iterator[dict[str, Engine]]:
    """The databases as they are now, of which any may hold what a backup does not: own logs and replicas."""
    found: dict[str, Engine] = {}
    try:
        for service in SERVICES:
            url = settings.owners[service]
            if service in without or (_is_sqlite(url) and not _file(url).exists()):
                continue
            engine = open_database(url)
            try:
                with reading(engine, EVERY_COMMUNE) as connection:
                    holds_logs = inspect(connection).has_table("heads")
            except SQLAlchemyError as error:
                engine.dispose()
                raise HolderAway(service, getattr(error, "orig", None) or error) from error
            if holds_logs:
                found[service] = engine
        yield found
    finally:
        for engine in found.values():
            engine.dispose()


def _fill_replicas(built: Mapping[str, Engine], services: Collection[str]) -> None:
    """Bring the replicas of restored consumers up to the logs restored with them: half a replica is never read."""
    for service, engine in built.items():
        for source in services:
            held = Log(engine, source)
            if source == service or source not in built or not held.heads():
                continue
            owners, broken = Log(built[source], source), held.broken()
            for commune in owners.heads().keys() - broken.keys():
                take_over_log(service, owners, held, commune)


# Building out of sight


@contextmanager
def _scratch(settings: Settings, service: str) -> Iterator[Engine]:
    """An empty SQLite file that becomes the service's database, beside the one it replaces; or is copied into it,
    then in the data folder."""
    url = settings.owners[service]
    place = _file(url) if _is_sqlite(url) else settings.data / f"{service}.db"
    path = place.with_name(f"{place.name}.restoring")
    _remove(path)
    engine = open_database(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()
        _remove(path)


def _load(archive: Archive, service: str, engine: Engine) -> None:
    if service not in archive.manifest.databases:
        raise Damaged(f"không có dữ liệu của {service}")
    database = archive.manifest.databases[service]
    _, known = revisions(engine, SERVICES[service].migrations)
    if database.revision not in known:
        raise UnknownFormat(f"lược đồ {database.revision} của {service}")
    migrate(engine, SERVICES[service].migrations, database.revision)
    with writing(engine, EVERY_COMMUNE) as connection:
        for name, table in database.tables.items():
            write_rows(connection, name, table.columns, archive.rows(service, name))
    migrate(engine, SERVICES[service].migrations)


def _restore_files(archive: Archive, prefix: str, folder: Path) -> None:
    """Files that are there already stay: their names say what they hold."""
    for name in archive.names(prefix):
        path = folder / name.removeprefix(prefix)
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Damaged(f"{name} nằm ngoài thư mục của nó")
        if not path.exists():
            write_whole(path, archive.read(name))


def _restore_keys(archive: Archive, settings: Settings) -> list[str]:
    """Returns the keys that could not be written, where a folder is read-only: old checkpoints and topics need them."""
    lacking = []
    for prefix, folder in ((CHECKPOINT_KEYS, settings.checkpoint_keys), (OWNER_KEYS, settings.owner_keys)):
        try:
            _restore_files(archive, prefix, folder)
        except OSError:
            lacking += archive.names(prefix)
    return lacking


# SQLite


def _swap_files(path: Path, engine: Engine, stamp: str) -> list[str]:
    """The file that was built takes the place of the present one in one step."""
    built = _file(str(engine.url))
    with reading(engine, EVERY_COMMUNE) as connection:
        waiting, *_ = driver_of(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if waiting:
        raise Busy(f"{built} is open elsewhere")
    engine.dispose()
    aside = path.with_name(f"before-restore-{stamp}")
    # Left by a process that was killed, and not merged when its database was read: it must never meet another file.
    for ending in ("-wal", "-shm"):
        if (left := Path(f"{path}{ending}")).exists():
            aside.mkdir(exist_ok=True)
            left.rename(aside / left.name)
    if path.exists():
        aside.mkdir(exist_ok=True)
        (aside / path.name).hardlink_to(path)
    built.replace(path)
    sync_folder(path.parent)
    return [str(aside / path.name)] if aside.exists() else []


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _file(url: str) -> Path:
    return Path(make_url(url).database or "")


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


# PostgreSQL


@contextmanager
def _locked(service: str, url: str) -> Iterator[Connection]:
    """A transaction without other writers: no other session is in the database now, and one that comes waits.

    Raises StillConnected.
    """
    engine = open_database(url)
    try:
        with engine.connect() as connection:
            if users := connection.execute(_OTHERS).scalars().all():
                raise StillConnected(service, sorted(set(users)))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            # A reader that came after us has as long to end as a person would wait.
            connection.execute(text("SET LOCAL lock_timeout = '30s'"))
            quote = connection.dialect.identifier_preparer.quote_identifier
            if tables := inspect(connection).get_table_names():
                try:
                    # Reading goes on, also our own of the tail; every command takes a lock that has to wait.
                    connection.execute(text(f"LOCK TABLE {', '.join(map(quote, tables))} IN EXCLUSIVE MODE NOWAIT"))
                except OperationalError as error:
                    raise StillConnected(service, [str(error.orig)]) from error
            yield connection
    finally:
        engine.dispose()


def _swap_schema(connection: Connection, built: Engine, service: str, stamp: str) -> list[str]:
    """In one transaction, that of the lock: what is there moves to a schema of its own, what was built comes in."""
    aside = f"before_restore_{stamp.lower()}"
    moves = connection.execute(_MOVES, {"aside": aside}).scalars().all()
    if moves:
        connection.execute(text(f"CREATE SCHEMA {aside}"))
        for move in moves:
            connection.execute(text(move))
    upgrade(connection, SERVICES[service].migrations)
    with reading(built, EVERY_COMMUNE) as source:
        for table, (columns, rows) in read_tables(source).items():
            write_rows(connection, table, columns, rows)
    secure(connection, service)
    keep_no_statistics(connection)
    connection.commit()
    return [f"{service}: schema {aside}"] if moves else []


def set_aside(engine: Engine) -> list[str]:
    """The schemas that restores moved what was there to."""
    if engine.dialect.name == "sqlite":
        return []
    with engine.connect() as connection:
        return list(connection.scalars(_ASIDE))


_ASIDE = text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before\\_restore\\_%' ORDER BY 1")
_OTHERS = text(
    "SELECT coalesce(usename, '?') FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL"
)

# What the migrations made: tables (with their indexes, triggers and sequences), functions, collations; an extension
# and what belongs to it stay where they are.
_MOVES = text(
    """
    SELECT format('ALTER %s %s SET SCHEMA %I', kind, name, CAST(:aside AS text)) FROM (
        SELECT 'pg_class'::regclass AS catalog, oid, relnamespace AS namespace, oid::regclass::text AS name,
            CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
        FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')
        UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, oid::regprocedure::text, 'ROUTINE' FROM pg_proc
        UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace, oid::regcollation::text, 'COLLATION'
        FROM pg_collation
    ) AS made
    WHERE namespace = current_schema()::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = catalog AND objid = made.oid AND deptype = 'e'
    )
    """
)
