"""Cleaners against naive scalar versions: any disguise of a value gives the value."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import format_seconds, seconds_of
from siyu_cli.sheets.clean import (
    clean_codes,
    clean_ids,
    clean_money,
    clean_quantities,
    clean_text,
    price_times_quantity,
)
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.places import clean_cities, clean_provinces, places_of
from tests.sheets.makers import TZ, codes, orders, text, xlsx


def wide(text: str) -> str:
    return "".join(chr(ord(ch) + 0xFEE0) if ch in "0123456789.-," else ch for ch in text)


# --- money ---------------------------------------------------------------------------------------

AMOUNTS = st.decimals(min_value=-999_999_999, max_value=999_999_999, places=2)
MONEY_DISGUISES = (
    str,
    lambda d: f"{d:,}",
    lambda d: f"¥{d}",
    lambda d: f"-￥{-d:,}" if d < 0 else f"￥{d:,}",
    lambda d: f"{d}元",
    lambda d: f"\t{d}\t",
    lambda d: wide(str(d)),
    lambda d: f"'{d}",
    lambda d: f"{d}000",
    lambda d: f"{d / 10000:f}万",
)


def money(text: str | None) -> tuple[int | None, str | None]:
    values, codes, _ = clean_money(pa.array([text], pa.string()))
    return values[0].as_py(), codes[0].as_py()


@given(AMOUNTS, st.sampled_from(MONEY_DISGUISES))
def test_disguised_amounts_are_recovered(amount, disguise):
    assert money(disguise(amount)) == (int(amount * 100), None)


@given(st.decimals(min_value=-99_999, max_value=99_999, places=6))
def test_further_decimals_round_half_up_away_from_zero(amount):
    expected = int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    values, codes, is_rounded = clean_money(pa.array([f"{amount:f}"]))
    assert (values[0].as_py(), codes[0].as_py()) == (expected, None)
    assert is_rounded[0].as_py() == (amount * 100 != int(amount * 100))


@given(st.floats(min_value=-1e9, max_value=1e9, allow_nan=False))
def test_numbers_from_cells_are_exact(value):
    text = format(Decimal(repr(value)), "f")
    expected = int((Decimal(repr(value)) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert money(text) == (expected, None)


@pytest.mark.parametrize(
    "text", ["99块", "30.0%", "$5", "1e5", "1.5E+3", "1,29", "1 299", "0.1.2", "万", "12亿", "=1+1"]
)
def test_unknown_units_and_forms_are_refused(text):
    assert money(text) == (None, "bad-money")


@pytest.mark.parametrize(
    "text", ["", " ", "-", "--", "—", "——", "/", "- -- — /", "－", "null", "\\N", "\t-", None]
)
def test_placeholders_are_missing(text):
    assert money(text) == (None, None)
    assert moment_of(text) == (None, None)
    assert clean_ids(pa.array([text], pa.string())).values.to_pylist() == [None]


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("￥1,299.00", 129900), ("99元", 9900), ("－5", -500), ("−5", -500), ("–5", -500), ("-¥5", -500), ("¥-5", -500),
        ("１２", 1200), ("1.2万", 1_200_000), ("¥ 0", 0), ("12.5 元", 1250), ("0元", 0), ("999999999999.99", 99999999999999),
    ],
)  # fmt: skip
def test_money_table(text, fen):
    assert money(text) == (fen, None)


@given(
    st.lists(
        st.one_of(st.none(), AMOUNTS.map(str), st.text(max_size=8), st.sampled_from(["-", "1.2万", "¥3"])),
        max_size=9,
    )
)
def test_a_column_means_what_its_cells_mean(texts):
    values, codes, _ = clean_money(pa.array(texts, pa.string()))
    assert list(zip(values.to_pylist(), codes.to_pylist(), strict=True)) == [money(text) for text in texts]


@given(
    st.decimals(min_value=-9_999, max_value=9_999, places=4),
    st.decimals(min_value=-999, max_value=999, places=3),
)
def test_price_times_quantity_is_exact(price, quantity):
    expected = int((price * quantity * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert price_times_quantity(pa.array([f"{price:f}"]), pa.array([f"{quantity:f}"]))[0].as_py() == expected


def test_quantities():
    values, codes, _ = clean_quantities(pa.array(["2", "1.5", "3件", "x", "", "1.0", "-1"]))
    assert values.to_pylist() == [2000, 1500, 3000, None, None, 1000, -1000]
    assert codes.to_pylist() == [None, None, None, "bad-quantity", None, None, None]


# --- dates ---------------------------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(1995, 1, 1), datetime(2099, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)


def serial(moment: datetime) -> str:
    return repr((moment - datetime(1899, 12, 30)) / timedelta(days=1))


DATE_DISGUISES = (
    str,
    lambda t: t.isoformat(),
    lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t.minute:02}:{t.second:02}",
    lambda t: f"{t.year}年{t.month}月{t.day}日 {t.hour}时{t.minute}分{t.second}秒",
    lambda t: f"{t:%Y%m%d%H%M%S}",
    lambda t: f"{t:%Y%m%d} {t:%H:%M:%S}",
    lambda t: wide(str(t)),
    lambda t: f"\t{t}\t",
    lambda t: (
        f"{t.year}-{t.month}-{t.day} {'上午' if t.hour < 12 else '下午'}{t.hour % 12 or 12}:{t.minute:02}:{t.second:02}"
    ),
    serial,
)


def moment_of(text: str | None, formats: tuple[str, ...] = ()) -> tuple[str | None, str | None]:
    values, codes = clean_moments(pa.array([text], pa.string()), formats, TZ)
    value = values[0].as_py()
    return (None if value is None else format_seconds(value)), codes[0].as_py()


@given(MOMENTS, st.sampled_from(DATE_DISGUISES))
def test_disguised_moments_are_recovered(moment, disguise):
    assert moment_of(disguise(moment)) == (str(moment), None)


@given(MOMENTS.filter(lambda moment: 2001 < moment.year < 2096), st.booleans())
def test_epoch_seconds_are_converted_into_the_zone(moment, is_milli):
    epoch = int(moment.replace(tzinfo=TZ).timestamp())
    assert moment_of(f"{epoch}000" if is_milli else str(epoch)) == (str(moment), None)
    named = clean_moments(pa.array([str(epoch)]), (), ZoneInfo("Asia/Shanghai")).values
    assert named[0].as_py() == seconds_of(moment)


@given(
    st.integers(1990, 2099), st.integers(0, 14), st.integers(0, 33), st.integers(0, 26), st.integers(0, 62)
)
def test_days_and_times_that_do_not_exist_are_refused(year, month, day, hour, minute):
    text = f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}:00"
    try:
        expected = (str(datetime(year, month, day, hour, minute)), None)
    except ValueError:
        expected = (None, "bad-date")
    assert moment_of(text) == expected


@given(
    MOMENTS,
    st.sampled_from(["%m/%d/%y %H:%M", "%d.%m.%Y %H:%M", "%Y%m%d", "%m-%d-%Y %I:%M %p"]),
    st.booleans(),
)
def test_formats_of_the_mapping_come_first(moment, form, is_padded):
    if form == "%m/%d/%y %H:%M":
        moment = moment.replace(year=2010 + moment.year % 50, day=min(moment.day, 28))
    text = moment.strftime(form)
    if not is_padded and form != "%Y%m%d":
        text = re.sub(r"(?<![0-9])0(?=[0-9])", "", text)
    expected = datetime.strptime(text, form)
    assert moment_of(text, (form,)) == (str(expected), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-15", ("2025-03-15 00:00:00", None)),
        ("20250315", ("2025-03-15 00:00:00", None)),
        ("2025年3月5日 3时4分", ("2025-03-05 03:04:00", None)),
        ("2018/5/16 9:41", ("2018-05-16 09:41:00", None)),
        ("45293", ("2024-01-02 00:00:00", None)),
        ("45293.999999", ("2024-01-03 00:00:00", None)),
        ("0000-00-00 00:00:00", (None, None)),
        ("0001-01-01 00:00:00", (None, None)),
        ("2024-02-29", ("2024-02-29 00:00:00", None)),
        ("2023-02-29", (None, "bad-date")),
        ("2025-02-30 10:00:00", (None, "bad-date")),
        ("60", (None, "bad-date")),
        ("01/02/2024", (None, "ambiguous-date")),
        ("5/6/11 9:00", (None, "ambiguous-date")),
        ("昨天", (None, "bad-date")),
        ("2024-03-01 10:02:11 +0800", ("2024-03-01 10:02:11", None)),
        ("2024-03-01 10:02:11 -0500", ("2024-03-01 23:02:11", None)),
        ("2024-02-29T20:02:11Z", ("2024-03-01 04:02:11", None)),
    ],
)
def test_date_table(text, expected):
    assert moment_of(text) == expected


@given(MOMENTS.filter(lambda moment: moment.year > 1960))
def test_serials_of_a_workbook_that_counts_from_1904(moment):
    days = repr((moment - datetime(1904, 1, 1)) / timedelta(days=1))
    values, codes = clean_moments(pa.array([days, str(moment)]), (), TZ, is_1904=True)
    assert [format_seconds(value) for value in values.to_pylist()] == [str(moment)] * 2
    assert codes.null_count == 2


@given(
    st.lists(
        st.one_of(
            MOMENTS.map(str),
            MOMENTS.map(serial),
            st.sampled_from(["", "-", "x", "2025-02-30", "2025-03-15 10"]),
        ),
        max_size=9,
    )
)
def test_a_date_column_means_what_its_cells_mean(texts):
    values, codes = clean_moments(pa.array(texts, pa.string()), (), TZ)
    shown = [None if value is None else format_seconds(value) for value in values.to_pylist()]
    assert list(zip(shown, codes.to_pylist(), strict=True)) == [moment_of(text) for text in texts]


# --- texts, ids, places --------------------------------------------------------------------------


@given(st.text(max_size=12))
def test_text_is_trimmed_and_cleaning_again_only_removes_markers(text):
    cleaned = clean_text(pa.array([text]))[0].as_py()
    if cleaned is not None:
        assert cleaned
        assert unicodedata.category(cleaned[0]) not in ("Zs", "Cc")
        assert unicodedata.category(cleaned[-1]) not in ("Zs", "Cc")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a ", "a"), ('="0123"', "0123"), ("'=1+1", "=1+1"), ("`490", "490"), ("\t6917", "6917"), ("\ufeff名", "名"),
        ("NA", "NA"), ("null", "null"), ("[vip]张三", "[vip]张三"), ("a\x00b", "ab"), ("", None), ("　", None),
        ("第一行\n第二行", "第一行\n第二行"), ("-", "-"),
    ],
)  # fmt: skip
def test_text_table(text, expected):
    assert clean_text(pa.array([text]))[0].as_py() == expected


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        ("4900123456789012345", "4900123456789012345", None),
        ('="4900123456789012345"', "4900123456789012345", None),
        ("4.90012E+17", None, "id-precision-lost"),
        ("1.93068E+15", None, "id-precision-lost"),
        ("490012345678901234.0", None, "id-precision-lost"),
        ("13981790993.0", "13981790993", None),
        ("１２３", "123", None),
        ("12E3", "12E3", None),
        ("E20250315", "E20250315", None),
        ("\u200b123", "123", None),
        ("'4900123456789012345", "4900123456789012345", None),
        ("`4900123456789012345", "4900123456789012345", None),
        ("\t4900123456789012345", "4900123456789012345", None),
        ("4900123456789012345\t", "4900123456789012345", None),
        ("\ufeff4900123456789012345", "4900123456789012345", None),
        ("4900\u200b123456789012345", "4900123456789012345", None),
        ("４９００123456789012345", "4900123456789012345", None),
        ("4.90012345678901E+17", None, "id-precision-lost"),
        ("'4.90012E+17", None, "id-precision-lost"),
        ("-", None, None),
        ("/", None, None),
    ],
)
def test_ids(text, value, code):
    values, codes = clean_ids(pa.array([text]))
    assert (values[0].as_py(), codes[0].as_py()) == (value, code)


@pytest.mark.parametrize(
    ("province", "city", "expected"),
    [
        ("北京", "海淀区", "北京市"), ("上海市", "上海", "上海市"), ("重庆", "县", "重庆市"), ("北京", None, None),
        ("浙江省", "杭州市", "杭州市"), (None, "海淀区", "海淀区"), ("天津", "**", None),
    ],
)  # fmt: skip
def test_a_district_in_the_city_column_is_its_city(province, city, expected):
    provinces = clean_provinces(pa.array([province], pa.string()))
    assert clean_cities(pa.array([city], pa.string()), provinces).to_pylist() == [expected]


def test_provinces_have_one_spelling():
    words = [
        "上海",
        "上海市",
        "广西壮族自治区",
        "广西",
        "内蒙古自治区",
        "浙江省",
        "香港特别行政区",
        "****",
        None,
        "安省",
    ]
    expected = ["上海", "上海", "广西", "广西", "内蒙古", "浙江", "香港", None, None, "安省"]
    assert clean_provinces(pa.array(words)).to_pylist() == expected


@pytest.mark.parametrize(
    ("address", "province", "city"),
    [
        ("浙江省 杭州市 西湖区 文三路(310000)", "浙江", "杭州市"),
        ("上海 上海市 浦东新区", "上海", "上海市"),
        ("重庆市重庆市渝北区", "重庆", "重庆市"),
        ("北京朝阳区望京", "北京", "北京市"),
        ("新疆维吾尔自治区 伊犁哈萨克自治州 伊宁市", "新疆", "伊犁哈萨克自治州"),
        ("上海", "上海", None),
        ("海外 美国", None, None),
        (None, None, None),
    ],
)
def test_places_of_addresses(address, province, city):
    found = places_of(pa.array([address], pa.string()))
    assert (found[0][0].as_py(), found[1][0].as_py()) == (province, city)


@pytest.mark.parametrize("text", ["0000-00-00 00:00:00", "0001-01-01 00:00:00", "0000/00/00"])
def test_all_zero_days_are_missing_whatever_formats_a_mapping_names(text):
    assert moment_of(text, ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d")) == (None, None)


def test_a_day_that_does_not_fit_one_format_is_tried_by_the_next():
    formats = ("%m/%d/%Y", "%d/%m/%Y")
    assert moment_of("13/01/2024", formats) == ("2024-01-13 00:00:00", None)
    assert moment_of("01/02/2024", formats) == ("2024-01-02 00:00:00", None)
    assert moment_of("13/13/2024", formats) == (None, "bad-date")
    assert moment_of("01-02-2024", formats) == (None, "ambiguous-date")


@pytest.mark.parametrize("clean", [clean_text, clean_codes, clean_ids, clean_quantities, clean_money])
@pytest.mark.parametrize(
    "cells",
    [["3", '="7"', " - ", "", "1.5", "abc", "\t8\t", "买家1", "---"], ['="12"', '="345"'], ["'9", "9"]],
)
def test_a_column_of_few_texts_means_what_its_cells_mean(clean, cells):
    def all_of(texts):
        found = clean(pa.array(texts, pa.string()))
        arrays = [found] if isinstance(found, pa.Array) else list(found)[:2]
        return list(zip(*(array.to_pylist() for array in arrays), strict=True))

    assert all_of(cells * 700) == [all_of([cell])[0] for cell in cells] * 700


# --- rows ----------------------------------------------------------------------------------------

HEADER = [
    "订单编号",
    "买家会员名",
    "买家实际支付金额",
    "订单状态",
    "订单创建时间",
    "订单付款时间",
    "收货人姓名",
    "无关列",
]
GOOD = ["1001", "甲", "5.00", "交易成功", "2025-01-01 10:00:00", "2025-01-01 10:01:00", "NA", "#N/A"]


def row(**changes: str) -> list[str]:
    return [changes.get(name, cell) for name, cell in zip(HEADER, GOOD, strict=True)]


def csv_of(path, rows, encoding="utf-8"):
    return text(path, "".join(",".join(cells) + "\n" for cells in [HEADER, *rows]), encoding)


def test_an_error_cell_in_a_used_column_refuses_the_row(tmp_path):
    rows = [row(), row(订单编号="#N/A"), row(订单付款时间="#VALUE!"), row(收货人姓名=" #REF! ")]
    expected = [("订单编号", "A3 #N/A"), ("订单付款时间", "F4 #VALUE!"), ("收货人姓名", "G5 #REF!")]
    plain = orders(csv_of(tmp_path / "订单.csv", rows))
    assert [(reject.column, reject.detail) for reject in plain.rejects] == expected
    assert {reject.code for reject in plain.rejects} == {"error-cell"}
    assert plain.rows["order_id"].to_pylist() == ["1001"]
    book = orders(xlsx(tmp_path / "订单.xlsx", [HEADER, *rows], title="七月"))
    assert [(reject.column, reject.detail) for reject in book.rejects] == [
        (column, f"七月!{detail}") for column, detail in expected
    ]


@pytest.mark.parametrize("name", ["NA", "null", "None", "nan", "N/A", "#1 店"])
def test_names_that_look_like_nothing_are_names(tmp_path, name):
    table = orders(csv_of(tmp_path / "订单.csv", [row(收货人姓名=name)]))
    assert table.rows["receiver"].to_pylist() == [name]


def test_a_damaged_byte_refuses_its_row_and_the_file_goes_on(tmp_path):
    path = csv_of(tmp_path / "订单.csv", [row(订单编号=str(at)) for at in range(40_000)], "gb18030")
    data = path.read_bytes().split(b"\n")
    data[30_000] = data[30_000].replace("甲".encode("gb18030"), b"\xff")
    path.write_bytes(b"\n".join(data))
    table = orders(path)
    assert codes(table) == [(30_001, "bad-bytes")]
    assert table.rows.num_rows == 39_999
    assert "�" in table.originals([30_001])[0].cells[1]


def test_a_cell_longer_than_a_spreadsheet_allows_is_cut_and_said(tmp_path):
    table = orders(csv_of(tmp_path / "订单.csv", [row(收货人姓名="长" * 140_000), row(订单编号="2")]))
    assert [len(name) for name in table.rows["receiver"].to_pylist()] == [32_767, 2]
    assert table.notes == {"long-cell-cut": 1}


def test_a_row_of_units_or_formulas_under_the_header_is_no_data(tmp_path):
    rows = [["", "", "(元)", "", "", "", "", "③=①-②"], row(), row(订单编号="1002", 无关列="③=①-②")]
    table = orders(csv_of(tmp_path / "订单.csv", rows))
    assert (table.read, table.blank, table.rows.num_rows) == (3, 1, 2)


def test_a_long_file_says_how_far_it_is_and_is_scanned_from_its_file(tmp_path):
    import duckdb

    rows = [row(订单编号=str(at), 收货人姓名=f"Ａ{at}") for at in range(90_000)]
    path = csv_of(tmp_path / "订单.csv", rows)
    told: list[int] = []
    table = orders(path, spool=tmp_path, progress=told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == path.stat().st_size
    con = duckdb.connect()
    con.register("incoming", table.scan())
    for _ in range(2):
        found = con.execute(
            "SELECT count(*), sum(amount_paid_fen), min(platform_key) FROM incoming"
        ).fetchall()
        assert found == [(90_000, 90_000 * 500, table.mapping.platform.casefold())]


@pytest.mark.parametrize("is_spooled", [True, False])
def test_pieces_are_the_rows_in_their_order_with_the_numbers_they_span(tmp_path, monkeypatch, is_spooled):
    from siyu_cli.sheets import rows as road

    monkeypatch.setattr(road, "_GROUP_ROWS", 300)
    monkeypatch.setattr(road, "_FILE_ROWS", 600)
    body = [row(订单编号=str(at), 订单状态="" if at % 7 == 0 else "交易成功") for at in range(2_000)]
    table = orders(csv_of(tmp_path / "订单.csv", body), spool=tmp_path if is_spooled else None)
    pieces = [(low, high, piece.read_all()) for low, high, piece in table.pieces()]
    assert len(pieces) == (3 if is_spooled else 1)
    for low, high, piece in pieces:
        numbers = piece["row_no"].to_pylist()
        assert (low, high) == (min(numbers), max(numbers))
    whole = pa.concat_tables([piece for *_, piece in pieces])
    assert whole.to_pylist() == table.rows.to_pylist()
