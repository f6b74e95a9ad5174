"""The logs at the command line: verify, rebuild, status, topics, export and import."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cchc.cli.noting import note_taken
from cchc.cli.options import commune_option, json_option, the_commune, with_installation
from cchc.installation import Installation
from cchc.output import FOUND, UNAVAILABLE, as_json, fail, progress, table
from cchc.progress import STOPS, LogProgress, progress_of_logs
from cchc.services import SERVICES, readers
from cchc.settings import Settings
from shared.eventlog import EVERY_COMMUNE, Log, writing
from shared.eventlog.checkpoints import read_line
from shared.eventlog.verify import (
    Finding,
    compare_logs,
    recorded_checkpoints,
    verify_checkpoints,
    verify_log,
    verify_topic,
)
from shared.events import VIETNAM, CheckpointSigned, parse_time
from shared.journal import kinds, note
from shared.projection import Runner, all_positions
from shared.projection.parallel import rebuild
from shared.said import said_of

if TYPE_CHECKING:
    from shared.eventlog.kafka import Topic


@click.command("verify")
@click.option("--service", "services", multiple=True, type=click.Choice(SERVICES), help="Chỉ dịch vụ này.")
@click.option("--topic/--no-topic", default=None, help="So cả topic (mặc định: có, khi đặt CCHC_KAFKA).")
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=click.File("rb"),
    help="Tệp điểm chốt giữ ở nơi khác (như cchc checkpoint export đã in); ghi nhiều lần được.",
)
@json_option
@with_installation
def verify_command(
    installation: Installation, services: tuple[str, ...], topic: bool | None, kept: tuple[Any, ...], json_output: bool
) -> None:
    """Kiểm tra chuỗi sự kiện: kho của từng dịch vụ, bản sao, topic và các điểm chốt có chữ ký.

    Mã thoát 1 khi có sự kiện bị sửa, thêm, bớt, không khớp chuỗi hoặc không khớp điểm chốt.
    """
    services = services or tuple(SERVICES)
    outside = {file.name: list(_checkpoints_in(file)) for file in kept}
    kafka = installation.settings.kafka
    if topic and not kafka:
        fail("Đặt CCHC_KAFKA để kiểm tra topic.")
    checked: list[str] = []
    findings: list[Finding] = []
    looks = _looks(installation, services, kafka if topic is not False else None)
    for name, look in chain(looks, _checkpoint_looks(installation, services, outside)):
        findings += look()
        checked.append(name)
    if json_output:
        as_json({"checked": checked, "findings": findings})
    else:
        for finding in findings:
            place = f"{PLACES[finding.where]} {finding.source}/{finding.commune}/{finding.position}"
            click.echo(f"{place}: {finding.problem}")
        click.echo(f"Đã kiểm tra {', '.join(checked)}: {len(findings)} sai lệch." if findings else _all_well(checked))
    raise SystemExit(FOUND if findings else 0)


PLACES = {"store": "Kho", "replica": "Bản sao", "topic": "Topic", "checkpoint": "Điểm chốt"}


def _all_well(checked: list[str]) -> str:
    return f"Đã kiểm tra {', '.join(checked)}: nguyên vẹn."


def _looks(installation: Installation, services: Any, kafka: str | None) -> Iterator[tuple[str, Any]]:
    """What there is to check, by name."""
    for service in services:
        own = installation.own_log(service)
        events = sum(head.position for head in own.heads().values())
        yield f"{service} ({events} sự kiện)", lambda own=own: verify_log(own)
        if kafka:
            yield f"topic của {service}", lambda own=own: verify_topic(kafka, own)
        for replica in installation.replicas(service):
            yield f"bản sao {replica.source} ở {service}", partial(_compare, installation, replica)


def _compare(installation: Installation, replica: Log) -> list[Finding]:
    owners = installation.own_log(replica.source)
    return [*verify_log(replica, where="replica"), *compare_logs(owners, replica)]


def _checkpoint_looks(
    installation: Installation, services: Sequence[str], outside: Mapping[str, list[CheckpointSigned]]
) -> Iterator[tuple[str, Any]]:
    """The checkpoints that the logs hold, and those of files, against every log of their source."""
    keys = installation.public_checkpoint_keys()
    logs = {service: [installation.own_log(service)] for service in SERVICES}
    for replica in (replica for service in SERVICES for replica in installation.replicas(service)):
        logs[replica.source].append(replica)
    recorded = {f"điểm chốt của {service}": [*recorded_checkpoints(logs[service][0])] for service in services}
    for name, signed in {**recorded, **{f"điểm chốt trong {name}": signed for name, signed in outside.items()}}.items():
        yield f"{name} ({len(signed)})", lambda signed=signed: [*verify_checkpoints(signed, logs, keys)]


def _checkpoints_in(file: Any) -> Iterator[CheckpointSigned]:
    for number, text in enumerate(file, 1):
        if text.strip():
            try:
                yield read_line(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                fail(f"{file.name}, dòng {number} không phải điểm chốt: {error}.")


@click.command("rebuild")
@click.argument("service", type=click.Choice(SERVICES))
@click.option("--from-kafka", is_flag=True, help="Bỏ bản sao, nạp lại từ topic trước khi dựng lại.")
@click.option("--commune", help="Chỉ một xã (mặc định: mọi xã).")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Số tiến trình.")
@json_option
@with_installation
def rebuild_command(
    installation: Installation, service: str, from_kafka: bool, commune: str | None, jobs: int, json_output: bool
) -> None:
    """Dựng lại dữ liệu đọc của một dịch vụ từ nhật ký; dữ liệu cũ phục vụ đến khi xong từng xã."""
    if from_kafka:
        _refill(installation, service)
    known = {commune for log in installation.logs(service).values() for commune in log.heads()}
    communes = [the_commune(installation, commune)] if commune else sorted(known)
    folded = _rebuild_own(installation, service, communes)
    if service in readers():
        folded += _rebuild_records(installation, service, communes, jobs)
    for each in communes:
        note(installation.engine(service), each, kinds.RECORDS_REBUILT, (), {"from_kafka": int(from_kafka)})
    if json_output:
        as_json({"service": service, "communes": communes, "events": folded})
    else:
        click.echo(f"Đã dựng lại {service}: {len(communes)} xã, {folded} sự kiện.")


def _rebuild_own(installation: Installation, service: str, communes: list[str]) -> int:
    """The tables that follow from the service's own log, if any, commune by commune."""
    rebuild_own = SERVICES[service].rebuild_own
    if rebuild_own is None:
        return 0
    engine, log = installation.engine(service), installation.own_log(service)
    for commune in communes:
        with writing(engine, commune) as connection:
            rebuild_own(connection, commune, log)
    return sum(log.head(commune).position for commune in communes)


