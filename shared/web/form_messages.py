"""The texts of marshmallow's own validation errors, in Vietnamese; set once, when shared.web.schema is imported."""

from typing import Any

from marshmallow import Schema, fields, validate
from webargs import fields as webargs_fields

FIELDS: dict[type[Any], dict[str, str]] = {
    fields.Field: {
        "required": "Bắt buộc phải có.",
        "null": "Không được để trống.",
        "validator_failed": "Giá trị không hợp lệ.",
    },
    fields.Nested: {"type": "Phải là một đối tượng."},
    fields.List: {"invalid": "Phải là một danh sách."},
    fields.Tuple: {"invalid": "Phải là một dãy có đúng số phần tử."},
    fields.String: {"invalid": "Phải là một chuỗi ký tự.", "invalid_utf8": "Không phải chuỗi UTF-8 hợp lệ."},
    fields.UUID: {"invalid_uuid": "Phải là một mã UUID."},
    fields.Number: {"invalid": "Phải là một số.", "too_large": "Số quá lớn."},
    fields.Integer: {"invalid": "Phải là một số nguyên."},
    fields.Float: {"special": "Không nhận NaN hoặc vô cực."},
    fields.Decimal: {"special": "Không nhận NaN hoặc vô cực."},
    fields.Boolean: {"invalid": "Phải là true hoặc false."},
    fields._TemporalField: {"invalid_awareness": "Thời điểm phải ghi múi giờ đúng như quy định."},
    fields.DateTime: {
        "invalid": "Phải là thời điểm theo ISO 8601, ví dụ 2024-06-14T03:20:11Z.",
        "format": "“{input}” không viết được thành thời điểm.",
    },
    fields.NaiveDateTime: {"invalid_awareness": "Thời điểm không được ghi múi giờ."},
    fields.AwareDateTime: {"invalid_awareness": "Thời điểm phải ghi múi giờ, ví dụ Z hoặc +07:00."},
    fields.Time: {"invalid": "Phải là giờ, ví dụ 07:30.", "format": "“{input}” không viết được thành giờ."},
    fields.Date: {
        "invalid": "Phải là ngày theo dạng năm-tháng-ngày, ví dụ 2024-06-14.",
        "format": "“{input}” không viết được thành ngày.",
    },
    fields.TimeDelta: {
        "invalid": "Phải là một khoảng thời gian.",
        "format": "“{input}” không viết được thành khoảng thời gian.",
    },
    fields.Mapping: {"invalid": "Phải là một bảng khóa và giá trị."},
    fields.Url: {"invalid": "Phải là một địa chỉ web (URL)."},
    fields.Email: {"invalid": "Phải là một địa chỉ thư điện tử."},
    fields.IP: {"invalid_ip": "Phải là một địa chỉ IP."},
    fields.IPv4: {"invalid_ip": "Phải là một địa chỉ IPv4."},
    fields.IPv6: {"invalid_ip": "Phải là một địa chỉ IPv6."},
    fields.IPInterface: {"invalid_ip_interface": "Phải là một giao diện IP."},
    fields.IPv4Interface: {"invalid_ip_interface": "Phải là một giao diện IPv4."},
    fields.IPv6Interface: {"invalid_ip_interface": "Phải là một giao diện IPv6."},
    fields.Enum: {"unknown": "Phải là một trong: {choices}."},
    webargs_fields.DelimitedFieldMixin: {"invalid": "Phải là các giá trị cách nhau bằng dấu phẩy."},
    webargs_fields.DelimitedList: {"invalid": "Phải là các giá trị cách nhau bằng dấu phẩy."},
    webargs_fields.DelimitedTuple: {"invalid": "Phải là các giá trị cách nhau bằng dấu phẩy."},
}

# Range and Length keep their texts in class attributes and choose one by the bounds that are set.
VALIDATORS: dict[type[Any], dict[str, str]] = {
    validate.URL: {"default_message": "Phải là một địa chỉ web (URL)."},
    validate.Email: {"default_message": "Phải là một địa chỉ thư điện tử."},
    validate.Range: {
        "message_min": "Phải {min_op} {{min}}.",
        "message_max": "Phải {max_op} {{max}}.",
        "message_all": "Phải {min_op} {{min}} và {max_op} {{max}}.",
        "message_gte": "lớn hơn hoặc bằng",
        "message_gt": "lớn hơn",
        "message_lte": "nhỏ hơn hoặc bằng",
        "message_lt": "nhỏ hơn",
    },
    validate.Length: {
        "message_min": "Phải có ít nhất {min} ký tự hoặc phần tử.",
        "message_max": "Chỉ được có nhiều nhất {max} ký tự hoặc phần tử.",
        "message_all": "Phải có từ {min} đến {max} ký tự hoặc phần tử.",
        "message_equal": "Phải có đúng {equal} ký tự hoặc phần tử.",
    },
    validate.Equal: {"default_message": "Phải bằng {other}."},
    validate.Regexp: {"default_message": "Không đúng dạng quy định."},
    validate.Predicate: {"default_message": "Giá trị không hợp lệ."},
    validate.NoneOf: {"default_message": "Giá trị không được phép."},
    validate.OneOf: {"default_message": "Phải là một trong: {choices}."},
    validate.ContainsOnly: {"default_message": "Chỉ được chọn trong: {choices}."},
    validate.ContainsNoneOf: {"default_message": "Không được chứa: {values}."},
}

SCHEMA = {"type": "Phải là một đối tượng.", "unknown": "Không có trường này."}


def speak_vietnamese() -> None:
    """Replace marshmallow's English texts. Fields take their texts when they are created, so call this first."""
    for field, messages in FIELDS.items():
        field.default_error_messages = messages
    for validator, attributes in VALIDATORS.items():
        for name, message in attributes.items():
            setattr(validator, name, message)
    Schema._default_error_messages = SCHEMA
