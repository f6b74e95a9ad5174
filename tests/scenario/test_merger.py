"""Tiên Cảnh, Tiên An, Tiên Lập and Tiên Lộc become xã Thạnh Bình on 1/7/2025, and the year counts whole."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.support.merged import CONTROL, NEW, OLD, PDF, Province


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    province = Province(tmp_path_factory.mktemp("merged") / "data")
    province.year()
    yield province
    province.installation.close()


def test_the_year_counts_both_halves_like_one_that_was_not_cut(lived: Province) -> None:
    expected, found = lived.sheets(CONTROL), lived.sheets(NEW)
    assert found.keys() == expected.keys() and len(found) == 4 * 6
    for staff, sheet in found.items():
        control = expected[staff]
        assert (staff, sheet.level, sheet.figures) == (staff, control.level, control.figures)
        assert {name: sorted(of) for name, of in sheet.lists.items()} == {
            name: sorted(of) for name, of in control.lists.items()
        }
        assert [step.rule for step in sheet.steps] == [step.rule for step in control.steps]
    print({staff: (sheet.level, sheet.figures.get("n")) for staff, sheet in found.items()})
