"""`siyu import-orders` of a GB18030 CSV beside the bare read of the file and the pandas program a user would write.

ROWS in the environment sets the size (default 500,000 rows × 12 columns). The import is then repeated at
GROWTH times that size (default 10; 1 leaves it out): time and memory should grow no faster than the rows.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import show, time_processes

BARE_SIDE, SIYU_SIDE = "bare read (pyarrow, streaming decoder)", "siyu import-orders"

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

PANDAS_READ = """
import sys, pandas as pd
print(len(pd.read_csv(sys.argv[1], encoding="gb18030", dtype=str, keep_default_na=False)))
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
                f"浙江省 杭州市 西湖区 某路{at % 99}号,'138{buyers[at]:08d},{moment},{moment},海南金煌芒果 {at % 50} 号装,1\r\n"
            )


def import_of(path: Path, shop: Path) -> tuple[list[str], list[str]]:
    """The import itself, and what is done before it: a fresh workspace each time, which is not timed."""
    siyu = str(Path(sys.executable).with_name("siyu"))
    return [siyu, "-q", "-w", str(shop), "import-orders", str(path)], [
        "sh", "-c", f"rm -rf {shop} && {siyu} -q init {shop}",
    ]  # fmt: skip


def main() -> None:
    """Print time, speed and peak memory of the ways, and how the import grows with the file."""
    rows, growth = int(os.environ.get("ROWS", "500000")), int(os.environ.get("GROWTH", "10"))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        path = base / "ExportOrderList202501010000.csv"
        write_orders(path, rows)

        def script(name: str, text: str) -> list[str]:
            (base / f"{name}_side.py").write_text(text, encoding="utf-8")
            return [sys.executable, str(base / f"{name}_side.py"), str(path), str(base / "x.sqlite")]

        importing, fresh_shop = import_of(path, base / "shop")
        measured = time_processes(
            {
                BARE_SIDE: script("bare", BARE),
                SIYU_SIDE: importing,
                "pandas: read_csv alone": script("pandas_read", PANDAS_READ),
                "pandas: read, clean, to_sql": script("pandas", PANDAS),
            },
            rounds=3,
            before={SIYU_SIDE: fresh_shop},
        )
        show(f"import of {rows:,} order rows, GB18030 CSV", measured, BARE_SIDE)
        small = next(side for side in measured if side.name == SIYU_SIDE)
        print(f"\n{SIYU_SIDE}: {rows / small.seconds:,.0f} rows a second")
        if growth == 1:
            return
        write_orders(path, rows * growth)
        [large] = time_processes({SIYU_SIDE: importing}, rounds=1, before={SIYU_SIDE: fresh_shop})
    print(f"\n## the same at {rows * growth:,} rows\n")
    print(
        f"{large.seconds:.1f} s, {large.peak_mib:,.0f} MiB: {rows * growth / large.seconds:,.0f} rows a second"
    )
    print(f"{growth} × the rows take {large.seconds / small.seconds:.1f} × the time", end="")
    print(f" and {(large.peak_mib or 0) / (small.peak_mib or 1):.1f} × the memory")


if __name__ == "__main__":
    main()
