"""What the service says to people: refusals by code, with the HTTP status of each."""

# code → (title, detail)
TEXTS: dict[str, tuple[str, str]] = {
    "not-in-post": ("Không giữ chức vụ", "{staff} hiện không giữ chức vụ nào trong xã."),
}

STATUSES: dict[str, int] = {
    "not-in-post": 403,
}
