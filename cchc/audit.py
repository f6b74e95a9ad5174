"""The audit bundle: a year's ratings with all that it takes to check them without this software.

The files are a function of the logs and the question, so the same question gives the same bytes. No log is cut: an
event proves nothing without those before it.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from services.scoring.documents.sheet import sheet_page
from services.scoring.domain import rules
from services.scoring.domain.records import Records
from services.scoring.domain.sheet import Sheet, rated_staff, sheet, sheet_bytes
from services.scoring.domain.standing import Proposal, Standing, rested_on, standing
from services.scoring.views import SOURCES, Known, Moment, known_at
from shared.eventlog import EVERY_COMMUNE, Log
from shared.eventlog.checkpoints import CheckpointKeys, checkpoints, covering, line
from shared.events import CheckpointSigned
from shared.journal import lines
from shared.keys import public_pem
from shared.records import commune_name
from shared.refusals import STAFF_UNKNOWN

VERIFIER = Path(__file__).parents[1] / "verifier"
# Within the bundle each says what it does; beside one another they still find each other.
PROGRAMS = {"verify_chain.py": "chain.py", "verify_rating.py": "rating.py", "verify_journal.py": "journal.py"}


class NotReproduced(Exception):
    """A proposal that the logs do not give again, byte by byte: nothing is handed over as if it were proven."""

    def __init__(self, staff: str, pinned: str, found: str) -> None:
        super().__init__(f"{staff}: {pinned[:12]}… → {found[:12]}…")
        self.staff = staff


class Rating(msgspec.Struct):
    """One person's entry in results.json."""

    staff: str
    standing: str
    level: str
    computed_level: str
    decided_level: str | None
    proposal: str | None
    rule_set: str
    rule_set_sha256: str | None
    sheet_sha256: str
    evaluated_on: str
    inputs: list[dict[str, str | int]]
    figures: dict[str, int | str]


class Results(msgspec.Struct):
    """`person` is None when nobody who is rated is left out."""

    commune: str
    year: int
    person: str | None
    ratings: list[Rating]


class Found(msgspec.Struct):
    """A person's year: where it stands, the sheet that the level rests on, and the records that gave it."""

    standing: Standing
    proposal: Proposal | None
    known: Known
    sheet: Sheet


