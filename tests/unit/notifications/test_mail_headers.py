"""Names and titles in the headers of a mail: whatever they hold, a mail has one recipient and no further header."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import Message as Mail
from email.utils import getaddresses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifications.channels.email import address, letter
from services.notifications.channels.interface import Message, Permanent
from services.notifications.words import plain

SENDER = Address("UBND xã Tiên Cảnh", addr_spec="vanphong@xa.example.org")
ADDRESS = "hoa@xa.example.org"
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
    "MIME-Version", "Content-Type",
}  # fmt: skip
# Signs that mean something in a header, with words in which they may stand.
PIECES = st.sampled_from(
    [*',;:"\'\\<>()[]@.\r\n\t\0 ', "\r\nBcc: all@example.org", "=?utf-8?q?a=2C_b=0A?=", "<all@example.org>", "Nguyễn",
     "công chức văn hóa – xã hội", "e\u0301", "\u202e", "\U0001f600", "a" * 90, "ộ" * 90]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=20), max_size=30).map("".join)
LONG = "Nguyen Thi Minh Khai, pho truong ban van hoa xa hoi, kiem nhiem cong tac dan toc va ton giao"


def sent(name: str, subject: str, sender: Address = SENDER) -> bytes:
    message = Message(
        message="0b1d2c1e-9d51-5f1a-8a7e-000000000001",
        commune="tien-canh",
        recipient="p07",
        at="2024-11-28T00:30:00.000Z",
        subject=subject,
        greeting="Kính gửi,",
        items=[],
        closing="Tin tự động.",
        urgent=False,
    )
    return letter(message, sender, address(ADDRESS, name)).as_bytes()


def parsed(raw: bytes) -> Iterator[Mail]:
    """As the old and the new parser of the standard library read it."""
    yield message_from_bytes(raw)
    yield message_from_bytes(raw, policy=policy.default)


def shown(value: str) -> str:
    return str(make_header(decode_header(value)))


@given(TEXTS, TEXTS)
@example(LONG, LONG)
@example(LONG.replace("a", "ạ"), LONG.replace("a", "ạ"))
@example('"A" <all@example.org>, ' * 9, "=?utf-8?q?x=0ABcc=3A_all=40example=2Eorg?=")
def test_any_name_is_one_address_and_any_title_one_line(name: str, subject: str) -> None:
    raw = sent(name, subject)
    head = raw.split(b"\r\n\r\n")[0]
    assert head.isascii() and max(map(len, head.split(b"\r\n"))) <= 78
    for mail in parsed(raw):
        assert set(mail.keys()) == HEADERS
        [(_, to)] = getaddresses([message_from_bytes(raw)["To"]])
        assert to == ADDRESS
    assert [each.addr_spec for each in message_from_bytes(raw, policy=policy.default)["To"].addresses] == [ADDRESS]
    [(display, _)] = getaddresses([message_from_bytes(raw)["To"]])
    assert shown(display) == plain(name)
    assert shown(message_from_bytes(raw)["Subject"]) == plain(subject)


@given(TEXTS)
@example(LONG)
def test_the_sender_of_a_setting_is_one_address_too(name: str) -> None:
    sender = Address(plain(name), addr_spec="vanphong@xa.example.org")
    raw = sent("Hòa", "Việc", sender)
    assert [to for _, to in getaddresses([message_from_bytes(raw)["From"]])] == ["vanphong@xa.example.org"]


@pytest.mark.parametrize(
    "email",
    ["a,b@x.org", "a@x.org, b@x.org", "a@x.org b@x.org", "a@x.org>\r\nBcc: b@x.org", "<a@x.org>", f"{'a' * 250}@x.org"],
)
def test_what_is_not_one_address_is_refused(email: str) -> None:
    with pytest.raises(Permanent, match="bad_address"):
        address(email, LONG)
