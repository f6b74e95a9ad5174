"""What lies outside: the services as others reach them, the mail server, the address that browsers use."""

import smtplib
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from cchc.doctor.finding import Finding, failure, not_applicable, ok, warning
from cchc.installation import Installation
from cchc.services import SERVICES
from cchc.settings import WrongSetting
from shared.eventlog.feed import FeedError
from shared.said import said_of

SMTP_TIMEOUT_S = 5
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def services(installation: Installation) -> Iterator[Finding]:
    """The feed of each service answers to a token of this installation: what replicas are filled from."""
    settings = installation.settings
    if not settings.kafka:
        yield not_applicable("mọi dịch vụ chạy trong một tiến trình")
        return
    if not settings.private_key.exists():
        yield not_applicable("tiến trình này không cấp mã truy cập nên không hỏi được")
        return
    answered = []
    for service in SERVICES:
        try:
            installation.feed(service).heads()
        except FeedError as error:
            reason = str(error).rpartition(": ")[2]
            yield failure(
                f"{service} ở {settings.urls[service]} không trả lời: {reason}",
                f"cchc serve {service}, hoặc sửa CCHC_URL_{service.upper()}",
            )
        else:
            answered.append(service)
    if answered:
        yield ok(f"{', '.join(answered)} trả lời")


def mail(installation: Installation) -> Iterator[Finding]:
    """The server takes the connection, its encryption and the password; no mail is sent."""
    settings = installation.settings
    if not settings.smtp:
        yield not_applicable("không đặt CCHC_SMTP: nhắc việc chỉ có trong hộp thư của hệ thống")
        return
    if isinstance(settings.smtp, WrongSetting):
        yield failure(
            "CCHC_SMTP không đúng", "đặt CCHC_SMTP=smtp://máy-chủ:cổng hoặc smtps://người-dùng:mật-khẩu@máy-chủ"
        )
        return
    server = settings.smtp
    place = f"{server.host}:{server.port}"
    if not settings.mail_from or isinstance(settings.mail_from, WrongSetting):
        state = "không đúng" if settings.mail_from else "chưa đặt"
        yield failure(f"CCHC_MAIL_FROM {state}", 'đặt CCHC_MAIL_FROM="UBND xã <vanphong@example.org>"')
    if not settings.link_base:
        yield warning("chưa đặt CCHC_LINK_BASE hay CCHC_ORIGIN: thư không có liên kết", "đặt CCHC_LINK_BASE")
    try:
        with server.session(SMTP_TIMEOUT_S) as session:
            session.ehlo_or_helo_if_needed()
    except smtplib.SMTPAuthenticationError as error:
        yield failure(f"{place} từ chối mật khẩu ({error.smtp_code})", "sửa người dùng, mật khẩu trong CCHC_SMTP")
    except (OSError, smtplib.SMTPException, ssl.SSLError) as error:
        yield failure(f"{place} không trả lời: {said_of(error)}", "kiểm tra máy chủ thư, tường lửa, CCHC_SMTP")
    else:
        yield ok(f"{place} trả lời")


def origin(installation: Installation) -> Iterator[Finding]:
    """What browsers use, which the check of where a change comes from compares with."""
    settings = installation.settings
    if not settings.origin:
        if settings.kafka:
            yield warning(
                "chưa đặt CCHC_ORIGIN: sau proxy, mọi thay đổi từ trình duyệt bị từ chối",
                "đặt CCHC_ORIGIN=https://tên-miền mà trình duyệt dùng",
            )
        else:
            yield not_applicable("không đặt CCHC_ORIGIN: không có proxy đứng trước")
        return
    parts = urlsplit(settings.origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        yield failure(f"CCHC_ORIGIN={settings.origin} không đúng", "đặt CCHC_ORIGIN=https://tên-miền[:cổng]")
    elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
        yield warning(
            f"{settings.origin} không mã hóa: mã truy cập, liên kết đăng nhập và nội dung đi qua mạng ở dạng rõ",
            "đặt chứng thư TLS ở proxy",
        )
    else:
        yield ok(settings.origin)
