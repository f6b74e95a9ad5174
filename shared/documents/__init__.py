"""A4 pages in HTML: one Jinja environment, the head of NĐ 30/2020, and a policy that lets only the page's style load.

A paper is rendered without a request and needs no other file, so the page served and the page in a bundle are the same
bytes:

    PAPERS = Papers("services.scoring.documents", "sheet.css", filters={"values": _values}, words={"LEVELS": LEVELS})

    html = PAPERS.render("sheet.html", commune="Xã Tiên Cảnh", sheet=sheet)
    response.headers["Content-Security-Policy"] = PAPERS.policy

`sheet.html` and `sheet.css` lie in the package's folder `templates`. The page extends `a4/page.html` and fills its
blocks `title`, `body` and, where the paper is dated by hand, `place`. The style may include `a4/head.css` and
`a4/table.css`. Templates have the filters `day` (of a date) and `moment` (of a recorded time).
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from typing import Any

import jinja2

from shared.dates import day_month_year
from shared.events import VIETNAM, parse_time


class Papers:
    """The pages of a package that share a style. `filters` and `words` are what its templates call and name."""

    def __init__(
        self,
        package: str,
        style: str,
        *,
        filters: Mapping[str, Callable[..., Any]] | None = None,
        words: Mapping[str, Any] | None = None,
    ) -> None:
        self._package = package
        self._style = style
        self._filters = filters or {}
        self._words = words or {}

    def render(self, template: str, *, commune: str, **values: Any) -> str:
        """A page as HTML, `commune` named in its head."""
        page = self._environment.get_template(template).render(css=self._css, commune=commune, **values)
        return page.removesuffix("\n")

    @cached_property
    def policy(self) -> str:
        """What the pages may load: nothing but their own style, as a Content-Security-Policy names it."""
        digest = base64.b64encode(hashlib.sha256(self._css.encode()).digest()).decode()
        style = f"style-src 'sha256-{digest}'"
        return f"default-src 'none'; {style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    @cached_property
    def _css(self) -> str:
        return self._environment.get_template(self._style).render()

    @cached_property
    def _environment(self) -> jinja2.Environment:
        a4 = jinja2.PrefixLoader({"a4": jinja2.PackageLoader("shared.documents")})
        environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader([a4, jinja2.PackageLoader(self._package)]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,  # the parts of a style each end their last line
        )
        environment.filters |= {"day": day, "moment": moment, **self._filters}
        environment.globals |= self._words
        return environment


def day(day: date | None) -> str:
    return day_month_year(day, "–")


def moment(time: str) -> str:
    """A recorded time as a clock in Vietnam showed it."""
    return f"{parse_time(time).astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"