def _rebuild_records(installation: Installation, service: str, communes: list[str], jobs: int) -> int:
    """The records folded from the logs that the service holds."""
    runner = installation.folds(service)
    if jobs > 1:
        folded = rebuild(partial(_runner, installation.settings, service), communes, jobs, progress("Dựng lại"))
    else:
        folded = runner.rebuild(communes, progress("Dựng lại"))
    reached = all_positions(runner.engine, runner.projection.name)
    stopped = [at.parked for one in communes for at in reached.get(one, {}).values() if at.parked]
    if stopped:
        fail(f"Chưa dựng lại được đến cuối: {'; '.join(stopped)}. Chạy cchc verify.", FOUND)
    return folded


def _runner(settings: Settings, service: str) -> Runner:
    """In whichever process it is called."""
    return Installation(settings).folds(service)


def _refill(installation: Installation, service: str) -> None:
    from shared.eventlog.replica import fill_from_topic

    kafka = installation.settings.kafka
    replicas = installation.replicas(service)
    if not kafka or not replicas:
        fail("--from-kafka chỉ dùng cho dịch vụ có bản sao, khi đặt CCHC_KAFKA: chỉ bản sao được nạp lại từ topic.")

    def show(done: int, total: int) -> None:
        progress("Đọc topic")("", done, total)

    for replica in replicas:
        for commune in replica.heads():
            replica.forget(commune)
        filled = fill_from_topic(replica, kafka, progress=show)
        if filled.broken or filled.gaps:
            problems = [f"{commune}: {reason}" for commune, reason in filled.broken.items()]
            problems += [f"{commune}: topic thiếu từ vị trí {position}" for commune, position in filled.gaps.items()]
            fail(f"Topic của {replica.source} không đủ để dựng lại bản sao. {'; '.join(problems)}", FOUND)


@click.command("status")
@click.option("--commune", help="Chỉ xã này (mặc định: mọi xã).")
@click.option("--all", "everything", is_flag=True, help="Bảng của mọi nhật ký, cả những nhật ký đang ổn.")
@json_option
@with_installation
def status_command(installation: Installation, commune: str | None, everything: bool, json_output: bool) -> None:
    """Xã nào đang dừng, chậm hay hỏng, từ khi nào, vì sao và sửa bằng lệnh nào. Không hỏi Kafka.

    Mã thoát 1 khi có xã đang dừng.
    """
    logs = list(progress_of_logs(installation, the_commune(installation, commune) if commune else None))
    now = installation.clock()
    if json_output:
        as_json([log.row() for log in logs])
    elif everything:
        header = ["Dịch vụ", "Xã", "Cuối", "Ghi lúc", "Đã phát"]
        header += [f"{stage} ({reader})" for reader in readers() for stage in ("Bản sao", "Đã đọc")]
        rows = [log.row() for log in logs]
        table([*header, "Dừng vì"], [[row[key] for key in row if key not in ("behind", "stops")] for row in rows])
    else:
        for log in logs:
            for line in _not_well(log, now):
                click.echo(line)
    if not json_output:
        click.echo(_summary(logs, now), err=True)
    raise SystemExit(FOUND if any(log.stops for log in logs) else 0)


