"""Mail to a real SMTP server, parsed back."""

import logging
import socket
import unicodedata
from collections.abc import Iterator
from datetime import date
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import icalendar
import pytest

from cchc.channels import channels_of
from cchc.settings import Settings, WrongSetting
from services.notifications.channels.email import Email, Server, address
from services.notifications.channels.interface import (
    Contact,
    Item,
    Message,
    NoAddress,
    Permanent,
    Temporary,
    Undeliverable,
)
from shared.eventlog import open_database, utcnow
from tests.support.certificates import certificate
from tests.support.mail import PASSWORD, USER, Postbox, smtp_server

SENDER = Address("UBND xã Tiên Cảnh", addr_spec="vanphong@xa.example.org")
PEOPLE = {
    "p07": Contact("p07", "Nguyễn Thị Hòa", "hoa@xa.example.org"),
    "p08": Contact("p08", "Trần Văn Bình"),
    "p09": Contact("p09", "Lê Đức", "không phải địa chỉ"),
    "p10": Contact("p10", 'Ông "A"\r\nBcc: all@example.org', "a@xa.example.org"),
    "p11": Contact("p11", "Lê Đức", "duc@xa.example.org\r\nRCPT TO:<all@example.org>"),
}


def item(about: str = "task/t1", **fields: Any) -> Item:
    given: dict[str, Any] = {
        "reminder": f"r-{about}",
        "about": about,
        "rule": "due-3",
        "heading": "Sắp đến hạn",
        "title": "Rà soát thủ tục hành chính",
        "text": "Còn 3 ngày làm việc (hạn 03/12/2024): Rà soát thủ tục hành chính",
        "details": ["Đề nghị báo cáo kết quả."],
        "due": "2024-12-03",
        "due_version": 2,
        "link": "https://xa.example.org/viec/t1?a=1&b=2",
    }
    return Item(**given | fields)


def message(*items: Item, **fields: Any) -> Message:
    given: dict[str, Any] = {
        "message": "0b1d2c1e-9d51-5f1a-8a7e-000000000001",
        "commune": "tien-canh",
        "recipient": "p07",
        "at": "2024-11-28T00:30:00.000Z",
        "subject": "Còn 3 ngày làm việc: Rà soát thủ tục hành chính",
        "greeting": "Kính gửi Nguyễn Thị Hòa,",
        "items": [*(items or (item(),))],
        "closing": "Tin tự động của hệ thống theo dõi nhiệm vụ, xã Tiên Cảnh.",
        "urgent": False,
        "thread": "task/t1",
    }
    return Message(**given | fields)


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with smtp_server() as postbox:
        yield postbox


def by(postbox: Postbox) -> Email:
    return Email(Server("127.0.0.1", postbox.port), SENDER, lambda _: PEOPLE)


def body(postbox: Postbox, kind: str) -> str:
    part = postbox.mail().get_body((kind,))
    assert part is not None
    return str(part.get_content())


def refusal(email: Email, sent: Message | None = None) -> Undeliverable:
    with pytest.raises(Undeliverable) as refused:
        email.send(sent or message())
    return refused.value


def test_a_mail_has_text_and_html_that_say_the_same(postbox: Postbox) -> None:
    by(postbox).send(message())
    assert postbox.recipients == ["hoa@xa.example.org"]
    assert postbox.mail()["Subject"] == "Còn 3 ngày làm việc: Rà soát thủ tục hành chính"
    assert postbox.mail()["To"] == "Nguyễn Thị Hòa <hoa@xa.example.org>"
    assert postbox.mail()["From"] == "UBND xã Tiên Cảnh <vanphong@xa.example.org>"
    for kind in ("plain", "html"):
        text = body(postbox, kind)
        assert "Còn 3 ngày làm việc (hạn 03/12/2024): Rà soát thủ tục hành chính" in text
        assert "Đề nghị báo cáo kết quả." in text and "Kính gửi Nguyễn Thị Hòa," in text
        assert unicodedata.is_normalized("NFC", text)
    assert "https://xa.example.org/viec/t1?a=1&b=2" in body(postbox, "plain")
    assert 'href="https://xa.example.org/viec/t1?a=1&amp;b=2"' in body(postbox, "html")


def test_nothing_but_ascii_goes_over_the_wire(postbox: Postbox) -> None:
    """Servers without 8BITMIME or SMTPUTF8 take it too."""
    by(postbox).send(message())
    assert postbox.raw[0].isascii()


def test_a_digest_is_grouped_in_both_parts(postbox: Postbox) -> None:
    late = item("task/t2", heading="Quá hạn", text="Quá hạn 1 ngày làm việc: Báo cáo", due="2024-11-27")
    by(postbox).send(message(late, item(), item("task/t3"), thread=None))
    text, html = body(postbox, "plain"), body(postbox, "html")
    assert text.index("QUÁ HẠN") < text.index("– Quá hạn 1 ngày") < text.index("SẮP ĐẾN HẠN")
    assert text.count("SẮP ĐẾN HẠN") == html.count("Sắp đến hạn</h2>") == 1


