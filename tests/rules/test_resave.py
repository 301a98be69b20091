"""Rule files of other encodings: named as such, and saved as UTF-8 with the old bytes kept."""

from __future__ import annotations

import pytest

from tests.conftest import Shop

RULE = "tags:\n  爱水果:\n    when: 订单数 >= 1\n"


@pytest.mark.parametrize(
    ("encoding", "word"), [("gbk", "GBK"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")]
)
def test_a_file_of_another_encoding_is_named_and_resaved(shop: Shop, encoding: str, word: str) -> None:
    path = shop.root / "rules" / "爱水果.yaml"
    raw = RULE.encode(encoding)
    path.write_bytes(raw)
    refused = shop.run("check-rules", expect=3)
    assert word in refused.stderr
    assert "--to-utf8" in refused.stderr
    done = shop.run("check-rules", "--to-utf8", "rules/爱水果.yaml")
    assert "rules/爱水果.yaml 已改存为 UTF-8,旧文件在 rules/爱水果.yaml.bak" in done.stderr
    assert path.read_bytes() == RULE.encode()
    assert path.with_name("爱水果.yaml.bak").read_bytes() == raw
    again = shop.run("check-rules", "--to-utf8", path)
    assert "本来就是 UTF-8" in again.stderr
    assert len(list(path.parent.glob("*.bak*"))) == 1
    path.write_bytes(raw)
    shop.run("check-rules", "--to-utf8", path)
    assert path.with_name("爱水果.yaml.bak2").read_bytes() == raw


def test_bytes_of_no_known_encoding_are_left_alone(shop: Shop) -> None:
    path = shop.root / "rules" / "坏.yaml"
    path.write_bytes(b"a: \xff\xff\xe9")
    error = shop.json("check-rules", "--to-utf8", path, expect=3).error
    assert error["code"] == "unknown-encoding"
    assert path.read_bytes() == b"a: \xff\xff\xe9"
    assert (
        shop.json("check-rules", "--to-utf8", "rules/没有.yaml", expect=3).error["code"] == "unreadable-file"
    )
