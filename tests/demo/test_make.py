"""The sample shop: the same bytes for the same seed, and files that say what truth.json says.

Every count here is made again from the written files with csv and openpyxl alone.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest

from siyu_cli.clock import Clock
from siyu_cli.demo.make import make_shop
from siyu_cli.demo.people import EDGES, KINDS

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2025, 3, 15)
TAOBAO_FILE = "ExportOrderList202503152359.csv"
# order-exports.md section 6: the 2016 header with the three additions of 2019-2021.
HEADER_2016 = (
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,"
    "买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,"
    "订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,物流单号 ,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,"
    "订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,定金排名,修改后的sku,"
    "修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易"
)
AT_END = (
    "新零售交易类型,新零售导购门店名称,新零售导购门店id,新零售发货门店名称,新零售发货门店id,退款金额,预约门店,确认收货时间,打款商家金额,"
    "含应开票给个人的个人红包,是否信用购,体验期结束时间,前N有礼,配送类型,主订单编号"
)
MOBILE = re.compile(r"1[3-9]\d{9}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    make_shop(root, seed=7, customers=300, as_of=Clock().as_of("2025-03-15"))
    return root


@pytest.fixture(scope="module")
def truth(made: Path) -> dict[str, Any]:
    return json.loads((made / "truth.json").read_text(encoding="utf-8"))


def read_csv(path: Path, encoding: str) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding=encoding, newline="") as file:
        rows = list(csv.reader(file, strict=True))
    return rows[0], rows[1:]


def read_xlsx(path: Path) -> tuple[list[str], list[list[str]]]:
    rows = [
        ["" if cell is None else cell for cell in row]
        for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    ]
    assert all(isinstance(cell, str) for row in rows for cell in row), "text cells only"
    return rows[0], rows[1:]


@dataclass
class Book:
    """One buyer as the files show her."""

    nets: dict[str, int] = field(default_factory=dict)
    days: set[date] = field(default_factory=set)
    titles: list[str] = field(default_factory=list)
    bought: list[tuple[datetime, str]] = field(default_factory=list)


def fen(text: str) -> int:
    assert re.fullmatch(r"\d+\.\d\d", text), text
    return int(text.replace(".", ""))


def is_sound(order_id: str, paid: str) -> bool:
    return "E+" not in order_id and not paid.startswith("2025-02-30")


@dataclass
class Recount:
    """What the order files hold, row by row."""

    rows: Counter[str] = field(default_factory=Counter)
    people: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    buyers: dict[tuple[str, str], Book] = field(default_factory=lambda: defaultdict(Book))

    def add(
        self, platform: str, key: str, order_id: str, paid: str, net: int, titles: str, seen: set[str]
    ) -> None:
        self.rows[f"{platform} read"] += 1
        if not is_sound(order_id, paid):
            self.rows[f"{platform} rejected"] += 1
            return
        if order_id in seen:
            self.rows[f"{platform} duplicate"] += 1
            return
        seen.add(order_id)
        self.rows[f"{platform} new"] += 1
        self.people[platform].add(key)
        if paid and net > 0:
            at = datetime.strptime(paid, "%Y-%m-%d %H:%M:%S")
            day = at.date()
            assert day <= AS_OF
            book = self.buyers[platform, key]
            book.nets[order_id] = net
            assert day not in book.days, "nobody buys twice on one day"
            book.days.add(day)
            book.titles.append(titles)
            book.bought.append((at, titles))


@pytest.fixture(scope="module")
def recount(made: Path) -> Recount:
    counted = Recount()
    header, rows = read_csv(made / "inbox" / TAOBAO_FILE, "gb18030")
    seen: set[str] = set()
    for row in rows:
        cell = dict(zip(header, row, strict=True))
        refunded, total = fen(cell["退款金额"]), fen(cell["总金额"])
        net = fen(cell["买家实际支付金额"])
        if cell["订单付款时间 "]:
            assert net + refunded == total, "淘宝 shows paid amounts net of refunds"
        else:
            assert (net, refunded) == (0, 0)
        assert re.fullmatch(r"'1\d\d\*{4}\d{4}", cell["联系手机"])
        order_id = cell["订单编号"]
        assert re.fullmatch(r'="\d{19}"', order_id) or "E+" in order_id
        counted.add("淘宝", cell["买家会员名"], order_id, cell["订单付款时间 "], net, cell["宝贝标题 "], seen)
    header, rows = read_xlsx(made / "inbox" / "有赞订单.xlsx")
    seen = set()
    for row in rows:
        cell = dict(zip(header, row, strict=True))
        net = fen(cell["订单实付金额"]) - fen(cell["订单已退款金额"])
        assert fen(cell["商品金额合计"]) + fen(cell["运费"]) - fen(cell["店铺优惠合计"]) == fen(
            cell["应收订单金额"]
        )
        assert MOBILE.fullmatch(cell["买家手机号"])
        assert MOBILE.fullmatch(cell["收货人手机号/提货人手机号"])
        counted.add(
            "有赞", cell["买家手机号"], cell["订单号"], cell["买家付款时间"], net, cell["全部商品名称"], seen
        )
    return counted


def all_bytes(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def test_same_seed_same_bytes_other_seed_other_shop(tmp_path: Path) -> None:
    as_of = Clock().as_of("2025-03-15")
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        make_shop(tmp_path / name, seed=seed, customers=80, as_of=as_of)
    assert all_bytes(tmp_path / "a") == all_bytes(tmp_path / "b")
    assert all_bytes(tmp_path / "a") != all_bytes(tmp_path / "c")


def test_the_checked_in_shop_is_what_the_generator_makes(tmp_path: Path) -> None:
    make_shop(tmp_path, seed=7, customers=60, as_of=Clock().as_of("2025-03-15"))
    kept = all_bytes(ROOT / "examples" / "小店")
    made = all_bytes(tmp_path)
    assert set(kept) == set(made)
    for name, content in made.items():
        if not name.endswith(".xlsx"):
            assert kept[name] == content, name
            continue
        # zlib may compress differently from machine to machine; what it compresses may not differ.
        with ZipFile(tmp_path / name) as new, ZipFile(ROOT / "examples" / "小店" / name) as old:
            assert new.namelist() == old.namelist()
            assert all(new.read(part) == old.read(part) for part in new.namelist()), name
    assert sum(map(len, kept.values())) < 500_000


def test_taobao_header_is_verbatim(made: Path) -> None:
    header, _ = read_csv(made / "inbox" / TAOBAO_FILE, "gb18030")
    older = HEADER_2016.split(",")
    assert [title for title in header if title in older] == older
    assert header[2:5] == ["买家支付宝账号", "支付单号", "支付详情"]
    at = header.index("特权订金订单id")
    assert header[at + 1 : at + 4] == ["是否上传合同照片", "是否上传小票", "是否代付"]
    assert header[-15:] == AT_END.split(",")
    assert len(header) == len(older) + 2 + 3 + 15


def test_youzan_header_is_verbatim(made: Path) -> None:
    header, _ = read_xlsx(made / "inbox" / "有赞订单.xlsx")
    assert len(header) == 60
    assert [at for at, title in enumerate(header) if title == "分销员"] == [39, 50]
    first = "订单号 销售渠道 归属店铺 订单类型 订单状态 推广方式 订单来源 订单创建时间 买家付款时间"
    assert " ".join(header[:9]) == first
    assert header[-1] == "订单下级卖货提成金额"


def test_rows_of_order_files(recount: Recount, truth: dict[str, Any]) -> None:
    for row in truth["order_files"]:
        for name in ("read", "new", "duplicate", "rejected"):
            assert recount.rows[f"{row['platform']} {name}"] == row[name], (row["file"], name)
        assert row["read"] == row["new"] + row["duplicate"] + row["rejected"] + row["blank"]
        assert row["rejected"] == sum(row["reasons"].values()) > 0
        assert row["new"] == row["paid"] + row["unpaid"]
        assert len(recount.people[row["platform"]]) == row["customers"]


def test_customers_and_money(recount: Recount, truth: dict[str, Any]) -> None:
    nets = Counter(dict.fromkeys(("淘宝", "有赞"), 0))
    for (platform, _), book in recount.buyers.items():
        nets[platform] += sum(book.nets.values())
    assert dict(nets) == truth["orders"]["net_fen_by_platform"]
    assert (
        sum(nets.values())
        == truth["orders"]["net_fen"]
        == sum(row["net_fen"] for row in truth["order_files"])
    )
    assert sum(len(book.nets) for book in recount.buyers.values()) == truth["orders"]["valid"]
    assert {name: len(people) for name, people in recount.people.items()} == truth["customers"]["by_platform"]
    assert len(recount.buyers) == truth["customers"]["buyers"] < truth["customers"]["total"]
    assert truth["customers"]["total"] == truth["asked_customers"]


def test_who_likes_fruit(recount: Recount, truth: dict[str, Any]) -> None:
    fruit = re.compile("苹果|芒果|车厘子|香蕉|草莓|橙|西瓜|葡萄|蓝莓|榴莲")
    fake = re.compile("手机壳|果干|水果刀|核桃")
    found: dict[str, list[str]] = {"淘宝": [], "有赞": []}
    for (platform, key), book in recount.buyers.items():
        titles = [title for cell in book.titles for title in re.split("[，;]", cell)]
        if any(fruit.search(title) and not fake.search(title) for title in titles):
            found[platform].append(key)
        for cell in book.titles:
            assert not fake.search(cell) or not re.search("[，;]", cell), "a trap is bought alone"
    assert {name: sorted(keys) for name, keys in found.items()} == truth["likes_fruit"]
    every = [cell for book in recount.buyers.values() for cell in book.titles]
    assert any("苹果手机壳" in cell for cell in every)


def test_who_is_leaving(recount: Recount, truth: dict[str, Any]) -> None:
    found: dict[str, list[str]] = {"淘宝": [], "有赞": []}
    for (platform, key), book in recount.buyers.items():
        ago = (AS_OF - max(book.days)).days
        if len(book.nets) >= 3 and 30 <= ago <= 60 and sum(book.nets.values()) >= 50_000:
            found[platform].append(key)
    assert {name: sorted(keys) for name, keys in found.items()} == truth["leaving"]
    meant = truth["kinds"]["即将流失"]
    assert sum(map(len, found.values())) >= meant + 2, "all that were made to leave, and two edge customers"


def test_eight_segments(recount: Recount, truth: dict[str, Any]) -> None:
    books = list(recount.buyers.values())
    count = len(books)
    agos = [(AS_OF - max(book.days)).days for book in books]
    orders = [len(book.nets) for book in books]
    sums = [sum(book.nets.values()) for book in books]
    codes = Counter(
        f"{ago * count <= sum(agos):d}{many * count > sum(orders):d}{money * count > sum(sums):d}"
        for ago, many, money in zip(agos, orders, sums, strict=True)
    )
    told = {code: cell["customers"] for code, cell in truth["segments"]["codes"].items()}
    assert {code: codes[code] for code in told} == told
    assert sum(told.values()) == truth["segments"]["customers"] == count


def test_lead_lists(made: Path, recount: Recount, truth: dict[str, Any]) -> None:
    lists = {
        "抖音直播间.xlsx": read_xlsx(made / "inbox" / "抖音直播间.xlsx"),
        "包裹卡.csv": read_csv(made / "inbox" / "包裹卡.csv", "gbk"),
    }
    pool: set[str] = set()
    for name, (header, rows) in lists.items():
        at = header.index("手机号")
        counts: Counter[str] = Counter(read=len(rows))
        here: set[str] = set()
        for row in rows:
            phone = re.sub(r"^\+86|[\s'-]", "", row[at])
            if not any(row) or "合计" in row:
                counts["blank"] += 1
            elif not MOBILE.fullmatch(phone):
                counts["rejected"] += 1
            elif phone in here:
                counts["duplicate"] += 1
            elif phone in pool:
                counts["already_in_pool"] += 1
            elif name == "包裹卡.csv" and ("有赞", phone) in recount.buyers:
                counts["already_customer"] += 1
            else:
                # 抖音直播间 is imported before any order: its buyers become customers later.
                counts["later_customers"] += ("有赞", phone) in recount.buyers
                counts["new"] += 1
                pool.add(phone)
            here.add(phone)
        told = truth["lead_files"][name]
        assert {key: counts[key] for key in told if key != "reasons"} == {
            key: value for key, value in told.items() if key != "reasons"
        }
        assert sum(told["reasons"].values()) == told["rejected"]
    assert len(pool) == truth["leads"]["pool"]


def test_friends(made: Path, recount: Recount, truth: dict[str, Any]) -> None:
    told = truth["friends"]
    header, rows = read_xlsx(made / "inbox" / told["file"])
    friends = [dict(zip(header, row, strict=True)) for row in rows]
    *sound, copy = friends[:-2]
    assert copy == sound[0]
    assert len(friends) == told["read"] == told["new"] + told["duplicate"] + told["rejected"] + told["blank"]
    assert len(sound) == told["new"]
    assert [row["添加时间"] for row in sound] == sorted((row["添加时间"] for row in sound), reverse=True)
    assert sound[0]["添加时间"] <= "2025-03-15 23:59:59"
    listed = {
        re.sub(r"^\+86|[\s'-]", "", row[header.index("手机号")])
        for header, rows in (
            read_xlsx(made / "inbox" / "抖音直播间.xlsx"),
            read_csv(made / "inbox" / "包裹卡.csv", "gbk"),
        )
        for row in rows
    }
    people: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in sound:
        noted = MOBILE.search(row["备注"])
        assert not (noted and row["手机"])
        if phone := row["手机"] or (noted[0] if noted else ""):
            people[phone].add((row["添加人账号"], row["生日"]))
    assert len(people) == told["customers"]
    assert sum(len(of) > 1 for of in people.values()) > 0, "somebody is a friend of two"
    assert all(len({birthday for _, birthday in of}) == 1 for of in people.values())
    assert not listed & people.keys(), "the lists are of people nobody has added yet"
    assert len(people.keys() - recount.people["有赞"]) == told["new_customers"]
    assert sum(not row["手机"] and not MOBILE.search(row["备注"]) for row in sound) == told["without_key"]
    active = {row[0] for row in read_xlsx(made / "inbox" / "员工.xlsx")[1] if row[-1] == "在岗"}
    assert {row["添加人账号"] for row in sound} == active
    for name, month in (("birthday_this_month", "03"), ("birthday_next_month", "04")):
        born = sorted(phone for phone, of in people.items() if next(iter(of))[1][5:7] == month)
        assert born == truth["found"][name]


@dataclass
class Did:
    """The sound rows of the behaviour file, by phone: moment, kind, article."""

    by_phone: dict[str, list[tuple[datetime, str, str]]]
    kinds: Counter[str]
    rows: Counter[str]


@pytest.fixture(scope="module")
def did(made: Path) -> Did:
    header, rows = read_csv(made / "inbox" / "行为.csv", "utf-8")
    found = Did(defaultdict(list), Counter(), Counter(read=len(rows)))
    seen: dict[str, list[str]] = {}
    for row in rows:
        cell = dict(zip(header, row, strict=True))
        if cell["流水号"] in seen:
            assert seen[cell["流水号"]] == row
            found.rows["duplicate"] += 1
            continue
        seen[cell["流水号"]] = row
        if cell["事件名称"] == "开屏曝光" or cell["事件时间"].startswith("2025-02-30"):
            found.rows["rejected"] += 1
            continue
        found.rows["new"] += 1
        found.kinds[cell["事件名称"]] += 1
        at = datetime.strptime(cell["事件时间"], "%Y-%m-%d %H:%M:%S")
        assert at.date() <= AS_OF
        if MOBILE.fullmatch(cell["手机号"]):
            found.by_phone[cell["手机号"]].append((at, cell["事件名称"], cell["商品名称"]))
        else:
            assert re.fullmatch(r"(1\d\d\*{4}\d{4})?", cell["手机号"])
            found.rows["anonymous"] += 1
    return found


def test_rows_of_the_behaviour_file(did: Did, truth: dict[str, Any]) -> None:
    told = truth["behaviour"]
    for name in ("read", "new", "duplicate", "rejected", "anonymous"):
        assert did.rows[name] == told[name], name
    assert told["read"] == told["new"] + told["duplicate"] + told["rejected"] + told["blank"]
    assert told["rejected"] == sum(told["reasons"].values())
    assert {word: did.kinds[word] for word in told["kinds"]} == told["kinds"]
    assert all(told["kinds"].values()), "every kind of event is there"
    assert len(did.by_phone) == told["customers"]


def test_who_did_what(did: Did, recount: Recount, truth: dict[str, Any]) -> None:
    """The people of the starter rules for a food shop, from the files alone."""
    found: dict[str, list[str]] = defaultdict(list)
    for phone, doings in did.by_phone.items():
        book = recount.buyers.get(("有赞", phone), Book())

        def times(word: str, days: int, doings: list[tuple[datetime, str, str]] = doings) -> int:
            return sum(kind == word and (AS_OF - at.date()).days < days for at, kind, _ in doings)

        seen: dict[str, list[datetime]] = defaultdict(list)
        for at, kind, title in doings:
            if kind == "浏览" and (AS_OF - at.date()).days < 7:
                seen[title].append(at)
        for title, ats in seen.items():
            bought = any(at >= min(ats) and title in re.split(";", cell) for at, cell in book.bought)
            if len(ats) >= 3 and len({at.date() for at in ats}) >= 2 and not bought:
                found["wavering"].append(phone)
                break
        orders = sum((AS_OF - at.date()).days < 180 for at, _ in book.bought)
        if orders >= 3 and times("用券", 180) / orders >= 0.7:
            found["coupon_lovers"].append(phone)
        if times("领券", 90) >= 3 and not any((AS_OF - day).days < 90 for day in book.days):
            found["coupons_only"].append(phone)
        talks = [times("晒单", 180) >= 2, times("分享", 180) >= 3, times("群发言", 30) >= 10]
        if len(book.days) >= 3 and sum(talks) >= 2:
            found["koc"].append(phone)
    for name, phones in found.items():
        assert sorted(phones) == truth["found"][name], name
        assert 3 <= len(phones) <= len(did.by_phone) // 4, name
    assert set(found) == {"wavering", "coupon_lovers", "coupons_only", "koc"}


def test_staff(made: Path, truth: dict[str, Any]) -> None:
    header, rows = read_xlsx(made / "inbox" / "员工.xlsx")
    assert " ".join(header) == "员工账号 姓名 部门 门店 手机 权重 每日上限 持有上限 渠道 地区 状态"
    states = Counter(row[header.index("状态")] for row in rows)
    assert dict(states) == {"在岗": truth["staff"]["active"], "停用": truth["staff"]["inactive"]}


def test_every_kind_of_customer_is_there(truth: dict[str, Any]) -> None:
    assert truth["kinds"]["边界"] == len(EDGES)
    assert all(truth["kinds"][kind.name] > 0 for kind in KINDS)
    assert sum(kind.share for kind in KINDS) == pytest.approx(1)
    states = ("valid", "unpaid", "closed_unpaid", "refunded_in_full", "refunded_in_part")
    assert all(truth["orders"][state] > 0 for state in states)


def test_a_smaller_shop_takes_former_files_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_of = Clock().as_of("2025-03-15")
    monkeypatch.setattr("siyu_cli.demo.make.MAX_SHEET_ROWS", 60)
    make_shop(tmp_path, seed=7, customers=60, as_of=as_of)
    own = tmp_path / "inbox" / "我自己的.xlsx"
    own.write_bytes(b"mine")
    assert (tmp_path / "inbox" / "有赞订单-2.xlsx").exists()
    parts = [
        row
        for row in json.loads((tmp_path / "truth.json").read_text())["order_files"]
        if row["platform"] == "有赞"
    ]
    monkeypatch.undo()
    make_shop(tmp_path, seed=7, customers=60, as_of=as_of)
    whole = json.loads((tmp_path / "truth.json").read_text())["order_files"][1]
    assert sum(row["new"] for row in parts) == whole["new"]
    assert not (tmp_path / "inbox" / "有赞订单-2.xlsx").exists()
    assert own.read_bytes() == b"mine"
