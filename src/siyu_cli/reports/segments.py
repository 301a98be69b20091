"""What the report says of the newest score run: segments, what they mean, who moved, and where people stand.

The heat map is over the scores R × F; a scheme without them (the eight by raw values) is shown over fixed
classes of days and purchases instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import format_seconds
from siyu_cli.customers.migration import Migration, read_migration
from siyu_cli.language import tr
from siyu_cli.reports.metrics import divide
from siyu_cli.store.scores import ScoreRun, newest_score_run, run_before

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

DAY_BOUNDS = (30, 60, 90, 180, 365)
TIMES_BOUNDS = (1, 2, 3, 5, 9)
_LETTERS = (("recency", "R"), ("frequency", "F"), ("monetary", "M"), ("both", "FM"))
_SHOWN_AREAS = 4

# Parameter: the run.
_SEGMENTS_SQL = """
SELECT segment, COUNT(*) AS customers, SUM(net_fen) AS segment_fen FROM scores WHERE run_id = ? GROUP BY segment
"""
# Parameter: the run. {r} and {f} are whole numbers, the class of a customer on each axis.
_HEAT_SQL = """
WITH placed AS (SELECT {r} AS r_class, {f} AS f_class, net_fen FROM scores WHERE run_id = ?)
SELECT r_class, f_class, COUNT(*) AS customers, CAST(SUM(net_fen) AS BIGINT) AS cell_fen
FROM placed GROUP BY r_class, f_class
"""


@dataclass(frozen=True)
class SegmentRow:
    """One segment of the last score run; `meaning` is how it is defined."""

    code: str
    name: str
    meaning: str
    customers: int
    net_fen: int

    @property
    def per_customer_fen(self) -> int | None:
        return divide(self.net_fen, self.customers)


@dataclass(frozen=True)
class HeatMap:
    """Customers and net by recency (rows, the most recent first) and frequency (columns, rising)."""

    is_scored: bool
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    customers: tuple[tuple[int, ...], ...]
    net_fen: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Scores:
    """The newest score run as the report shows it."""

    scheme: str
    as_of: str
    lines: tuple[tuple[str, str, str, str], ...]
    rows: tuple[SegmentRow, ...]
    heat: HeatMap
    migration: Migration | None


def read_scores(engine: Engine, as_of: AsOf) -> Scores | None:
    """The newest run as of a moment, beside the one of its scheme before it; None where nothing was scored."""
    run = newest_score_run(engine, as_of)
    if run is None:
        return None
    found = {row["segment"]: row for row in engine.query(_SEGMENTS_SQL, (run.run_id,)).to_pylist()}
    scheme = json.loads(run.scheme_text)
    meanings = _meanings(scheme)
    rows = [
        SegmentRow(
            code,
            name,
            meanings.get(name, ""),
            *((int(row["customers"]), int(row["segment_fen"])) if (row := found.get(name)) else (0, 0)),
        )
        for code, name in run.segments
    ]
    earlier = run_before(engine, run)
    return Scores(
        run.scheme,
        format_seconds(run.as_of_sec),
        _line_rows(json.loads(run.thresholds)),
        tuple(rows),
        _read_heat(engine, run),
        read_migration(engine, earlier, run) if earlier else None,
    )


def segment_definitions() -> dict[str, tuple[str, str]]:
    """Name and definition by id, as the 说明 sheet prints them."""
    return {
        "rfm_r": (
            tr("R 最近", "R recency"),
            tr(
                "打分截止日 − 窗口里最近一笔有效订单的付款日(天)",
                "cut-off day − day of the last valid order in the window",
            ),
        ),
        "rfm_f": (
            tr("F 频次", "F frequency"),
            tr(
                "窗口里的有效订单数、购买天数或行数,看方案",
                "valid orders, purchase days or lines in the window, by the scheme",
            ),
        ),
        "rfm_m": (
            tr("M 金额", "M money"),
            tr(
                "窗口里实付减退款的合计,或再除以订单数(笔单价)、除以 F(次均金额),看方案",
                "paid minus refunds in the window, or that per order or per F, by the scheme",
            ),
        ),
        "segment_moves": (
            tr("分群迁移", "Moves"),
            tr(
                "同一方案上一次和这一次打分,按客户对上;新来的上次不在,不在了的这次窗口里没有有效订单",
                "the last run of a scheme and this one, customer by customer; new: not in the run before, "
                "gone: no valid order in the window now",
            ),
        ),
    }


def _line_rows(thresholds: dict[str, Any]) -> tuple[tuple[str, str, str, str], ...]:
    """Letter, what is measured, score cuts, the better side of the line."""
    rows = []
    for key, letter in _LETTERS[:3]:
        shown = thresholds.get(key)
        if shown is None:
            continue
        cuts = f"{' / '.join(shown['cuts'])} {shown['unit']}" if "cuts" in shown else "–"
        line = "–"
        if "line" in shown:
            in_score = shown["by"] == "score_mean"
            sign = shown["compare"]
            if key == "recency" and not in_score:
                sign = {">": "<", ">=": "≤"}[sign]
            line = f"{sign} {shown['line']} {tr('分', 'points') if in_score else shown['unit']}"
        rows.append((letter, f"{shown['of']}({shown['unit']})", cuts, line))
    return tuple(rows)


def _meanings(scheme: dict[str, Any]) -> dict[str, str]:
    """By segment name, in words: `R 4–5 · FM 3–5`, `R 好 · F 差 · M 好`; cells of a grid one after the other."""
    words = {}
    for segment in scheme.get("segments", []):
        # Runs of before the grids hold one area, written into the segment itself.
        areas = segment.get("areas") or [segment]
        shown = [_area_words(area, is_eight=bool(scheme.get("levels"))) for area in areas[:_SHOWN_AREAS]]
        more = len(areas) - _SHOWN_AREAS
        if more > 0:
            shown.append(tr(f"另 {more} 格", f"{more} more cells"))
        words[segment["name"]] = ", ".join(shown)
    if scheme.get("rest"):
        words[scheme["rest"]["name"]] = tr("其余的人", "everyone else")
    return words


def _area_words(area: dict[str, Any], *, is_eight: bool) -> str:
    parts = []
    for key, letter in _LETTERS:
        bounds = area.get(key)
        if bounds is None:
            continue
        low, high = bounds
        if is_eight:
            parts.append(f"{letter} {tr('好', 'good') if low else tr('差', 'poor')}")
        else:
            parts.append(f"{letter} {low}" if low == high else f"{letter} {low}–{high}")
    return " · ".join(parts) or tr("不限", "any")


def _read_heat(engine: Engine, run: ScoreRun) -> HeatMap:
    thresholds = json.loads(run.thresholds)
    r_scores, f_scores = (
        sorted(set(thresholds.get(key, {}).get("scores", []))) for key in ("recency", "frequency")
    )
    is_scored = bool(r_scores and f_scores)
    if is_scored:
        rows = {score: f"R {score}" for score in reversed(r_scores)}
        columns = {score: f"F {score}" for score in f_scores}
        sql = _HEAT_SQL.format(r="r_score", f="f_score")
    else:
        rows = dict(enumerate(_class_names(DAY_BOUNDS, tr("天", "days"), start=0)))
        columns = dict(
            enumerate(_class_names(TIMES_BOUNDS, thresholds.get("frequency", {}).get("unit", ""), start=1))
        )
        sql = _HEAT_SQL.format(
            r=_class_sql("recency_days", DAY_BOUNDS), f=_class_sql("frequency", TIMES_BOUNDS)
        )
    found = {(row["r_class"], row["f_class"]): row for row in engine.query(sql, (run.run_id,)).to_pylist()}

    def grid(key: str) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(int(found[r, f][key]) if (r, f) in found else 0 for f in columns) for r in rows)

    return HeatMap(
        is_scored, tuple(rows.values()), tuple(columns.values()), grid("customers"), grid("cell_fen")
    )


def _class_names(bounds: tuple[int, ...], unit: str, *, start: int) -> list[str]:
    lows = [start, *(bound + 1 for bound in bounds)]
    names = [
        f"{low} {unit}" if low == high else f"{low}–{high} {unit}"
        for low, high in zip(lows, bounds, strict=False)
    ]
    return [*names, tr(f"{lows[-1]} {unit}以上", f"{lows[-1]} {unit} or more")]


def _class_sql(column: str, bounds: tuple[int, ...]) -> str:
    tests = " ".join(f"WHEN {column} <= {bound} THEN {at}" for at, bound in enumerate(bounds))
    return f"CASE {tests} ELSE {len(bounds)} END"
