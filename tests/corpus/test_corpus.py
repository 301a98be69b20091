"""Every case of the corpus, through the real app: its exit code, its counts, its reasons, what is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Shop
from tests.corpus.make import EXPECTED, WRITERS, expected

COUNTS = ("read", "new", "updated", "unchanged", "duplicate", "rejected", "blank")
HELD = {
    "order_ids": "SELECT order_id FROM order_lines ORDER BY order_id",
    "products": "SELECT DISTINCT product FROM order_lines ORDER BY product",
    "paid_at": "SELECT strftime(make_timestamp(paid_sec * 1000000), '%Y-%m-%d %H:%M:%S') FROM order_lines ORDER BY order_id",
    "phones": "SELECT phone FROM leads ORDER BY phone",
    "names": "SELECT name FROM leads ORDER BY phone",
}


def test_every_file_has_its_outcome_and_the_other_way_round() -> None:
    assert sorted(WRITERS) == sorted(path.stem for path in EXPECTED.glob("*.json"))


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_case(name: str, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = expected(name)
    path = shop.root / "inbox" / outcome["file"]
    WRITERS[name](path)
    for key, value in outcome.get("env", {}).items():
        monkeypatch.setenv(key, value)
    call = [
        part.replace("{file}", str(path)).replace("{folder}", str(path.parent)) for part in outcome["command"]
    ]
    called = shop.json(*call, expect=outcome["exit"])
    if "error" in outcome:
        _check_refusal(called.error, outcome)
        assert shop.rows("SELECT count(*) FROM order_lines")[0][0] == 0
        return
    result = called.result
    for entry in (*result["files"], result["totals"]):
        assert entry["read"] == sum(entry[count] for count in COUNTS[1:])
    assert result["totals"] == dict.fromkeys(COUNTS, 0) | outcome["totals"]
    assert result["reasons"] == outcome.get("reasons", {})
    assert set(outcome.get("notes", [])) <= {code for entry in result["files"] for code in entry["notes"]}
    for key in ("platform", "encoding", "sheet", "header_row"):
        assert key not in outcome or result["files"][0][key] == outcome[key], key
    assert "net_fen" not in outcome or result["net_fen"] == outcome["net_fen"]
    for key, query in HELD.items():
        assert key not in outcome or [row[0] for row in shop.rows(query)] == outcome[key], key
    # Importing it once more changes nothing.
    again = shop.json(*call, expect=outcome["exit"]).result["totals"]
    assert (again["new"], again["updated"]) == (0, 0)


def _check_refusal(error: dict[str, Any], outcome: dict[str, Any]) -> None:
    assert error["code"] == outcome["error"]
    assert error["message"]
    assert error["hint"]
