"""From a task's deadline to the mails about it: a small commune lives on and a real SMTP server takes what it sends."""

import icalendar

from tests.support.mail import smtp_server
from tests.support.reminded import SmallCommune


def test_a_deadline_comes_by_mail_until_it_is_reported(tmp_path):
    with smtp_server() as postbox:
        environment = {
            "CCHC_SMTP": f"smtp://127.0.0.1:{postbox.port}",
            "CCHC_MAIL_FROM": "UBND xã Nhỏ <vanphong@xa-nho.example>",
            "CCHC_LINK_BASE": "https://xa-nho.example/",
        }
        commune = SmallCommune(tmp_path, "2024-06-03", (2024,), **environment)
        commune.assign("rà soát", lead="p04", due="2024-06-18")
        commune.to("2024-06-19 09:00")
        commune.report("rà soát", "p04")
        commune.to("2024-06-28 09:00")
        mails = [mail for mail in postbox.mails() if "p04@" in mail["To"]]
        sent = [row.sent_as for row in commune.occurrences("rà soát", channel="email", recipient="p04", state="sent")]
        commune.installation.close()
    assert [mail["Subject"] for mail in mails] == [
        "Còn 7 ngày làm việc: Việc rà soát",
        "Còn 3 ngày làm việc: Việc rà soát",
        "Còn 1 ngày làm việc: Việc rà soát",
        "Đến hạn hôm nay: Việc rà soát",
        "Quá hạn 1 ngày làm việc: Việc rà soát",
    ]
    assert [mail["Message-ID"] for mail in mails] == [f"<{message}@xa-nho.example>" for message in sent]
    assert len({mail["References"] for mail in mails}) == 1
    for mail in mails:
        body = mail.get_body(("plain",))
        assert body is not None and "https://xa-nho.example/viec/xa-nho/" in body.get_content()
    dates = [icalendar.Calendar.from_ical(part.get_content()) for mail in mails for part in mail.iter_attachments()]
    assert [str(one.walk("VEVENT")[0].decoded("DTSTART")) for one in dates] == ["2024-06-18"] * 4
