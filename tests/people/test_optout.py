"""optout through the app, and phones as people write them."""

from __future__ import annotations

from typing import Any

import openpyxl
import pytest

from siyu_cli.errors import InputRefused
from siyu_cli.people.optout import Given, read_phones


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("13800005671", "13800005671"), (" +86 138-0000-5671 ", "13800005671"),
        ("１３８００００５６７１", "13800005671"),
        ("8613800005671", "13800005671"), ("'13800005671", "13800005671"), ("13800005671.0", "13800005671"),
        ("138****5671", None), ("12800005671", None), ("1380000567", None), ("138000056711", None),
        ("", None),
    ],
)  # fmt: skip
def test_phones_as_people_write_them(text: str, phone: str | None) -> None:
    if phone is None:
        with pytest.raises(InputRefused):
            read_phones([Given(text)])
    else:
        assert read_phones([Given(text), Given(phone)]) == (phone,)


def test_add_list_remove(shop: Any) -> None:
    result = shop.json("optout", "13800000001", "138 0000 0002", "13800000001", "--reason", "投诉").result
    assert result == {"added": 2, "removed": 0, "unchanged": 0, "total": 2}
    assert shop.json("optout", "13800000002").result == {"added": 0, "removed": 0, "unchanged": 1, "total": 2}
    listed = shop.json("optout", "--list").result
    assert [row["phone_masked"] for row in listed["opt_outs"]] == ["138****0001", "138****0002"]
    assert listed["opt_outs"][0]["reason"] == "投诉"
    assert "13800000001" not in shop.run("optout", "--list").stdout
    result = shop.json("optout", "--remove", "13800000001", "13800000009").result
    assert result == {"added": 0, "removed": 1, "unchanged": 1, "total": 1}
    assert "13800000001" not in str(shop.rows("SELECT arguments FROM runs"))


@pytest.mark.parametrize("kind", ["txt", "csv-gbk", "xlsx"])
def test_a_file(shop: Any, kind: str) -> None:
    if kind == "txt":
        path = shop.file("a.txt", "13800000001\n\n13800000002\n")
    elif kind == "csv-gbk":
        path = shop.file("a.csv", "姓名,手机号\n张三,13800000001\n李四,13800000002\n".encode("gb18030"))
    else:
        book = openpyxl.Workbook()
        for row in (("姓名", "手机号"), ("张三", 13800000001), ("李四", "13800000002")):
            book.active.append(row)
        path = shop.root / "inbox" / "a.xlsx"
        book.save(path)
    assert shop.json("optout", "--file", path).result["added"] == 2


def test_refusals(shop: Any) -> None:
    assert shop.json("optout", expect=2).error["code"] == "no-phone"
    assert shop.json("optout", "138****0001", expect=3).error["code"] == "bad-phone"
    path = shop.file("a.csv", "姓名,手机号\n张三,13800000001\n李四,1380\n")
    error = shop.json("optout", "--file", path, expect=3).error
    assert error["where"] == {"file": "a.csv", "row": 3}
    assert shop.json("optout", "--list", "13800000001", expect=2).error["code"] == "usage"
    assert shop.json("optout", "--file", shop.root / "no.csv", expect=3).error["code"] == "file-not-found"
    assert shop.rows("SELECT count(*) FROM opt_outs") == [(0,)]
    assert shop.json("optout", "13800000001", "--dry-run").result["added"] == 1
    assert shop.rows("SELECT count(*) FROM opt_outs") == [(0,)]