def audit_bundle(
    logs: Mapping[str, Log],
    commune: str,
    year: int,
    moment: Moment,
    keys: CheckpointKeys,
    *,
    staff: str | None = None,
    journals: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """The bundle's files by path: of everybody who is rated, or of one person, as known at a moment. `journals`: the
    rows of each service's journal, as `journal_lines` gives them.

    Refuses `staff-unknown`. Raises NotReproduced.
    """
    known = known_at(logs, commune, moment)
    if staff is not None and staff not in known.records.people:
        raise STAFF_UNKNOWN(staff=staff)
    people = [staff] if staff is not None else _people(known.records, year, known)
    found = list(_found(logs, commune, year, known, people))
    ends = {source: _end(source, moment, found) for source in SOURCES}
    recorded = checkpoints([logs[source] for source in SOURCES], commune)
    signed = [each for each in recorded if each.position <= ends[each.source]]
    files = {f"logs/{source}.jsonl": _lines(logs[source].read_all(commune, until=ends[source])) for source in SOURCES}
    files["checkpoints.jsonl"] = _lines(map(line, signed))
    files |= {f"keys/{_place(keys, id_)}.pem": public_pem(key) for id_, key in keys.public.items()}
    files |= {f"journal/{service}.jsonl": body for service, body in (journals or {}).items()}
    files["results.json"] = _json(Results(commune, year, staff, [_rating(each) for each in found]))
    for each in found:
        name = each.sheet.staff
        covers = covering(signed, each.known.inputs)
        files |= _rule_set_files(each.sheet)
        files[f"sheets/{name}.json"] = sheet_bytes(each.sheet)
        files[f"explanations/{name}.html"] = sheet_page(each.known, year, name, checkpoints=covers).encode()
    files |= {name: (VERIFIER / source).read_bytes() for name, source in PROGRAMS.items()}
    files["DOC-TRUOC.txt"] = _read_me(known, year, ends, signed).encode()
    files["SHA256SUMS"] = "".join(f"{_sha256(files[path])}  {path}\n" for path in sorted(files)).encode()
    return files


def _place(keys: CheckpointKeys, id_: str) -> str:
    owner = keys.owners.get(id_)
    return f"{owner}/{id_}" if owner else id_


def journal_lines(engine: Engine, commune: str, until: str | None) -> bytes:
    """A service's journal up to a time (RFC 3339): the rows of the commune, then those of the whole installation."""
    return _lines(chain(lines(engine, commune, until=until), lines(engine, EVERY_COMMUNE, until=until)))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """One .zip: paths sorted, no times of today, so that equal files make equal bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path)  # of 1/1/1980, the first day that a .zip knows
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[path])
    return written.getvalue()


def _people(records: Records, year: int, known: Known) -> list[str]:
    """Who is rated, and who was while a proposal was made."""
    proposed = {rating.staff for rating in records.by_kind["rating"].values() if rating.year == year}
    return sorted({*rated_staff(records, year, on=known.on), *proposed})


def _found(logs: Mapping[str, Log], commune: str, year: int, known: Known, people: list[str]) -> Iterator[Found]:
    """What the level that stands rests on: the decision's proposal at its pins, else the last one, else the moment."""
    then: dict[tuple[object, ...], Known] = {}
    for staff in people:
        stands = standing(known.records, year, staff)
        proposal = rested_on(known.records, stands)
        if proposal is None:
            yield Found(stands, None, known, sheet(known.records, year, staff, on=known.on))
            continue
        positions = {pin.source: pin.position for pin in proposal.inputs}
        moment = (*sorted(positions.items()), proposal.evaluated_on)
        if moment not in then:
            then[moment] = known_at(logs, commune, Moment(positions, proposal.evaluated_on))
        again = sheet(then[moment].records, year, staff, on=proposal.evaluated_on)
        digest = _sha256(sheet_bytes(again))
        if (digest, then[moment].inputs) != (proposal.sheet_sha256, proposal.inputs):
            raise NotReproduced(staff, proposal.sheet_sha256, digest)
        yield Found(stands, proposal, then[moment], again)


def _end(source: str, moment: Moment, found: list[Found]) -> int:
    """How far a log is needed: to the moment, and to what proposals pin."""
    pinned = [pin.position for each in found for pin in each.known.inputs if pin.source == source]
    return max([moment.positions[source], *pinned])


def _rating(found: Found) -> Rating:
    stands, sheet = found.standing, found.sheet
    return Rating(
        staff=sheet.staff,
        standing=stands.kind,
        level=stands.level or sheet.level,
        computed_level=sheet.level,
        decided_level=stands.decided_level,
        proposal=found.proposal.proposal if found.proposal else None,
        rule_set=sheet.rule_set,
        rule_set_sha256=sheet.rule_set_sha256,
        sheet_sha256=_sha256(sheet_bytes(sheet)),
        evaluated_on=sheet.evaluated_on.isoformat(),
        inputs=[msgspec.to_builtins(pin) for pin in found.known.inputs],
        figures=sheet.figures,
    )


def _rule_set_files(of: Sheet) -> dict[str, bytes]:
    rule_set = rules.installed(of.rule_set)
    if rule_set is None or of.rule_set_sha256 is None:
        return {}
    folder = f"rule_sets/{rule_set.name}-{rule_set.sha256[:12]}"
    return {f"{folder}/{path}": body for path, body in rule_set.files.items()}


def _read_me(known: Known, year: int, ends: Mapping[str, int], signed: list[CheckpointSigned]) -> str:
    return READ_ME.format(
        commune=commune_name(known.records),
        year=year,
        on=f"{known.on:%d/%m/%Y}",
        ends="\n".join(_of_log(source, end, signed) for source, end in ends.items()),
    )


def _of_log(source: str, end: int, signed: list[CheckpointSigned]) -> str:
    last = max((each.position for each in signed if each.source == source), default=0)
    proven = f"điểm chốt có chữ ký đến vị trí {last}" if last else "chưa có điểm chốt nào"
    return f"  logs/{source}.jsonl: {end} sự kiện; {proven}."


READ_ME = """\
HỒ SƠ KIỂM TRA XẾP LOẠI – {commune}, năm {year}
Tính đến ngày {on}. Mọi thứ cần để kiểm tra nằm trong hồ sơ này; không cần phần mềm đã tạo ra nó.

KIỂM TRA
Cần Python 3.9 trở lên, không cần cài thêm gì. Giải nén rồi chạy trong thư mục vừa giải nén:
  python3 verify_chain.py
  python3 verify_rating.py
  python3 verify_journal.py
Mã thoát 0: khớp. Mã thoát 1: có sai lệch, nêu rõ chỗ nào. Ba tệp chương trình là văn bản ngắn, nên đọc trước khi chạy.
verify_chain.py kiểm tra chuỗi sự kiện, điểm chốt, mã băm của từng tệp; chữ ký được kiểm tra bằng openssl, nếu máy có.
verify_rating.py tự tính lại kết quả xếp loại từ nhật ký, không dùng mã của phần mềm, rồi so với results.json.
verify_journal.py kiểm tra các dòng của sổ truy vết có nối tiếp nhau không; có hồ sơ đã giải nén từ trước thì
so thêm bằng --kept THƯ_MỤC: người giữ cơ sở dữ liệu có thể viết lại cả sổ, chỉ bản giữ ở nơi khác mới cho thấy điều đó.

CÓ GÌ TRONG NÀY
{ends}
  Mỗi dòng là đúng các byte đã lưu của một sự kiện; mỗi sự kiện mang mã băm SHA-256 của sự kiện đứng trước.
  checkpoints.jsonl: các điểm chốt có chữ ký Ed25519. keys/: khóa công khai để kiểm tra chữ ký;
    khóa trong keys/<dịch vụ>/ chỉ ký cho dịch vụ đó.
  rule_sets/: bộ quy tắc đã dùng, nguyên văn; mã băm của bộ ghi trong từng phiếu.
  results.json: kết quả của từng người. sheets/: phiếu đầy đủ. explanations/: phiếu để đọc và in (A4),
  không phải chứng cứ: con số phải lấy từ results.json và sheets/, đã được hai chương trình đầu kiểm tra.
  journal/: sổ truy vết của từng dịch vụ, mỗi dòng một việc ngoài nhật ký: ai, lúc nào (UTC), từ đâu, làm gì, về mã nào;
  các dòng của xã, rồi các dòng chung của hệ thống (commune là *). Mỗi dòng mang mã băm của dòng đứng trước.
  SHA256SUMS: mã băm của mọi tệp; kiểm tra bằng sha256sum -c SHA256SUMS.

ĐIỀU HỒ SƠ NÀY KHÔNG TỰ CHỨNG MINH ĐƯỢC
Người giữ khóa ký có thể viết lại toàn bộ nhật ký rồi ký lại. Vì vậy hãy so checkpoints.jsonl với điểm chốt đã in trên
phiếu hoặc đã nhận qua thư từ trước, và so mã khóa với khóa công khai đã được giao trực tiếp. Có tệp điểm chốt đã giữ:
  python3 verify_chain.py --checkpoint TỆP
"""


def _lines(bodies: Iterable[bytes]) -> bytes:
    return b"".join(body + b"\n" for body in bodies)


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1) + b"\n"


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