def test_no_machine_answers_it(postbox: Postbox) -> None:
    by(postbox).send(message())
    assert postbox.mail()["Auto-Submitted"] == "auto-generated"


def test_mails_about_a_task_are_one_thread(postbox: Postbox) -> None:
    email = by(postbox)
    email.send(message())
    email.send(message(message="0b1d2c1e-9d51-5f1a-8a7e-000000000002"))
    email.send(message(message="0b1d2c1e-9d51-5f1a-8a7e-000000000003", thread=None))
    first, second, digest = postbox.mails()
    assert first["Message-ID"] == "<0b1d2c1e-9d51-5f1a-8a7e-000000000001@xa.example.org>"
    assert first["References"] == second["References"] == second["In-Reply-To"] == "<task.t1.tien-canh@xa.example.org>"
    assert first["Message-ID"] != second["Message-ID"]
    assert digest["References"] is None and digest["In-Reply-To"] is None


def test_a_mail_sent_again_has_the_same_id(postbox: Postbox) -> None:
    email = by(postbox)
    email.send(message())
    email.send(message())
    assert len({mail["Message-ID"] for mail in postbox.mails()}) == 1


def calendar_of(postbox: Postbox) -> icalendar.Calendar | None:
    for part in postbox.mail().iter_attachments():
        if part.get_content_type() == "text/calendar":
            assert part.get_param("method") == "PUBLISH"
            found = icalendar.Calendar.from_ical(part.get_content())
            assert isinstance(found, icalendar.Calendar)
            return found
    return None


def test_deadlines_to_come_are_days_of_a_calendar(postbox: Postbox) -> None:
    past = item("task/t2", heading="Quá hạn", due="2024-11-27")
    by(postbox).send(message(past, item(details=["Chủ trì: Trần Văn Bình; xã, thôn"]), thread=None))
    calendar = calendar_of(postbox)
    assert calendar is not None and calendar["METHOD"] == "PUBLISH"
    [event] = calendar.walk("VEVENT")
    assert event.decoded("DTSTART") == date(2024, 12, 3) and event.decoded("DTEND") == date(2024, 12, 4)
    assert event["SUMMARY"] == "Hạn: Rà soát thủ tục hành chính"
    assert event["UID"] == "task.t1.tien-canh@xa.example.org" and event["SEQUENCE"] == 2
    assert "Chủ trì: Trần Văn Bình; xã, thôn" in str(event["DESCRIPTION"])


def test_without_a_deadline_to_come_there_is_no_calendar(postbox: Postbox) -> None:
    by(postbox).send(message(item(due=None)))
    assert calendar_of(postbox) is None


HOSTILE = "Báo cáo\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>\u202egnp.exe"


def test_a_title_cannot_add_headers_nor_markup(postbox: Postbox) -> None:
    by(postbox).send(message(item(title=HOSTILE, text=HOSTILE, details=[HOSTILE]), subject=HOSTILE))
    assert postbox.recipients == ["hoa@xa.example.org"]
    assert postbox.mail()["Bcc"] is None
    assert postbox.mail()["Subject"] == "Báo cáo Bcc: all@example.org <script>alert(1)</script>gnp.exe"
    assert "<script>" not in body(postbox, "html")
    calendar = calendar_of(postbox)
    assert calendar is not None and len(calendar.walk("VEVENT")) == 1


def test_a_name_cannot_add_headers(postbox: Postbox) -> None:
    by(postbox).send(message(recipient="p10"))
    assert postbox.recipients == ["a@xa.example.org"]
    assert postbox.mail()["Bcc"] is None
    [to] = postbox.mail()["To"].addresses
    assert to.display_name == 'Ông "A" Bcc: all@example.org'


@pytest.mark.parametrize("thread", ["task/a>\r\nBcc: all@example.org", "task/việc 1"])
def test_an_id_cannot_add_headers(postbox: Postbox, thread: str) -> None:
    by(postbox).send(message(thread=thread))
    assert postbox.mail()["Bcc"] is None
    assert postbox.mail()["References"].startswith("<task.") and postbox.mail()["References"].endswith(
        "@xa.example.org>"
    )


def test_who_has_no_address_gets_no_mail(postbox: Postbox) -> None:
    for recipient in ("p08", "p99"):
        assert isinstance(refusal(by(postbox), message(recipient=recipient)), NoAddress)
    assert postbox.raw == []


@pytest.mark.parametrize("recipient", ["p09", "p11"])
def test_what_is_no_address_is_final(postbox: Postbox, recipient: str) -> None:
    refused = refusal(by(postbox), message(recipient=recipient))
    assert isinstance(refused, Permanent) and refused.reason == "bad_address"
    assert postbox.raw == []


