"""Apprise to a real web server, by the template of an installation."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apprise
import pytest
from sqlalchemy import Engine, insert

from cchc.channels import channels_of
from cchc.settings import Settings, WrongSetting
from services.notifications.channels.apprise import Apprise
from services.notifications.channels.interface import (
    Item,
    Message,
    NoAddress,
    Permanent,
    Temporary,
    Undeliverable,
)
from services.notifications.tables import addresses, metadata
from shared.eventlog import open_database, utcnow, writing
from tests.support.web_sink import Sink, web_sink

COMMUNE = "tien-canh"
TOKEN = "123456789:abcdefghijKLMNOPqrst"
ADDRESSES = {"p07": "chat-7", "p08": "../a b/?x=1#y"}


def message(recipient: str = "p07", items: int = 1) -> Message:
    text = "Quá hạn 1 ngày làm việc (hạn 27/11/2024): Rà soát *thủ tục* <b>"
    told = Item(
        reminder="r1",
        about="task/t1",
        rule="overdue-1",
        heading="Quá hạn",
        title="Rà soát",
        text=text,
        details=["Đề nghị báo cáo kết quả."],
        link="https://xa.example.org/viec/t1",
    )
    return Message(
        message="m1",
        commune=COMMUNE,
        recipient=recipient,
        at="2024-11-28T00:30:00.000Z",
        subject="Quá hạn 1 ngày làm việc: Rà soát",
        greeting="Kính gửi Nguyễn Thị Hòa,",
        items=[told] * items,
        closing="Tin tự động.",
        urgent=True,
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'notifications.db'}")
    metadata.create_all(engine)
    with writing(engine, COMMUNE) as connection:
        for staff, address in ADDRESSES.items():
            row = {"commune": COMMUNE, "staff": staff, "channel": "apprise", "address": address}
            connection.execute(insert(addresses).values(row))
    yield engine
    engine.dispose()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with web_sink() as sink:
        yield sink


def refusal(hop: Apprise, sent: Message) -> Undeliverable:
    with pytest.raises(Undeliverable) as refused:
        hop.send(sent)
    return refused.value


def test_the_address_takes_its_place_in_the_template(engine: Engine, sink: Sink) -> None:
    Apprise(f"json://127.0.0.1:{sink.port}/bot/{{address}}", engine).send(message())
    assert sink.request.path == "/bot/chat-7"
    told = json.loads(sink.request.body)
    assert told["title"] == "Quá hạn 1 ngày làm việc: Rà soát"
    assert told["message"] == (
        "Quá hạn 1 ngày làm việc (hạn 27/11/2024): Rà soát *thủ tục* <b>\n"
        "Đề nghị báo cáo kết quả.\nhttps://xa.example.org/viec/t1\n\nTin tự động."
    )


def test_an_address_cannot_leave_its_place(engine: Engine, sink: Sink) -> None:
    Apprise(f"json://127.0.0.1:{sink.port}/bot/{{address}}/end", engine).send(message("p08"))
    path = sink.request.path
    assert path.startswith("/bot/") and path.endswith("/end") and path.count("/") == 3 and "?" not in path


def test_who_gave_no_address_is_not_reached(engine: Engine) -> None:
    assert isinstance(refusal(Apprise(f"zalo://{TOKEN}/{{address}}", engine), message("p09")), NoAddress)


def test_a_service_that_refuses_may_take_it_later(engine: Engine, sink: Sink) -> None:
    sink.status = 500
    refused = refusal(Apprise(f"json://127.0.0.1:{sink.port}/{{address}}", engine), message())
    assert isinstance(refused, Temporary) and refused.reason == "apprise"


@pytest.mark.parametrize("template", ["no-such-service://x/{address}", "zalo://not-a-token/{address}"])
def test_a_template_that_apprise_does_not_know_is_final(engine: Engine, template: str) -> None:
    assert isinstance(refusal(Apprise(template, engine), message()), Permanent)


def test_what_is_no_chat_of_zalo_is_final(engine: Engine) -> None:
    assert isinstance(refusal(Apprise(f"zalo://{TOKEN}/{{address}}", engine), message("p08")), Permanent)


def test_a_zalo_bot_is_written_as_documented() -> None:
    hop: Any = apprise.Apprise.instantiate(f"zalo://{TOKEN}/chat-7")
    assert hop.token == TOKEN and hop.targets == ["chat-7"]


def test_nothing_logs_the_token_or_the_address(engine: Engine, sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sink.status = 500
    for template in (f"json://127.0.0.1:{sink.port}/{TOKEN}/{{address}}", f"zalo://{TOKEN}!/{{address}}"):
        refusal(Apprise(template, engine), message())
    ours = "\n".join(record.getMessage() for record in caplog.records)
    assert TOKEN not in ours and "chat-7" not in ours


def test_settings_make_the_channel(engine: Engine, sink: Sink, tmp_path: Path) -> None:
    settings = Settings.from_environment({"CCHC_APPRISE": f"json://127.0.0.1:{sink.port}/{{address}}"}, data=tmp_path)
    channels = channels_of(settings, engine, lambda _: {}, utcnow, b"")
    assert channels.names == {"inbox", "apprise", "webhook"}
    channels.last_hops["apprise"].send(message())
    assert sink.request.path == "/chat-7"


def test_a_template_needs_a_place_for_the_address(engine: Engine, tmp_path: Path) -> None:
    settings = Settings.from_environment({"CCHC_APPRISE": f"zalo://{TOKEN}/chat"}, data=tmp_path)
    with pytest.raises(WrongSetting) as wrong:
        channels_of(settings, engine, lambda _: {}, utcnow, b"")
    assert "{address}" in (said := str(wrong.value)) and TOKEN not in said
