"""Finds the people that a lead or collaborator cell means, proposed from the roster; never guessed silently."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Literal

import msgspec

from services.tasks.imports.words import words
from shared.collation import fold

How = Literal["code", "name", "post", "unit", "near", "group", "several", "unknown"]

ALMOST = ("code", "name", "post", "unit", "near")
VILLAGE_HEADS = re.compile(
    r"(?:(?:cac|toan the|tat ca|tat ca cac)\s+)?"
    r"(?:truong\s+(?:cac\s+|\d+\s+)?thon(?:\s+\d+\s+thon)?|(?:\d+|cac|tat ca cac)\s+thon)"
    r"(?:\s+(?:tren dia ban|trong)(?: toan)? xa)?"
)
GROUP = re.compile(
    r"(?:toan the|toan bo|tat ca|cac|moi|tung|nhung|\d+\s+(?:thon|don vi|nganh|bo phan))(?!\w)[^;\n]*"
    r"|can bo,?\s+(?:va\s+)?cong chuc[^;\n]*|(?:cbcc|cb,\s*cc)[^;\n]*"
)
SPLIT = re.compile(r"[;\n,/&+]|(?<!\w)(?:và|VÀ|Và|cùng)(?!\w)")

ABBREVIATIONS = {
    "vp": "van phong",
    "tk": "thong ke",
    "vptk": "van phong thong ke",
    "tp": "tu phap",
    "ht": "ho tich",
    "tpht": "tu phap ho tich",
    "tc": "tai chinh",
    "kt": "ke toan",
    "tckt": "tai chinh ke toan",
    "vh": "van hoa",
    "xh": "xa hoi",
    "vhxh": "van hoa xa hoi",
    "dc": "dia chinh",
    "nn": "nong nghiep",
    "xd": "xay dung",
    "mt": "moi truong",
    "ct": "chu tich",
    "pct": "pho chu tich",
    "bt": "bi thu",
    "ca": "cong an",
    "qs": "quan su",
    "chqs": "chi huy quan su",
    "bchqs": "ban chi huy quan su",
    "tdtt": "the duc the thao",
    "mttq": "mat tran to quoc",
    "ubmttq": "uy ban mat tran to quoc",
    "ubmttqvn": "uy ban mat tran to quoc viet nam",
    "hnd": "hoi nong dan",
    "lhpn": "lien hiep phu nu",
    "hlhpn": "hoi lien hiep phu nu",
    "ccb": "cuu chien binh",
    "hccb": "hoi cuu chien binh",
    "tn": "thanh nien",
    "1c": "mot cua",
    "dtt": "dai truyen thanh",
    "ubnd": "uy ban nhan dan",
    "hdnd": "hoi dong nhan dan",
}
ENOUGH_WORDS = 2
ENOUGH_OF_POST = 0.4  # share of the post's words that near words must cover


class Person(msgspec.Struct, frozen=True):
    """A line of the roster in force; `name` is never stored with a task, only compared."""

    staff: str
    post: str
    unit: str
    category: str
    tracker: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    name: str = ""


class Lead(msgspec.Struct, frozen=True, omit_defaults=True):
    """The people proposed: one staff id; for a group or several leads all; for `unknown` those who might be meant."""

    text: str
    how: How
    staff: tuple[str, ...] = ()


class Directory:
    """The roster on one day, looked up by the words that people use for it."""

    def __init__(self, people: Iterable[Person], on: date) -> None:
        self._people = [person for person in people if _serves(person, on)]
        self._posts = [(person, _key(person.post)) for person in self._people]
        self._village_heads = tuple(person.staff for person in self._people if person.category == "truong_thon")
        self._resolved: dict[str, Lead] = {}

    def lead(self, text: str) -> Lead:
        """Whom a lead cell means; `several` and `group` need a person's answer, so does `unknown`."""
        if text not in self._resolved:
            self._resolved[text] = self._resolve(text) if words(text) else Lead(text, "unknown")
        return self._resolved[text]

    def collaborators(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The staff ids that the words give, and the words that give none."""
        if not text:
            return (), ()
        whole = self.lead(text)
        parts = [self.lead(part) for part in _parts(text)] if whole.how in ("several", "unknown") else [whole]
        if whole.how == "group" and not GROUP.fullmatch(fold(text)):
            parts = [self.lead(part) for part in _parts(text)]
        known = [part for part in parts if part.staff and part.how not in ("several", "unknown")]
        staff = tuple(dict.fromkeys(code for part in known for code in part.staff))
        return staff, tuple(part.text for part in parts if part not in known)

    def _resolve(self, text: str) -> Lead:
        code, key = text.strip().casefold(), _key(text)
        sure = self._first(
            text,
            ("code", lambda: [person.staff for person in self._people if person.staff == code]),
            ("name", lambda: [p.staff for p in self._people if p.name and words(p.name) == words(text)]),
            ("post", lambda: [person.staff for person, post in self._posts if post == key]),
            ("unit", lambda: self._heads(lambda unit: unit == key)),
        )
        if sure.how != "unknown":
            return sure
        folded = fold(text).strip(" .")
        if VILLAGE_HEADS.fullmatch(folded):
            return Lead(text, "group", self._village_heads)
        if GROUP.fullmatch(folded):
            return Lead(text, "group")
        near = self._first(text, ("near", lambda: self._near(key)))
        if near.how == "near":
            return near
        return self._together(text) or (sure if sure.staff else near)

    def _together(self, text: str) -> Lead | None:
        """Several leads in one cell: those that are known; None when the text is not several or none is known."""
        parts = _parts(text)
        if len(parts) < 2:
            return None
        leads = [self.lead(part) for part in parts]
        known = [lead.staff[0] for lead in leads if lead.how in ALMOST]
        if known:
            return Lead(text, "several", tuple(dict.fromkeys(known)))
        groups = [lead for lead in leads if lead.how == "group"]
        return Lead(text, "group", tuple(code for lead in groups for code in lead.staff)) if groups else None

    @staticmethod
    def _first(text: str, *ways: tuple[How, Callable[[], list[str]]]) -> Lead:
        """The first way that gives exactly one person; else those whom the first fitting way leaves open."""
        meant: list[str] = []
        for how, look in ways:
            found = look()
            if len(found) == 1:
                return Lead(text, how, (found[0],))
            meant = meant or found
        return Lead(text, "unknown", tuple(meant))

    def _heads(self, fits: Callable[[tuple[str, ...]], bool]) -> list[str]:
        """Of the unit that fits: the one to whom all its others report, else everybody in it."""
        members = [person for person in self._people if fits(_key(person.unit))]
        heads = [
            head.staff
            for head in members
            if all(person.tracker == head.staff for person in members if person is not head)
        ]
        return heads if len(heads) == 1 else [person.staff for person in members]

    def _near(self, key: tuple[str, ...]) -> list[str]:
        """Whose post holds these words in this order, abbreviations spelled out; the same words first, then units."""
        asked = _spelled(key)
        spelled = [(person.staff, _spelled(post)) for person, post in self._posts]
        same = [staff for staff, post in spelled if post == asked]
        if same or len(asked) < ENOUGH_WORDS:
            return same
        inside = [(staff, post) for staff, post in spelled if _in_order(asked, post)]
        if len(inside) == 1 and len(asked) < ENOUGH_OF_POST * len(inside[0][1]):
            return []
        return [staff for staff, _ in inside] or self._heads(lambda unit: _spelled(unit) == asked)


def _in_order(asked: tuple[str, ...], post: tuple[str, ...]) -> bool:
    rest = iter(post)
    return all(word in rest for word in asked)


def _serves(person: Person, on: date) -> bool:
    return (person.valid_from is None or person.valid_from <= on) and (person.valid_to is None or on <= person.valid_to)


def _key(text: str) -> tuple[str, ...]:
    """The words that count: not "Công chức" before a post, not "xã" behind a body, no punctuation."""
    found = words(text)
    if found[:2] == ["cong", "chuc"] and len(found) > 2:
        found = found[2:]
    return tuple(word for at, word in enumerate(found) if word != "xa" or found[at + 1 : at + 2] == ["hoi"])


def _spelled(key: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for short in key for word in ABBREVIATIONS.get(short, short).split())


def _parts(text: str) -> list[str]:
    return [part.strip(" .-") for part in SPLIT.split(text) if part and part.strip(" .-")]
