"""The backup file: a zip of tables, evidence and public keys, with a manifest that says what must be in it.

A table is a member `<service>/<table>`: its rows, each a length (4 bytes, big endian) and that many bytes of
MessagePack, an array in the order of the manifest's columns.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from cchc.backups.tables import Row
from shared.decoding import decoder
from shared.eventlog import Head

FORMAT = 1
MANIFEST = "manifest.json"
EVIDENCE = "evidence/"
CHECKPOINT_KEYS = "checkpoint-keys/"
OWNER_KEYS = "owner-keys/"
CHUNK = 256 * 1024  # bytes


class Damaged(Exception):
    """The file is no backup, or not as it was written."""


class UnknownFormat(Exception):
    """The backup was made by a release that this one does not know."""


class Table(msgspec.Struct, frozen=True):
    columns: list[str]
    rows: int


class Database(msgspec.Struct, frozen=True):
    """One service's database at one moment. `heads`: log → commune → the end of what is in here."""

    revision: str
    tables: dict[str, Table]
    heads: dict[str, dict[str, Head]]


class Member(msgspec.Struct, frozen=True):
    """`size` in bytes, unpacked."""

    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """`taken_at`: when the backup began (RFC 3339)."""

    format: int
    version: str
    taken_at: str
    databases: dict[str, Database]
    members: dict[str, Member]


class ArchiveWriter:
    """Writes members one after the other, and the manifest at the end."""

    def __init__(self, file: IO[bytes], version: str, taken_at: str) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._manifest = Manifest(FORMAT, version, taken_at, {}, {})

    def add_table(self, service: str, table: str, rows: Iterable[Row]) -> int:
        """Returns how many rows there were."""
        count = 0

        def framed() -> Iterator[bytes]:
            nonlocal count
            chunk = bytearray()
            for row in rows:
                body = msgspec.msgpack.encode(row)
                chunk += len(body).to_bytes(4) + body
                count += 1
                if len(chunk) >= CHUNK:
                    yield bytes(chunk)
                    chunk.clear()
            yield bytes(chunk)

        self._add(f"{service}/{table}", framed())
        return count

    def add_database(self, service: str, database: Database) -> None:
        """What is known of a database once all its tables are in."""
        self._manifest.databases[service] = database

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self._add(name, iter(lambda: file.read(CHUNK), b""))

    def finish(self) -> Manifest:
        self._zip.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(self._manifest), indent=1))
        self._zip.close()
        return self._manifest

    def _add(self, name: str, chunks: Iterable[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self._manifest.members[name] = Member(digest.hexdigest(), size)


class Archive:
    """A backup file that was opened; its members are to be trusted after `verify`."""

    def __init__(self, opened: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zip = opened
        self.manifest = manifest

    def verify(self) -> None:
        """Raises Damaged unless every member is there with the bytes that were written, and nothing else is."""
        expected = [*self.manifest.members, MANIFEST]
        if sorted(self._zip.namelist()) != sorted(expected):
            raise Damaged("các phần trong tệp không đúng danh mục")
        for name, member in self.manifest.members.items():
            digest, size = hashlib.sha256(), 0
            for chunk in self.read(name):
                digest.update(chunk)
                size += len(chunk)
            if (digest.hexdigest(), size) != (member.sha256, member.size):
                raise Damaged(f"{name} không đúng mã băm")

    def names(self, prefix: str) -> list[str]:
        return [name for name in self.manifest.members if name.startswith(prefix)]

    def read(self, name: str) -> Iterator[bytes]:
        with _damage_told(name), self._zip.open(name) as member:
            yield from iter(lambda: member.read(CHUNK), b"")

    def rows(self, service: str, table: str) -> Iterator[Row]:
        name = f"{service}/{table}"
        with _damage_told(name), self._zip.open(name) as member:
            while length := member.read(4):
                yield msgspec.msgpack.decode(member.read(int.from_bytes(length)))


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Raises Damaged, UnknownFormat, OSError."""
    with path.open("rb") as file:
        with _damage_told(path.name):
            opened = zipfile.ZipFile(file)
            manifest = _manifest(opened.read(MANIFEST))
        yield Archive(opened, manifest)


def _manifest(body: bytes) -> Manifest:
    found = decoder(_Format)(body).format
    if found != FORMAT:
        raise UnknownFormat(f"định dạng {found}")
    return decoder(Manifest)(body)


class _Format(msgspec.Struct):
    format: int


@contextmanager
def _damage_told(name: str) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        NotImplementedError,
        RuntimeError,
        msgspec.MsgspecError,
    ) as error:
        raise Damaged(f"{name}: {error}") from error
