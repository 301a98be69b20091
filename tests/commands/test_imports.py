"""What all import commands share: folders, archives, passwords, sheets, moments, mappings, reports."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import msoffcrypto
import pytest
import pyzipper
from openpyxl import Workbook, load_workbook

from siyu_cli.sheets.account import FileAccount
from tests.conftest import Shop

LEADS = "手机号,姓名\n13800005671,甲\n138****1234,乙\n13800005672,丙\n"
STAFF = "员工账号,姓名\nli,小李\nwang,小王\n,小谁\n"
CONTACTS = "客户名称,添加人账号,添加时间,手机\n甲,li,2025-01-01 10:00:00,13800005671\n乙,li,2025-01-02 10:00:00,13800005672\n"
EVENTS = "行为,时间,手机号\n浏览,2025-01-01 10:00:00,13800005671\n加购,2025-01-01 10:01:00,13800005671\n"
ORDER_HEADER = "订单编号,买家会员名,买家实际支付金额,订单状态,订单创建时间,订单付款时间\n"


def order(number: int, buyer: str = "甲", paid: str = "5.00", status: str = "交易成功") -> str:
    return f"{number},{buyer},{paid},{status},2025-01-01 10:00:00,2025-01-01 10:01:00\n"


def book(sheets: dict[str, list[list[str]]], hidden: tuple[str, ...] = ()) -> bytes:
    made = Workbook()
    made.remove(made.active)  # type: ignore[arg-type]
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def rows_of(text: str) -> list[list[str]]:
    return [line.split(",") for line in text.splitlines()]


def zipped(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return buffer.getvalue()


def locked(content: bytes, password: str) -> bytes:
    buffer = io.BytesIO()
    msoffcrypto.OfficeFile(io.BytesIO(content)).encrypt(password, buffer)
    return buffer.getvalue()


def balances(counts: dict[str, int]) -> bool:
    parts = ("new", "updated", "unchanged", "duplicate", "rejected", "blank")
    return counts["read"] == sum(counts[part] for part in parts)


def counts(file: dict[str, Any]) -> tuple[int, int, int]:
    assert balances(file)
    return file["read"], file["new"], file["rejected"]


# --- files, folders, archives --------------------------------------------------------------------


def test_a_folder_is_imported_and_what_is_left_out_is_said(shop: Shop) -> None:
    shop.file("一.csv", LEADS)
    shop.file("二.xlsx", book({"名单": rows_of("手机号,姓名\n13900005671,丁\n")}))
    shop.file("~$二.xlsx", "x")
    shop.file("三.csv.part", "x")
    shop.file("读我.txt", "x")
    spoken = shop.run("import-leads", shop.root / "inbox", "--dry-run", expect=4)
    for name in ("~$二.xlsx", "三.csv.part", "读我.txt"):
        assert f"跳过 {shop.root / 'inbox' / name}" in spoken.stderr
    result = shop.json("import-leads", shop.root / "inbox", expect=4).result
    assert [(file["file"], *counts(file)) for file in result["files"]] == [
        ("一.csv", 3, 2, 1),
        ("二.xlsx", 1, 1, 0),
    ]
    assert {(Path(one["file"]).name, one["reason"]) for one in result["skipped"]} == {
        ("~$二.xlsx", "lock-file"), ("三.csv.part", "unfinished-download"), ("读我.txt", "no-spreadsheet"),
    }  # fmt: skip


def test_an_archive_is_imported_member_by_member_and_its_rejects_come_back(shop: Shop) -> None:
    path = shop.file("七月.zip", zipped({"a/订单.csv": ORDER_HEADER + order(1) + order(2, paid="一块"),
                                        "b/订单.csv": ORDER_HEADER + order(3) + order(4, paid="两块") + order(5, paid="三块")}))  # fmt: skip
    result = shop.json("import-orders", path, expect=4).result
    assert [(file["file"], *counts(file)) for file in result["files"]] == [
        ("七月.zip/a/订单.csv", 2, 1, 1), ("七月.zip/b/订单.csv", 3, 1, 2),
    ]  # fmt: skip
    assert balances(result["totals"])
    files = [shop.root / file["rejects_file"] for file in result["files"]]
    assert [file.name for file in files] == ["订单-拒收.xlsx", "订单-拒收-2.xlsx"]
    mended = []
    for number, file in enumerate(files):
        loaded = load_workbook(file)
        sheet = loaded.worksheets[0]
        header = [cell.value for cell in sheet[1]]
        assert header[:6] == ORDER_HEADER.strip().split(",")
        for row in sheet.iter_rows(min_row=2):
            row[2].value = "7.00"
        mended.append(shop.root / "inbox" / f"修好{number}.xlsx")
        loaded.save(mended[-1])
    again = shop.json("import-orders", *mended).result
    assert [counts(file) for file in again["files"]] == [(1, 1, 0), (2, 2, 0)]
    assert not list((shop.root / ".siyu" / "tmp").iterdir())
    assert shop.rows("SELECT count(*), count(DISTINCT order_id) FROM order_lines") == [(5, 5)]


def test_an_archive_again_changes_nothing(shop: Shop) -> None:
    path = shop.file("七月.zip", zipped({"订单.csv": ORDER_HEADER + order(1) + order(2)}))
    shop.run("import-orders", path)
    assert shop.json("import-orders", path).result["totals"]["unchanged"] == 2


def test_a_bad_member_is_named_by_its_archive(shop: Shop) -> None:
    path = shop.file("七月.zip", zipped({"好.csv": LEADS, "坏.csv": "甲,乙\n1,2\n"}))
    error = shop.json("import-leads", path, expect=3).error
    assert error["where"]["file"] == "七月.zip/坏.csv"
    assert shop.rows("SELECT count(*) FROM leads") == [(0,)]


def test_a_file_that_vanishes_before_its_rejects_are_written_leaves_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from siyu_cli.leads import importing

    first, second = shop.file("一.csv", LEADS), shop.file("二.csv", LEADS.replace("1380000", "1390000"))
    merge = importing.merge_leads

    def merge_and_lose(*args: Any, **options: Any) -> Any:
        second.unlink()
        return merge(*args, **options)

    monkeypatch.setattr(importing, "merge_leads", merge_and_lose)
    error = shop.json("import-leads", first, second, expect=3).error
    assert error["code"] == "file-not-found"
    assert shop.rows("SELECT count(*) FROM leads") == [(0,)]
    assert not list((shop.root / "outbox").rglob("*.*"))


def test_a_file_that_changes_meanwhile_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_cli.leads import importing

    path = shop.file("一.csv", LEADS)
    merge = importing.merge_leads

    def merge_while_it_grows(*args: Any, **options: Any) -> Any:
        path.write_text(LEADS + "13800005673,丁\n", encoding="utf-8")
        return merge(*args, **options)

    monkeypatch.setattr(importing, "merge_leads", merge_while_it_grows)
    assert shop.json("import-leads", path, expect=3).error["code"] == "file-changed"
    assert shop.rows("SELECT count(*) FROM leads") == [(0,)]
    assert not list((shop.root / "outbox").rglob("*.*"))


# --- passwords ----------------------------------------------------------------------------------


def locked_files(shop: Shop) -> tuple[Path, Path]:
    workbook = shop.file("锁.xlsx", locked(book({"名单": rows_of(LEADS)}), "天知地知9"))
    archive = shop.root / "inbox" / "锁.zip"
    with pyzipper.AESZipFile(archive, "w", encryption=pyzipper.WZ_AES) as made:
        made.setpassword("天知地知9".encode())
        made.writestr("名单.csv", LEADS.replace("1380000", "1390000"))
    return workbook, archive


def test_locked_files_open_by_environment_and_by_file_and_leave_no_trace(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = locked_files(shop)
    secret = shop.root / "密码.txt"
    secret.write_text("别的\n天知地知9\n", encoding="utf-8")
    secret.chmod(0o600)
    by_file = shop.json("import-leads", *files, "--password-file", secret, "--dry-run", expect=4)
    monkeypatch.setenv("SIYU_FILE_PASSWORD", "天知地知9")
    by_environment = shop.json("import-leads", *files, expect=4)
    for called in (by_file, by_environment):
        assert [(file["file"], *counts(file)) for file in called.result["files"]] == [
            ("锁.xlsx", 3, 2, 1), ("锁.zip/名单.csv", 3, 2, 1),
        ]  # fmt: skip
    assert not list((shop.root / ".siyu" / "tmp").iterdir())
    assert "天知地知9" not in str(shop.rows("SELECT * FROM runs"))


def test_a_password_file_that_others_can_read_is_said(shop: Shop) -> None:
    secret = shop.root / "密码.txt"
    secret.write_text("x\n", encoding="utf-8")
    secret.chmod(0o644)
    path = shop.file("名单.csv", LEADS)
    assert "chmod 600" in shop.run("import-leads", path, "--password-file", secret, expect=4).stderr


@pytest.mark.parametrize("which", [0, 1])
def test_without_the_right_password_nothing_hangs_and_nothing_is_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    path = locked_files(shop)[which]
    error = shop.json("import-leads", path, expect=3).error
    assert error["code"] == "password-protected"
    assert "--password-file" in error["hint"]
    monkeypatch.setenv("SIYU_FILE_PASSWORD", "猜错")
    assert shop.json("import-leads", path, expect=3).error["code"] == "wrong-password"
    assert shop.rows("SELECT count(*) FROM leads") == [(0,)]
    assert "猜错" not in str(shop.rows("SELECT * FROM runs"))


# --- a person at the terminal ---------------------------------------------------------------------


def at_terminal(shop: Shop, args: list[str | Path], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run in a pseudo-terminal; each answer is typed once its prompt has been shown. (exit code, screen)."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "siyu_cli", *map(str, args), "-w", str(shop.root)],
        stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200", "PYTHONUTF8": "1"},
    )  # fmt: skip
    os.close(follower)
    screen, waiting = b"", list(answers)
    try:
        while select.select([leader], [], [], 60)[0]:
            try:
                screen += os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if waiting and waiting[0][0] in screen.decode("utf-8", "ignore"):
                os.write(leader, (waiting.pop(0)[1] + "\n").encode())
        code = process.wait(60)
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    assert not waiting, screen.decode("utf-8", "replace")
    return code, screen.decode("utf-8", "replace")


def test_a_person_types_the_password_unseen(shop: Shop) -> None:
    code, screen = at_terminal(
        shop, ["import-leads", locked_files(shop)[0]], [("锁.xlsx 的打开密码", "天知地知9")]
    )
    assert code == 4, screen
    assert "天知地知9" not in screen
    assert shop.rows("SELECT count(*) FROM leads") == [(2,)]


UNKNOWN = "单号,客户账号,手机号码,实付款,付款日期\n" + "".join(
    f"9001{number},u{number},1380000567{number},{number}.50,2025-01-0{number} 10:00:00\n"
    for number in range(1, 6)
)


def test_an_unknown_file_is_proposed_and_asked_about(shop: Shop) -> None:
    path = shop.file("别家.csv", UNKNOWN)
    code, screen = at_terminal(shop, ["import-orders", path], [("[y/N]", "n")])
    assert code == 3
    assert "实付款" in screen
    assert shop.rows("SELECT count(*) FROM order_lines") == [(0,)]
    assert not (shop.root / "platforms" / "别家.yaml").exists()
    code, screen = at_terminal(shop, ["import-orders", path], [("[y/N]", "y")])
    assert code == 0, screen
    assert shop.rows("SELECT count(*), sum(paid_fen) FROM order_lines") == [(5, 1750)]
    # Kept in the workspace: next time the same layout needs no question.
    again = shop.json("import-orders", shop.file("别家二月.csv", UNKNOWN))
    assert again.result["files"][0]["platform"] == "别家"
    assert again.result["totals"]["unchanged"] == 5


def test_an_unknown_file_off_a_terminal_is_refused_with_the_next_command(shop: Shop) -> None:
    path = shop.file("别家.csv", UNKNOWN)
    error = shop.json("import-orders", path, expect=3).error
    assert error["code"] == "unknown-header"
    assert "--save-mapping" in error["hint"]
    words = error["hint"].split("siyu ")[1].replace("'", "").split()
    saved = shop.json(*words)
    target = Path(saved.result["saved"])
    assert target.resolve() == shop.root / "platforms" / "别家.yaml"
    assert shop.rows("SELECT count(*) FROM runs WHERE outcome = 'done'") == [(0,)]
    assert shop.json("import-orders", path).result["totals"]["new"] == 5


def test_a_list_without_a_header_is_told_to_get_one_and_shows_no_phone(shop: Shop) -> None:
    path = shop.file("名单.csv", "13800000001,甲\n13800000002,乙\n")
    for more in ([], ["--save-mapping", shop.root / "platforms" / "名单.yaml"]):
        error = shop.json("import-leads", path, *more, expect=3).error
        assert error["code"] == "unknown-header"
        assert "138****0001" in error["message"]
        assert "13800000001" not in str(error)
        assert "最上面加一行列名" in error["hint"]
        assert "--save-mapping" not in error["hint"]


def test_a_staff_sheet_without_accounts_is_told_what_it_lacks(shop: Shop) -> None:
    path, target = (
        shop.file("员工.csv", "姓名,电话,状态\n小李,13800000001,在岗\n"),
        shop.root / "platforms" / "我.yaml",
    )
    saved = shop.run("import-staff", path, "--save-mapping", target)
    assert "还缺必填的「员工账号」" in saved.stderr
    error = shop.json("import-staff", path, "--platform", target, expect=3).error
    assert error["code"] == "missing-staff-id-column"
    assert "在表里加一列「员工账号」" in error["hint"]


def test_what_an_order_file_does_not_use_is_named(shop: Shop) -> None:
    few = shop.run(
        "import-orders",
        shop.file("一.csv", "订单号,付款时间,实付金额,购买人手机\nA1,2025-03-01,10,13800000001\n"),
    )
    assert "没有用到的列:购买人手机" in few.stderr
    assert "--show-mapping" in few.stderr  # nobody can be made out: perhaps the phones are in that column
    many = ",".join(f"别的{number}" for number in range(7))
    more = shop.run(
        "import-orders",
        shop.file("二.csv", f"订单号,付款时间,实付金额,手机号,{many}\nA2,2025-03-01,10,13800000001,,,,,,,\n"),
    )
    assert "没有用到的列" not in more.stderr
    assert "--show-mapping" not in more.stderr


def test_the_same_file_read_otherwise_warns_that_its_money_counts_twice(shop: Shop) -> None:
    rows = "订单号,付款时间,实付金额,打给谁\nA1,2025-03-01,10,13800000001\nA2,2025-03-02,x,13800000002\n"
    path, target = shop.file("订单.csv", rows), shop.root / "platforms" / "我的.yaml"
    shop.run("import-orders", path, expect=4)
    again = shop.run("import-orders", path, expect=4)
    assert "两遍" not in again.stderr
    shop.run("import-orders", path, "--save-mapping", target)
    text = target.read_text(encoding="utf-8")
    target.write_text(text.replace("phone: [", "phone: [打给谁, "), encoding="utf-8")
    tried = shop.run("import-orders", path, "--platform", target, "--dry-run", expect=4)
    assert "siyu undo-import 1" in tried.stderr
    warned = shop.json("import-orders", path, "--platform", target, expect=4).result
    assert warned["left_behind"] == [{"run_id": 1, "lines": 1}, {"run_id": 2, "lines": 1}]
    assert shop.rows("SELECT sum(paid_fen) FROM order_lines") == [(2000,)]
    # Both earlier readings go: what the file says now is all that counts.
    for run in (1, 2):
        shop.run("undo-import", str(run), "--yes")
    assert shop.rows("SELECT sum(paid_fen), count(customer_id) FROM order_lines") == [(1000, 1)]
    quiet = shop.json("import-orders", path, "--platform", target, expect=4).result
    assert quiet["left_behind"] == []


def test_a_mended_row_of_the_same_file_warns_of_nothing(shop: Shop) -> None:
    """Rows held back for their status come in once the mapping knows the word; the others are confirmed."""
    rows = "订单号,付款时间,实付金额,手机号,状态\nA1,2025-03-01,10,13800000001,已完成\nA1,2025-03-01,12,13800000001,怪\n"
    path, target = shop.file("订单.csv", rows), shop.root / "platforms" / "我的.yaml"
    shop.run("import-orders", path, expect=4)
    shop.run("import-orders", path, "--save-mapping", target)
    text = target.read_text(encoding="utf-8")
    target.write_text(text.replace("  paid: [", "  paid: [怪, "), encoding="utf-8")
    mended = shop.json("import-orders", path, "--platform", target).result
    assert (mended["totals"]["new"], mended["left_behind"]) == (1, [])


def test_undoing_asks_a_person(shop: Shop) -> None:
    shop.run("import-orders", shop.file("订单.csv", ORDER_HEADER + order(1)))
    code, screen = at_terminal(shop, ["undo-import", "1"], [("[y/N]", "n")])
    assert code == 7, screen
    assert "去掉 1 行" in screen
    assert shop.rows("SELECT count(*) FROM order_lines") == [(1,)]
    code, _ = at_terminal(shop, ["undo-import", "1"], [("[y/N]", "是")])
    assert code == 0
    assert shop.rows("SELECT count(*) FROM order_lines") == [(0,)]


# --- mappings ------------------------------------------------------------------------------------


def test_show_mapping_imports_nothing_and_shows_three_samples(shop: Shop) -> None:
    path = shop.file(
        "订单.csv", ORDER_HEADER + "".join(order(number, f"买家{number}") for number in range(1, 6))
    )
    shown = shop.json("import-orders", path, "--show-mapping").result["files"][0]
    columns = {one["field"]: one for one in shown["columns"]}
    assert columns["order_id"]["header"] == "订单编号"
    assert columns["order_id"]["samples"] == ["1", "2", "3"]
    assert columns["amount_paid"]["understood"] == ["¥5.00"]
    assert not shown["is_proposal"]
    assert "买家会员名" in shop.run("import-orders", path, "--show-mapping").stdout
    assert shop.rows("SELECT count(*) FROM runs") == [(0,)]


def test_save_mapping_reads_back_the_same(shop: Shop, tmp_path: Path) -> None:
    path = shop.file("订单.csv", ORDER_HEADER + order(1) + order(2, status="交易关闭"))
    target = tmp_path / "我的.yaml"
    shop.run("import-orders", path, "--save-mapping", target, "--dry-run")
    assert not target.exists()
    spoken = shop.run("import-orders", path, "--save-mapping", target)
    assert str(target) in spoken.stderr
    assert shop.json("import-orders", path, "--save-mapping", target, expect=3).error["code"] == "file-exists"
    shop.run("import-orders", path, "--save-mapping", target, "--yes")
    result = shop.json("import-orders", path, "--platform", target).result
    assert (result["files"][0]["platform"], result["totals"]["new"]) == ("我的", 2)


@pytest.mark.parametrize(
    ("target", "code"), [("我的.txt", "not-yaml"), ("我的.yaml", "one-file-per-mapping")]
)
def test_save_mapping_wants_one_table_and_a_yaml_file(shop: Shop, target: str, code: str) -> None:
    files = [shop.file("一.csv", ORDER_HEADER + order(1)), shop.file("二.csv", ORDER_HEADER + order(2))]
    called = shop.json("import-orders", *files, "--save-mapping", shop.root / target, expect=2)
    assert called.error["code"] == code


@pytest.mark.parametrize(
    ("command", "content", "field"),
    [("import-staff", STAFF, "staff_id"), ("import-leads", LEADS, "phone")],
)
def test_every_import_command_shows_its_mapping(shop: Shop, command: str, content: str, field: str) -> None:
    shown = shop.json(command, shop.file("表.csv", content), "--show-mapping").result["files"][0]
    assert field in [one["field"] for one in shown["columns"]]


# --- sheets ---------------------------------------------------------------------------------------

SHEETS = {
    "门店一": rows_of("手机号,姓名\n13800005671,甲\n138****1234,乙\n"),
    "封面": rows_of("本表由总部整理\n负责人,分机号\n张三,分机8\n,\n李四,分机9\n"),
    "门店二": rows_of("手机号,姓名\n13800005672,丙\n13800005671,甲\n"),
    "隐藏": rows_of("手机号,姓名\n13800005679,隐\n"),
    "空的": [],
}


def test_all_sheets_counts_each_and_refuses_the_rows_of_the_one_it_cannot_read(shop: Shop) -> None:
    path = shop.file("名单.xlsx", book(SHEETS, hidden=("隐藏",)))
    called = shop.json("import-leads", path, "--all-sheets", expect=4)
    files = {file["sheet"]: file for file in called.result["files"]}
    assert list(files) == ["门店一", "封面", "门店二"]
    assert counts(files["门店一"]) == (2, 1, 1)
    assert (files["门店二"]["new"], files["门店二"]["duplicate"]) == (1, 1)
    # Row 2 has most cells and stands for the header; of the rows below one is blank.
    cover = files["封面"]
    assert (cover["read"], cover["rejected"], cover["blank"], cover["platform"]) == (3, 2, 1, None)
    assert cover["reasons"] == {"unusable-sheet": 2}
    assert balances(called.result["totals"])
    names = [Path(file["rejects_file"]).name for file in files.values() if file["rejects_file"]]
    assert names == ["名单-门店一-拒收.xlsx", "名单-封面-拒收.xlsx"]
    sheet = load_workbook(shop.root / cover["rejects_file"]).worksheets[0]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [row[:2] for row in cells] == [["负责人", "分机号"], ["张三", "分机8"], ["李四", "分机9"]]
    assert [row[cells[0].index("原因代码")] for row in cells[1:]] == ["unusable-sheet"] * 2
    spoken = shop.run("import-leads", path, "--all-sheets", expect=4)
    assert "封面" in spoken.stderr
    assert "工作表" in spoken.stdout


def test_all_sheets_without_any_usable_one_is_refused(shop: Shop) -> None:
    path = shop.file("封面.xlsx", book({"一": SHEETS["封面"], "二": SHEETS["封面"]}))
    assert shop.json("import-leads", path, "--all-sheets", expect=3).error["code"] == "unknown-header"


def test_all_sheets_of_a_text_file_is_the_file(shop: Shop) -> None:
    path = shop.file("名单.csv", LEADS)
    assert counts(shop.json("import-leads", path, "--all-sheets", expect=4).result["files"][0]) == (3, 2, 1)


def test_a_mended_rejects_workbook_imports_with_all_sheets_too(shop: Shop) -> None:
    result = shop.json("import-leads", shop.file("名单.csv", LEADS), expect=4).result
    again = shop.json(
        "import-leads", shop.root / result["files"][0]["rejects_file"], "--all-sheets", expect=4
    ).result
    assert [counts(file) for file in again["files"]] == [(1, 0, 1)]


def test_other_sheets_are_said_not_read(shop: Shop) -> None:
    path = shop.file("名单.xlsx", book(SHEETS, hidden=("隐藏",)))
    spoken = shop.run("import-leads", path, expect=4)
    assert "还有别的工作表:封面、门店二" in spoken.stderr
    assert "--all-sheets" in spoken.stderr
    rejects = shop.json("import-leads", path, expect=4).result["files"][0]["rejects_file"]
    assert "还有别的工作表" not in shop.run("import-leads", shop.root / rejects, expect=4).stderr


def test_one_sheet_by_name_of_several_files(shop: Shop) -> None:
    files = [shop.file(f"{name}.xlsx", book(SHEETS)) for name in ("一月", "二月")]
    result = shop.json("import-leads", *files, "--sheet", "门店二").result
    assert [file["sheet"] for file in result["files"]] == ["门店二", "门店二"]
    text = shop.file("三月.csv", LEADS)
    spoken = shop.run("import-leads", text, "--sheet", "门店二", expect=4)
    assert "没有工作表" in spoken.stderr
    assert shop.json("import-leads", *files, "--sheet", "没有", expect=3).error["code"] == "unknown-sheet"
    assert shop.json("import-leads", *files, "--sheet", "门店二", "--all-sheets", expect=2).error["code"]


# --- export moments -------------------------------------------------------------------------------


def test_the_export_moment_is_the_names_then_the_options_then_the_files(shop: Shop) -> None:
    named = shop.file("ExportOrderList202503152359.csv", ORDER_HEADER + order(1))
    plain = shop.file("订单.csv", ORDER_HEADER + order(2))
    os.utime(plain, (1741917600, 1741917600))  # 2025-03-14 10:00 in Shanghai

    def moments(*more: str) -> list[tuple[str, str]]:
        result = shop.json("import-orders", named, plain, *more, "--dry-run").result
        return [(file["exported_at"], file["exported_from"]) for file in result["files"]]

    by_name = ("2025-03-15 23:59:00", "file-name")
    assert moments() == [by_name, ("2025-03-14 10:00:00", "file-time")]
    assert moments("--exported-at", "2025-03-20 08:30") == [by_name, ("2025-03-20 08:30:00", "option")]
    assert moments("--exported-at", "2025-03-20") == [by_name, ("2025-03-20 23:59:59", "option")]
    assert (
        shop.json("import-orders", plain, "--exported-at", "昨天", expect=2).error["code"]
        == "bad-exported-at"
    )
    spoken = shop.run("import-orders", named, plain, "--exported-at", "2025-03-20 08:30").stderr
    assert "导出时间 2025-03-15 23:59:00(文件名里写的)" in spoken
    assert "导出时间 2025-03-20 08:30:00(--exported-at)" in spoken


def test_the_newer_export_wins_by_the_moment_that_is_given(shop: Shop) -> None:
    new = shop.file("新.csv", ORDER_HEADER + order(1, status="交易关闭"))
    old = shop.file("旧.csv", ORDER_HEADER + order(1))
    shop.run("import-orders", new, "--exported-at", "2025-03-20")
    assert (
        shop.json("import-orders", old, "--exported-at", "2025-03-19").result["reasons"]["older-export"] == 1
    )
    assert shop.rows("SELECT status FROM order_lines") == [("closed",)]


# --- reports ---------------------------------------------------------------------------------------


def test_unknown_status_words_are_told_one_by_one(shop: Shop) -> None:
    path = shop.file(
        "订单.csv",
        ORDER_HEADER + order(1) + order(2, status="神秘") + order(3, status="神秘") + order(4, status="玄"),
    )
    file = shop.json("import-orders", path, "--dry-run", expect=4).result["files"][0]
    assert file["unknown_words"] == {"神秘": 2, "玄": 1}
    assert file["reasons"] == {"unknown-status": 3}
    assert counts(file) == (4, 1, 3)
    spoken = shop.run("import-orders", path, expect=4).stderr
    assert "神秘 × 2" in spoken
    assert "玄 × 1" in spoken


@pytest.mark.parametrize(
    ("command", "content"),
    [
        ("import-staff", STAFF),
        ("import-leads", LEADS + "13800005671,甲\n,\n13800005673,丁\n"),
        ("import-orders", ORDER_HEADER + order(1) + order(1) + order(2, paid="x") + order(3, status="神秘")),
        ("import-contacts", CONTACTS + "丙,wang,2025-02-30 10:00:00,13800005673\n"),
        ("import-events", EVENTS + "发呆,2025-01-01 10:00:00,13800005671\n"),
    ],
)
def test_a_dry_run_counts_what_the_real_run_counts(shop: Shop, command: str, content: str) -> None:
    path = shop.file("表.csv", content)
    before = shop.rows("SELECT count(*) FROM runs")
    dry = shop.json(command, path, "--dry-run", expect=4).document
    assert shop.rows("SELECT count(*) FROM runs") == before
    assert not list((shop.root / "outbox").rglob("*.*"))
    real = shop.json(command, path, expect=4).document
    for document in (dry, real):
        for key in ("run_id", "dry_run", "as_of"):
            document.pop(key)
        for file in document["result"]["files"]:
            file.pop("rejects_file")
    assert dry == real
    assert shop.run(command, path, "--allow-rejects").exit_code == 0


# --- undo-import ------------------------------------------------------------------------------------


def test_undo_takes_an_import_of_orders_back_and_it_can_come_again(shop: Shop) -> None:
    one = shop.file("一.csv", ORDER_HEADER + order(1) + order(2, status="等待买家付款"))
    two = shop.file("二.csv", ORDER_HEADER + order(2) + order(3))
    shop.run("import-orders", one, "--exported-at", "2025-01-01")
    table = "SELECT order_id, status, paid_fen FROM order_lines ORDER BY 1"
    before = shop.rows(table)
    run = shop.json("import-orders", two, "--exported-at", "2025-01-02").document["run_id"]
    after = shop.rows(table)
    dry = shop.json("undo-import", run, "--dry-run").document
    assert shop.rows(table) == after
    assert dry["result"] == {
        "undone_run": run,
        "command": "import-orders",
        "removed": 1,
        "restored": 1,
        "kept": {},
        "gone": {"customers": 0, "pins": 0, "stages": 0},
    }
    done = shop.json("undo-import", run, "--yes").document
    assert done["result"] == dry["result"]
    assert shop.rows(table) == before
    assert shop.json("undo-import", run, "--yes", expect=3).error["code"] == "already-undone"
    shop.run("import-orders", two, "--exported-at", "2025-01-02")
    assert shop.rows(table) == after
    recorded = shop.json("list-runs").result["runs"]
    assert {run["command"]: run["counts"] for run in recorded if run["outcome"] == "done"}["undo-import"][
        "undone_run"
    ] == run


def test_undo_says_which_decisions_of_people_go_with_their_customers(shop: Shop) -> None:
    """Two customers only this import knew: one with a tag and a stage by hand, one with two tags."""
    (shop.root / "rules" / "手.yaml").write_text(
        "manual_tags: [亲友, 黑名单]\ntags: {买过: {when: 订单数 >= 1}}\n"
    )
    shop.run("import-orders", shop.file("一.csv", ORDER_HEADER + order(1, "甲")))
    file = shop.file("二.csv", ORDER_HEADER + order(2, "乙") + order(3, "丙") + order(4, "丁"))
    run = shop.json("import-orders", file).document["run_id"]
    shop.run("set-tag", "甲", "乙", "丙", "亲友")
    shop.run("set-tag", "丙", "黑名单", "--off")
    shop.run("set-stage", "乙", "意向客户")
    shop.run("apply-tags")
    told = {"customers": 3, "pins": 3, "stages": 1}
    keys = "SELECT customer_id FROM customer_keys WHERE value IN ('乙', '丙') ORDER BY 1"
    two = "、".join(str(number) for (number,) in shop.rows(keys))
    before = shop.rows("SELECT * FROM tags ORDER BY ALL"), shop.rows("SELECT * FROM stage_moves ORDER BY ALL")
    dry = shop.run("undo-import", run, "--dry-run")
    assert f"其中 2 位有人做的决定,也一起没有:人工标签 3 个,人定的阶段 1 个(客户 {two};" in dry.stderr
    assert shop.json("undo-import", run, "--dry-run").result["gone"] == told
    assert (
        shop.rows("SELECT * FROM tags ORDER BY ALL"),
        shop.rows("SELECT * FROM stage_moves ORDER BY ALL"),
    ) == before
    code, screen = at_terminal(shop, ["undo-import", str(run)], [("人工标签 3 个", ""), ("[y/N]", "n")])
    assert code == 7, screen
    assert shop.json("undo-import", run, "--yes").result["gone"] == told
    assert shop.rows("SELECT DISTINCT customer_id FROM held_tags WHERE tag = '亲友'") == [(1,)]
    # Whoever comes next may get the number: nothing of the one before them is left.
    shop.run("import-orders", shop.file("三.csv", ORDER_HEADER + order(9, "戊")))
    assert shop.json("explain-tag", "戊").result["log"] == []
    assert [table for table in ("tags", "tag_log", "tag_truths", "stage_moves", "scores")
            if shop.rows(f"SELECT 1 FROM {table} WHERE customer_id IN ({two.replace('、', ', ')})")] == []  # fmt: skip


def test_undo_refuses_what_it_cannot_take_back(shop: Shop) -> None:
    def code(run: int, expect: int = 3) -> str:
        return str(shop.json("undo-import", run, "--yes", expect=expect).error["code"])

    assert code(1) == "unknown-run"
    shop.run("import-leads", shop.file("坏.csv", "甲,乙\n1,2\n"), expect=3)
    failed = max(row[0] for row in shop.rows("SELECT run_id FROM runs WHERE command = 'import-leads'"))
    assert code(failed) == "nothing-to-undo"
    shop.run("import-staff", shop.file("员工.csv", "员工账号,姓名\nli,小李\n"))
    shop.run("import-leads", shop.file("名单.csv", "手机号\n13800005671\n"))
    dealt = shop.json("distribute-leads").document["run_id"]
    assert code(dealt) == "not-an-import"
    called = shop.json("undo-import", dealt, expect=2)
    assert called.error["code"] == "not-confirmed"
    assert "--yes" in called.error["hint"]


@pytest.mark.parametrize(
    ("command", "content", "table"),
    [
        ("import-staff", "员工账号,姓名\nli,小李\nwang,小王\n", "staff"),
        ("import-leads", "手机号\n13800005671\n13800005672\n", "lead_state WHERE state <> '已撤回'"),
        ("import-contacts", CONTACTS, "contacts"),
        ("import-events", EVENTS, "events"),
        ("import-orders", ORDER_HEADER + order(1) + order(2), "order_lines"),
    ],
)
def test_every_import_can_be_taken_back_and_come_again(
    shop: Shop, command: str, content: str, table: str
) -> None:
    path = shop.file("表.csv", content)
    first = shop.json(command, path)
    undone = shop.json("undo-import", first.document["run_id"], "--yes").result
    assert (undone["removed"], undone["restored"], undone["kept"]) == (2, 0, {})
    assert shop.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    assert shop.rows("SELECT count(*) FROM customers") == [(0,)]
    again = shop.json(command, path)
    assert again.result["totals"]["new"] == first.result["totals"]["new"] == 2
    assert shop.rows(f"SELECT count(*) FROM {table}") == [(2,)]


def test_what_befell_most_rows_is_said_with_its_remedy(shop: Shop) -> None:
    american = (order(1) + order(2)).replace("2025-01-01", "05/06/2025")
    path = shop.file("美.csv", ORDER_HEADER + american)
    spoken = shop.run("import-orders", path, expect=4).stderr
    assert "分不清日和月" in spoken
    assert '→ 写成 2025-03-15,或在映射里写明,如 dates: ["%m/%d/%Y"]' in spoken
    shown = shop.run("import-orders", path, "--show-mapping").stdout
    assert "分不清日和月:在映射里写 dates:" in shown


def test_the_words_of_a_file_are_counted_once_however_many_rows_come_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted again for each rejected row they took minutes for a file whose rows are all wrong."""
    counted = []

    def counting(file: FileAccount) -> dict[str, int]:
        counted.append(file)
        return {}

    monkeypatch.setattr(FileAccount, "unknown_words", property(counting))
    bad = shop.file("坏.csv", "手机号\n" + "".join(f"{n}\n" for n in range(50)))
    shop.run("import-leads", bad, expect=4)
    assert len(counted) <= 2