def _not_well(log: LogProgress, now: datetime) -> Iterator[str]:
    """What stands still and what is behind for too long, each with what fixes it."""
    name = f"{log.service}/{log.commune}"
    for stop in log.stops:
        state, fix = STOPS[stop.what]
        since = f" (ghi lúc {_local(stop.since)})" if stop.since else ""
        yield f"✗ {name}: {stop.reader} {state} ở sự kiện {stop.position}{since}: {stop.reason}"
        yield f"    → {fix.format(reader=stop.reader, commune=log.commune)}"
    for behind in log.late(now):
        state, fix = behind.words(log.service)
        yield f"! {name}: {state} {behind.events} sự kiện, từ {_local(behind.since)}"
        yield f"    → {fix}"


def _local(time: str) -> str:
    return f"{parse_time(time).astimezone(VIETNAM):%H:%M %d/%m/%Y}"


def _summary(logs: Sequence[LogProgress], now: datetime) -> str:
    communes = {log.commune for log in logs}
    stopped = {log.commune for log in logs if log.stops}
    late = {log.commune for log in logs if log.late(now)} - stopped
    well = len(communes - stopped - late)
    return f"{len(communes)} xã, {len(logs)} nhật ký: {well} xã ổn, {len(late)} xã chậm, {len(stopped)} xã dừng."


@click.command("topics")
@click.option("--partitions", default=12, show_default=True, type=click.IntRange(1, 1000), help="Số phân vùng.")
@click.option("--replication", default=1, show_default=True, type=click.IntRange(1, 5), help="Số bản sao.")
@json_option
@with_installation
def topics_command(installation: Installation, partitions: int, replication: int, json_output: bool) -> None:
    """Tạo các topic còn thiếu và kiểm tra thiết lập của chúng. Mã thoát 1 khi thiết lập sai."""
    from kafka.errors import KafkaError

    from cchc.doctor.kafka import topics_of_services
    from shared.eventlog.kafka import WrongBrokers, describe_cluster, ensure_topics

    kafka = installation.settings.kafka
    if not kafka:
        fail("Đặt CCHC_KAFKA (địa chỉ broker) trước.")
    try:
        created = ensure_topics(kafka, SERVICES, partitions=partitions, replication=replication)
        there = describe_cluster(kafka, topics_of_services()).topics
    except WrongBrokers as error:
        fail(f"Không dùng được CCHC_KAFKA: {error}.", UNAVAILABLE)
    except KafkaError as error:
        fail(f"Không kết nối được Kafka ở {kafka}: {said_of(error)}", UNAVAILABLE)
    problems = [problem for topic in topics_of_services() for problem in _topic_problems(there, topic)]
    if json_output:
        as_json({"created": created, "problems": problems})
    else:
        for topic in created:
            click.echo(f"Đã tạo {topic}.")
        for problem in problems:
            click.echo(problem)
        if not problems:
            click.echo("Các topic đúng thiết lập.")
    raise SystemExit(FOUND if problems else 0)


def _topic_problems(there: Mapping[str, "Topic"], topic: str) -> Iterator[str]:
    from shared.eventlog.kafka import wrong_settings

    if topic not in there:
        yield f"Chưa có {topic}."
        return
    for name, actual, least, right in wrong_settings(there[topic].settings):
        yield f"{topic}: {name} là {actual}, phải {'từ' if least else 'là'} {right}."


@click.command("export-log")
@click.argument("service", type=click.Choice(SERVICES))
@commune_option
@with_installation
def export_log_command(installation: Installation, service: str, commune: str | None) -> None:
    """Ghi nhật ký ra stdout, mỗi dòng là đúng các byte đã lưu của một sự kiện."""
    from shared.eventlog.lines import export_lines

    commune = the_commune(installation, commune)
    note_taken(installation, service, commune, kinds.LOG_EXPORTED)
    for line in export_lines(installation.own_log(service), commune):
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


@click.command("import-log")
@click.argument("service", type=click.Choice(SERVICES))
@click.argument("file", type=click.File("rb"), default="-")
@json_option
@with_installation
def import_log_command(installation: Installation, service: str, file: Any, json_output: bool) -> None:
    """Nhận nhật ký đã xuất (JSON từng dòng) vào kho: tiếp nối chuỗi, trùng thì bỏ qua, không khớp thì từ chối."""
    from shared.eventlog.lines import import_lines

    log: Log = installation.own_log(service)
    try:
        taken = import_lines(log, file)
    finally:
        # Appending writes the tables of a service's own log, taking events over does not; and notifications must know
        # which reminders were sent.
        _rebuild_own(installation, service, sorted(log.heads()))
    if taken:
        note(installation.engine(service), EVERY_COMMUNE, kinds.LOG_IMPORTED, (), {"events": taken})
    if json_output:
        as_json({"service": service, "taken": taken})
    else:
        click.echo(f"Đã nhận {taken} sự kiện mới vào {service}.")