@pytest.mark.parametrize(
    ("command", "answer", "kind", "reason"),
    [
        ("RCPT", "550 5.1.1 <hoa@xa.example.org> unknown", Permanent, "smtp 550 5.1.1"),
        ("RCPT", "450 4.2.0 <hoa@xa.example.org> greylisted", Temporary, "smtp 450 4.2.0"),
        ("DATA", "554 5.7.1 spam", Permanent, "smtp 554 5.7.1"),
        ("DATA", "452 out of storage", Temporary, "smtp 452"),
    ],
)
def test_a_refusal_is_told_by_its_number(
    postbox: Postbox, command: str, answer: str, kind: type[Undeliverable], reason: str
) -> None:
    """The words of a server hold addresses; its numbers do not."""
    postbox.refusals[command] = answer
    refused = refusal(by(postbox))
    assert type(refused) is kind and refused.reason == reason


def test_a_server_that_is_away_may_come_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = refusal(Email(Server("127.0.0.1", port), SENDER, lambda _: PEOPLE))
    assert isinstance(refused, Temporary) and refused.reason == "smtp ConnectionRefusedError"


def test_a_farewell_that_fails_loses_nothing(postbox: Postbox) -> None:
    """The server had taken the mail over: to send it again would be one mail too many."""
    postbox.refusals["QUIT"] = "torn off"
    by(postbox).send(message())
    assert len(postbox.raw) == 1


# The server's own caution: it does not count TLS from the start as TLS.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "smtps"])
def test_a_password_goes_over_tls_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, implicit: bool) -> None:
    trusted, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with smtp_server(tls=context, implicit=implicit) as postbox:
        tls = "implicit" if implicit else "starttls"
        server = Server("localhost", postbox.port, tls, USER, PASSWORD)
        Email(server, SENDER, lambda _: PEOPLE).send(message())
        assert len(postbox.raw) == 1 and postbox.secure == [True]


def test_a_wrong_password_can_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with smtp_server(tls=context) as postbox:
        server = Server("localhost", postbox.port, "starttls", USER, "wrong")
        refused = refusal(Email(server, SENDER, lambda _: PEOPLE))
    assert isinstance(refused, Temporary) and refused.reason.startswith("smtp 535")


def test_an_unknown_certificate_gets_no_password(tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    with smtp_server(tls=context) as postbox:
        refused = refusal(
            Email(Server("localhost", postbox.port, "starttls", USER, PASSWORD), SENDER, lambda _: PEOPLE)
        )
    assert isinstance(refused, Temporary) and refused.reason == "smtp SSLCertVerificationError"
    assert postbox.raw == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", Server("mail.example.org", 25)),
        ("smtp://127.0.0.1:1025", Server("127.0.0.1", 1025)),
        ("smtps://a%40b:c%2Fd@mail.example.org", Server("mail.example.org", 465, "implicit", "a@b", "c/d")),
        ("smtp://a@mail.example.org?starttls=1", Server("mail.example.org", 587, "starttls", "a")),
        ("smtp://mail.example.org:25?starttls=0", Server("mail.example.org", 25)),
    ],
)
def test_a_server_is_written_as_a_url(url: str, server: Server) -> None:
    assert Server.parse(url) == server


@pytest.mark.parametrize(
    "url", ["mail.example.org:25", "http://mail.example.org", "smtp://", "smtp://a:secret@b:port", "smtp://a:secretđ@b"]
)
def test_what_is_no_server_is_refused_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        Server.parse(url)
    assert "secret" not in str(refused.value)
    settings = Settings.from_environment({"CCHC_SMTP": url, "CCHC_MAIL_FROM": "a@b.vn"}, data=tmp_path)
    with pytest.raises(WrongSetting) as wrong:
        channels_of(settings, open_database("sqlite://"), lambda _: PEOPLE, utcnow, b"")
    assert "CCHC_SMTP" in (said := str(wrong.value)) and "không đúng" in said and "secret" not in said


def test_settings_make_the_channel(postbox: Postbox, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    environment = {
        "CCHC_SMTP": f"smtp://127.0.0.1:{postbox.port}",
        "CCHC_MAIL_FROM": "UBND xã Tiên Cảnh <vanphong@xa.example.org>",
    }
    engine = open_database("sqlite://")
    channels = channels_of(Settings.from_environment(environment, data=tmp_path), engine, lambda _: PEOPLE, utcnow, b"")
    assert channels.names == {"inbox", "email", "webhook"}
    channels.last_hops["email"].send(message())
    assert postbox.mail()["From"] == "UBND xã Tiên Cảnh <vanphong@xa.example.org>"
    ours = [record.getMessage() for record in caplog.records if record.name not in ("mail.log", "asyncio")]
    assert "hoa@xa.example.org" not in "\n".join(ours)


def test_mails_need_a_sender(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CCHC_SMTP": "smtp://127.0.0.1"}, data=tmp_path)
    with pytest.raises(WrongSetting, match="CCHC_MAIL_FROM"):
        channels_of(settings, open_database("sqlite://"), lambda _: PEOPLE, utcnow, b"")


def test_addresses_keep_their_names() -> None:
    assert address(" hoa@xa.example.org ", "Nguyễn Thị Hòa") == Address(
        "Nguyễn Thị Hòa", addr_spec="hoa@xa.example.org"
    )
