"""`siyu import-orders` of an xlsx beside the bare read of its cells and the pandas program a user would write.

ROWS in the environment sets the size (default 100,000 rows × 20 columns).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.import_orders import import_of
from benchmarks.measure import show, time_processes

HEADER = (
    "订单编号", "买家会员名", "总金额", "买家实际支付金额", "订单状态", "收货人姓名", "收货地址", "联系手机", "订单创建时间",
    "订单付款时间", "宝贝标题", "宝贝总数量", "店铺名称", "买家留言", "订单备注", "物流单号", "物流公司", "宝贝种类", "买家应付邮费",
    "订单关闭原因",
)  # fmt: skip
BARE_SIDE, SIYU_SIDE = "bare read (calamine)", "siyu import-orders"

BARE = """
import sys
from python_calamine import CalamineWorkbook
print(len(CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).to_python()))
"""

PANDAS = """
import sys, sqlite3, pandas as pd
frame = pd.read_excel(sys.argv[1], engine="openpyxl", dtype=str, keep_default_na=False)
frame["买家实际支付金额"] = (pd.to_numeric(frame["买家实际支付金额"]) * 100).round().astype("int64")
for name in ("订单创建时间", "订单付款时间"): frame[name] = pd.to_datetime(frame[name], errors="coerce")
frame["联系手机"] = frame["联系手机"].where(frame["联系手机"].str.fullmatch(r"1[3-9]\\d{9}"))
frame = frame.drop_duplicates("订单编号")
with sqlite3.connect(sys.argv[2]) as con: frame.to_sql("orders", con, if_exists="replace", index=False)
"""


def write_book(path: Path, rows: int) -> None:
    """Believable order rows as a platform writes them: ids and phones as text, money and dates as such."""
    from datetime import datetime, timedelta

    import numpy as np
    from xlsxwriter import Workbook

    dice = np.random.default_rng(7)
    fen = dice.integers(990, 39_900, rows)
    minutes = dice.integers(0, 525_600, rows)
    buyers = dice.integers(0, max(rows // 4, 1), rows)
    first = datetime(2024, 1, 1)
    with Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("订单")
        moments = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, HEADER)
        for at in range(rows):
            moment = first + timedelta(minutes=int(minutes[at]))
            cells = [
                str(4_900_000_000_000_000_000 + at), f"买家{buyers[at]}", fen[at] / 100, fen[at] / 100, "交易成功", "张*",
                f"浙江省 杭州市 西湖区 某路{at % 99}号", f"138{at % 10**8:08d}", moment, moment, f"海南金煌芒果 {at % 50} 号装", 1,
                "旗舰店", "", "", f"SF{at:012d}", "顺丰速运", 1, 0, "订单未关闭",
            ]  # fmt: skip
            for column, cell in enumerate(cells):
                if isinstance(cell, datetime):
                    sheet.write_datetime(at + 1, column, cell, moments)
                elif isinstance(cell, str):
                    sheet.write_string(at + 1, column, cell)
                else:
                    sheet.write_number(at + 1, column, cell)


def main() -> None:
    """Print time, speed and peak memory of the three ways."""
    rows = int(os.environ.get("ROWS", "100000"))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        path = base / "订单20250101000000.xlsx"
        write_book(path, rows)

        def script(name: str, text: str) -> list[str]:
            (base / f"{name}_side.py").write_text(text, encoding="utf-8")
            return [sys.executable, str(base / f"{name}_side.py"), str(path), str(base / "x.sqlite")]

        importing, fresh_shop = import_of(path, base / "shop")
        measured = time_processes(
            {
                BARE_SIDE: script("bare", BARE),
                SIYU_SIDE: importing,
                "pandas + openpyxl: read, clean, to_sql": script("pandas", PANDAS),
            },
            rounds=3,
            before={SIYU_SIDE: fresh_shop},
        )
    show(f"import of {rows:,} order rows, xlsx of {len(HEADER)} columns", measured, BARE_SIDE)
    seconds = next(side.seconds for side in measured if side.name == SIYU_SIDE)
    print(f"\n{SIYU_SIDE}: {rows / seconds:,.0f} rows a second")


if __name__ == "__main__":
    main()
