"""Exceptions at the command line: one sentence that says what to do, and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from cchc.data_lock import DataInUse
from cchc.output import FOUND, REFUSED, UNAVAILABLE, fail
from cchc.served import CannotServe
from cchc.settings import WrongSetting
from services.scoring.domain.rules.description import DescriptionError
from shared.eventlog import Ahead, Busy, ChainBreak, ClockBehind, KeyReused, StaleVersion, UnknownCommune
from shared.eventlog.errors import ServerLacks
from shared.eventlog.trouble import lacks_tables, trouble_of
from shared.events import MalformedEvent, UnknownVersion
from shared.projection import CannotFold
from shared.refusal import Refused
from shared.said import said_of
from shared.sandbox.places import ReadersBusy
from shared.web.problems import TROUBLES

SENTENCES: dict[type[Exception], tuple[str, int]] = {
    UnknownCommune: ("Chưa có xã này: {error}. Mở xã trước khi ghi.", REFUSED),
    ChainBreak: ("Chuỗi sự kiện không khớp: {error}. Chạy cchc verify để xem chi tiết.", REFUSED),
    Ahead: ("Thiếu sự kiện ở giữa: {error}. Nhập phần còn thiếu trước.", REFUSED),
    MalformedEvent: ("Không phải nhật ký đã xuất: {error}.", REFUSED),
    UnknownVersion: ("Bản cài đặt này chưa đọc được sự kiện {error}. Cập nhật rồi làm lại.", REFUSED),
    CannotFold: ("Không tính được từ nhật ký: {error}. Chạy cchc verify để xem chi tiết.", FOUND),
    ClockBehind: ("Đồng hồ máy chậm hơn nhật ký: {error}. Chỉnh lại giờ máy.", UNAVAILABLE),
    KeyReused: ("Khóa chống gửi lặp đã dùng cho yêu cầu khác: {error}.", REFUSED),
    StaleVersion: ("Dữ liệu đã thay đổi: {error}. Đọc lại rồi làm lại.", REFUSED),
    Busy: ("Cơ sở dữ liệu đang bận: {error}. Thử lại sau giây lát.", UNAVAILABLE),
    ReadersBusy: ("Máy đang đọc tệp khác. Thử lại sau ít phút.", UNAVAILABLE),
    ServerLacks: ("{error}", UNAVAILABLE),
    WrongSetting: ("{error}", REFUSED),
    CannotServe: ("{error}", UNAVAILABLE),
    DataInUse: (
        "Thư mục {error} đang có tiến trình cchc khác dùng. Dừng các tiến trình đó để phục hồi, hoặc đợi phục hồi.",
        REFUSED,
    ),
    OperationalError: (
        "Không dùng được cơ sở dữ liệu: {error}. Kiểm tra kết nối, quyền ghi và chạy cchc migrate.",
        UNAVAILABLE,
    ),
    DescriptionError: ("Không dùng được bộ quy tắc: {error}. Sửa thư mục của bộ quy tắc (CCHC_RULE_SETS).", REFUSED),
    ArgumentError: ("Địa chỉ cơ sở dữ liệu không đúng: {error}. Kiểm tra CCHC_DATABASE_….", REFUSED),
    OSError: ("Không đọc hoặc không ghi được: {error}.", UNAVAILABLE),
}

# Other errors of a database are explained when storage causes them.
EXPLAINED: tuple[type[Exception], ...] = (*SENTENCES, DBAPIError)


@contextmanager
def explained() -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        fail(f"{refusal.detail} [{refusal.code}]", REFUSED)
    except EXPLAINED as error:
        said = said_of(error) if isinstance(error, DBAPIError) else error
        if isinstance(error, DBAPIError) and lacks_tables(error):
            fail("Cơ sở dữ liệu chưa có lược đồ của bản này. Chạy cchc migrate rồi làm lại.", UNAVAILABLE)
        if word := trouble_of(error):
            fail(f"{TROUBLES[word].detail} ({said}) [{word}]", UNAVAILABLE)
        found = next((found for kind, found in SENTENCES.items() if isinstance(error, kind)), None)
        if found is None:
            raise
        sentence, code = found
        fail(sentence.format(error=said), code)
