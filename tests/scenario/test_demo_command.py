"""`cchc demo`: the scripted year in a deployment whose services have databases apart and meet over a broker."""

from pathlib import Path

from tests.scenario.conftest import command_line, read_json

# Nobody answers there: the year is lived, and the replicas are filled, without the broker.
DEPLOYED = {"CCHC_KAFKA": "127.0.0.1:1"}


def test_the_demo_year_is_loaded_with_every_replica(tmp_path: Path):
    cchc = command_line(tmp_path / "data")
    cchc("migrate", **DEPLOYED)
    cchc("demo", **DEPLOYED)
    for row in read_json(cchc("status", "--json", **DEPLOYED)):
        assert row["head"] > 0
        for reader in ("held_by_scoring", "held_by_notifications"):
            assert row[reader] in (None, row["head"])
        assert row["stopped"] is None
    assert read_json(cchc("verify", "--no-topic", "--json", **DEPLOYED))["findings"] == []
    assert cchc("demo", **DEPLOYED).stdout == "Đã có xã, không nạp năm mẫu.\n"
