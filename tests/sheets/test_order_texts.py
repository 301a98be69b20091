"""Columns that come as a dictionary are cleaned by their different texts, with the same outcome as row by row."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.sheets.clean import Distinct, clean_text, plain
from siyu_cli.sheets.order_texts import place_columns, text_columns, word_columns
from tests.sheets.makers import orders

WORDS = st.sampled_from(
    [
        "旗舰店",
        " 旗舰店",
        "",
        "-",
        "/",
        '="套餐"',
        "'引",
        "Ｔ恤 Ａ",
        "浙江省 杭州市 西湖区",
        "北京 朝阳区",
        "张*",
        "##x",
        "交易成功",
        "邮费",
    ]
)
KNOWN = {"交易成功": "paid"}


def coded(texts: list[str]) -> pa.DictionaryArray:
    return pa.array(texts, pa.string()).dictionary_encode()


@given(st.lists(st.lists(WORDS, min_size=1, max_size=8), min_size=1, max_size=4))
def test_a_dictionary_says_what_its_texts_say_batch_after_batch(batches: list[list[str]]) -> None:
    """The words of one batch are remembered; a batch with others must not be taken for it."""
    distinct = Distinct()
    for texts in batches:
        column = coded(texts)
        assert plain(column).to_pylist() == texts
        made = distinct.clean("state", column, lambda cells: word_columns(clean_text(cells), KNOWN))
        expected = word_columns(clean_text(pa.array(texts, pa.string())), KNOWN)
        assert {name: values.to_pylist() for name, values in made.items()} == {
            name: values.to_pylist() for name, values in expected.items()
        }
        places = distinct.clean("address", column, place_columns(column))
        whole = place_columns(column)(pa.array(texts, pa.string()))
        assert [places[name].to_pylist() for name in whole] == [
            values.to_pylist() for values in whole.values()
        ]


def test_what_one_field_was_is_not_what_another_is() -> None:
    """Two fields with the same words keep what was made of each apart."""
    distinct, column = Distinct(), coded(["a", "b", "a"])
    for name, ending in (("one", "1"), ("other", "2")):
        made = distinct.clean(
            name,
            column,
            lambda cells, ending=ending: {"x": pa.array([f"{cell}{ending}" for cell in cells.to_pylist()])},
        )
        assert made["x"].to_pylist() == [f"a{ending}", f"b{ending}", f"a{ending}"]


def test_repeated_and_single_words_of_a_file_become_the_same_rows(tmp_path: Path) -> None:
    """The same rows often enough to be read by their words, and few enough to be read one by one."""
    header = "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,收货人姓名,收货地址 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,店铺名称"
    words = [
        ("交易成功", "张*", "浙江省 杭州市 西湖区", "Ｔ恤 Ａ", "旗舰店"),
        ("交易关闭", "##x", "北京 朝阳区", "邮费", "-"),
        ("交易成功", "", "", '="套餐"', ""),
        ("不认得", "李四", "-", "", "専卖店"),
    ]

    def table(count: int, start: int) -> list[tuple[object, ...]]:
        lines = [header]
        for at in range(start, start + count):
            status, receiver, address, product, shop = words[at % len(words)]
            product = product.replace('"', '""')
            lines.append(
                f"{10**12 + at},买家{at},1.00,1.00,{status},{receiver},{address},,2025-01-01 10:00:00,"
                f'2025-01-01 10:00:00,"{product}",{shop}'
            )
        path = tmp_path / f"淘宝{count}_{start}.csv"
        path.write_bytes("\r\n".join([*lines, ""]).encode("gb18030"))
        found = orders(path)
        rows = found.rows.drop_columns(["row_no"]).to_pylist()
        refused = [(reject.code, reject.detail) for reject in found.rejects]
        return [*(tuple(row.values()) for row in rows), *refused]

    many = table(4096, 0)
    few = [row for start in range(0, 4096, 512) for row in table(512, start)]
    assert sorted(map(repr, many)) == sorted(map(repr, few))
    assert len(many) == 4096


def test_texts_beside_their_constant_and_what_follows() -> None:
    from siyu_cli.sheets.mapping import PlatformMapping

    mapping = PlatformMapping(
        "试", "orders", {"shop": ("店",)}, constants={"shop": "总店"}, postage=("邮费",)
    )
    made = text_columns("shop", pa.array(["", "Ａ店", "-"]), mapping)
    assert made["shop"].to_pylist() == ["总店", "Ａ店", "总店"]
    assert made["shop_key"].to_pylist() == ["总店", "a店", "总店"]
    products = text_columns("product", pa.array(["邮费", "芒果"]), mapping)
    assert [word is not None for word in products["postage"].to_pylist()] == [True, False]
