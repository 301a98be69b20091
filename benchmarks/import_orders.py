"""`siyu import-orders` of a GB18030 CSV beside the bare read of the file and the pandas program a user would write.

ROWS in the environment sets the size (default 500,000 rows × 12 columns).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import show, time_processes

HEADER = "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,收货人姓名,收货地址 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝总数量"

BARE = """
import sys, io, codecs, pyarrow.csv as pc, pyarrow as pa
class Utf8:
    # pyarrow reads UTF-8 only: the cheapest honest way in is a streaming decoder.
    closed = False
    def __init__(self, path): self.raw = open(path, "rb"); self.decoder = codecs.getincrementaldecoder("gb18030")()
    def read(self, size=-1): return self.decoder.decode(self.raw.read(size)).encode()
    def close(self): self.raw.close()
names = open(sys.argv[1], encoding="gb18030").readline().strip().split(",")
options = pc.ConvertOptions(column_types={name: pa.string() for name in names})
rows = 0
with pc.open_csv(pa.PythonFile(Utf8(sys.argv[1]), "r"), convert_options=options) as reader:
    for batch in reader: rows += batch.num_rows
print(rows)
"""

PANDAS = """
import sys, sqlite3, pandas as pd
frame = pd.read_csv(sys.argv[1], encoding="gb18030", dtype=str, keep_default_na=False)
frame.columns = [name.strip() for name in frame.columns]
frame["买家实际支付金额"] = (pd.to_numeric(frame["买家实际支付金额"]) * 100).round().astype("int64")
for name in ("订单创建时间", "订单付款时间"): frame[name] = pd.to_datetime(frame[name], errors="coerce")
frame["联系手机"] = frame["联系手机"].str.strip("'").where(frame["联系手机"].str.fullmatch(r"'?1[3-9]\\d{9}"))
frame = frame.drop_duplicates("订单编号")
with sqlite3.connect(sys.argv[2]) as con: frame.to_sql("orders", con, if_exists="replace", index=False)
"""


def write_orders(path: Path, rows: int) -> None:
    """Believable order rows; the same for the same size."""
    import numpy as np

    dice = np.random.default_rng(7)
    buyers = dice.integers(0, max(rows // 4, 1), rows)
    fen = dice.integers(990, 39_900, rows)
    minutes = dice.integers(0, 525_600, rows)
    with path.open("w", encoding="gb18030", newline="") as file:
        file.write(HEADER + "\r\n")
        for at in range(rows):
            day, minute = divmod(int(minutes[at]), 1440)
            moment = f"2024-{1 + day // 31:02d}-{1 + day % 28:02d} {minute // 60:02d}:{minute % 60:02d}:00"
            yuan = f"{fen[at] // 100}.{fen[at] % 100:02d}"
            file.write(
                f'"=""{4_900_000_000_000_000_000 + at}""",买家{buyers[at]},{yuan},{yuan},交易成功,张*,'
                f"浙江省 杭州市 西湖区 某路{at % 99}号,'1380000{at % 10000:04d},{moment},{moment},海南金煌芒果 {at % 50} 号装,1\r\n"
            )


def main() -> None:
    """Print time and peak memory of the three ways."""
    rows = int(os.environ.get("ROWS", "500000"))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        path = base / "ExportOrderList202501010000.csv"
        write_orders(path, rows)
        scripts = {"bare": BARE, "pandas": PANDAS}
        for name, text in scripts.items():
            (base / f"{name}_side.py").write_text(text, encoding="utf-8")
        siyu = str(Path(sys.executable).with_name("siyu"))
        # A fresh workspace each time: a shell makes it, the clock counts it, it is a few hundredths.
        fresh = f"rm -rf {base}/shop && {siyu} -q init {base}/shop && {siyu} -q -w {base}/shop import-orders {path}"
        subprocess.run(
            [sys.executable, str(base / "bare_side.py"), str(path)], check=True, stdout=subprocess.DEVNULL
        )
        measured = time_processes(
            {
                "bare read (pyarrow, streaming decoder)": [
                    sys.executable,
                    str(base / "bare_side.py"),
                    str(path),
                ],
                "siyu import-orders": ["sh", "-c", fresh],
                "pandas: read, clean, to_sql": [
                    sys.executable,
                    str(base / "pandas_side.py"),
                    str(path),
                    str(base / "x.sqlite"),
                ],
            },
            rounds=3,
        )
    show(f"import of {rows:,} order rows, GB18030 CSV", measured, "bare read (pyarrow, streaming decoder)")


if __name__ == "__main__":
    main()
