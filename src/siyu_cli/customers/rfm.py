"""R, F, M and segments of every customer, as common-core SQL over the order facts.

Values first (`rfm_raw`), then the lines a scheme draws through them (exact fractions, fetched once), then one
set-based query that compares integers. Equal customers get equal scores whatever the order of the rows: no
rank is ever taken. Only orders with a customer count; anonymous ones belong to the shop's totals.

Quantile scores follow the R package rfm: t(i) = quantile(i/n, linear) + 1 unit, where the unit is the one
shown (a day, a purchase, a yuan = 100 fen); score i holds t(i-1) <= v < t(i); recency is reversed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from siyu_cli.customers.distribution import Cut, Distribution, Totals, decimal_text
from siyu_cli.customers.scheme import (
    LETTERS,
    SHORT,
    UNITS,
    Area,
    CutScore,
    Letter,
    Levels,
    Measure,
    QuantileScore,
    Scheme,
    Segment,
    unit_words,
)
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

Values = Distribution | Totals
"""What is known of a letter's values: all of them, or their sum where that is enough."""

_PER_SQL = {"消费额": "1", "笔单价": "order_total", "次均金额": "frequency"}

_FREQUENCY_SQL = {
    "订单数": "SUM(is_order)",
    "购买天数": "COUNT(DISTINCT CASE WHEN is_order = 1 THEN paid_day END)",
    "行数": "SUM(line_count)",
}

# Parameters: the bounds of the window. Customer NULL stands for everyone whose orders name no buyer.
_SUMS_SQL = """
SELECT customer_id, MAX(CASE WHEN is_order = 1 THEN paid_day END) AS last_day,
       CAST({frequency} AS BIGINT) AS frequency, CAST(SUM(is_order) AS BIGINT) AS order_total,
       CAST(SUM(net_fen) AS BIGINT) AS net_total
FROM fact_orders
WHERE {window}
GROUP BY customer_id
HAVING SUM(is_order) > 0
"""

# Parameter: as-of day.
_RAW_SQL = """
SELECT customer_id, CAST(? - last_day AS INTEGER) AS recency_days, frequency AS frequency_count,
       net_total AS monetary_fen, CAST({per} AS BIGINT) AS monetary_per, net_total AS net_fen
FROM rfm_sums
WHERE customer_id IS NOT NULL
"""

_VALUES: dict[Letter, str] = {
    "recency": "recency_days",
    "frequency": "frequency_count",
    "monetary": "monetary_fen",
}
_TOTALS_SQL = f"""
SELECT COUNT(*) AS customers, {", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT) AS {name}_total" for name in _VALUES.values())}
FROM rfm_raw
"""


@dataclass(frozen=True)
class Expression:
    """A piece of SQL with the values of its `?`."""

    sql: str
    params: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class Lines:
    """What was drawn through one letter's values: score cuts and the line between the two sides."""

    measure: Measure
    score_cuts: tuple[Fraction, ...] = ()
    line: Fraction | None = None

    def as_dict(self, levels: Levels | None) -> dict[str, Any]:
        """For `result.thresholds` and the store: exact, money in yuan as text."""
        shown: dict[str, Any] = {"of": self.measure.of, "unit": UNITS[self.measure.of]}
        if self.measure.score is not None:
            shown["cuts"] = [self._text(cut, 4) for cut in self.score_cuts]
            shown["cuts_exact"] = [str(cut / 100 if self.is_money else cut) for cut in self.score_cuts]
            shown["scores"] = list(_scores_in_order(self.measure))
        if self.line is not None and levels is not None:
            in_score = levels.by == "score_mean"
            shown |= {
                "by": levels.by,
                "compare": levels.compare,
                "line": decimal_text(self.line, 4) if in_score else self._text(self.line, 4),
                "line_exact": str(self.line if in_score or not self.is_money else self.line / 100),
            }
        return shown

    @property
    def is_money(self) -> bool:
        return UNITS[self.measure.of] == "元"

    def _text(self, value: Fraction, places: int) -> str:
        return decimal_text(value / 100 if self.is_money else value, places)

    @property
    def cut_words(self) -> str:
        """`115 / 181 / 297.4 / 482 天` of score cuts, `–` without."""
        if self.measure.score is None:
            return "–"
        return f"{' / '.join(self._text(cut, 2) for cut in self.score_cuts)} {unit_words(self.measure.of)}"

    def words(self, letter: Letter, levels: Levels) -> str:
        """`R < 368.22 天`: the better side as people read it."""
        assert self.line is not None
        sign = (
            {">": "<", ">=": "≤"}[levels.compare]
            if letter == "recency"
            else {">": ">", ">=": "≥"}[levels.compare]
        )
        name = SHORT[letter].upper()
        if levels.by == "score_mean":
            return f"{name} {'>' if levels.compare == '>' else '≥'} {decimal_text(self.line, 2)} {tr('分', 'points')}"
        if self.is_money:
            return f"{name} {sign} ¥{decimal_text(self.line / 100, 2)}"
        return f"{name} {sign} {decimal_text(self.line, 2)} {unit_words(self.measure.of)}"


@dataclass(frozen=True)
class Scored:
    """What scoring a set of customers found; the rows themselves are in the engine's table `rfm_scored`."""

    scheme: Scheme
    customers: int
    lines: dict[Letter, Lines]
    segments: list[tuple[Segment, int, int]] = field(default_factory=list)
    anonymous_orders: int = 0

    @property
    def thresholds(self) -> dict[str, Any]:
        return {letter: lines.as_dict(self.scheme.levels) for letter, lines in self.lines.items()}

    @property
    def only_segment(self) -> Segment | None:
        """The segment that holds everybody, where there is more than one to hold them."""
        filled = [segment for segment, customers, _ in self.segments if customers]
        return filled[0] if len(filled) == 1 and len(self.segments) > 1 else None

    @property
    def line_rows(self) -> list[tuple[str, str, str, str]]:
        """Letter, definition, score cuts and the better side of the line, as words."""
        levels = self.scheme.levels
        return [
            (
                SHORT[letter].upper(),
                lines.measure.of,
                lines.cut_words,
                lines.words(letter, levels) if levels and self.customers else "–",
            )
            for letter, lines in self.lines.items()
        ]


def order_sums(scheme: Scheme, as_of: AsOf) -> Expression:
    """What every customer bought in the scheme's window, from `fact_orders`."""
    span = scheme.window.span(as_of)
    window, bounds = "1 = 1", tuple[int, ...]()
    if span is not None:
        tests = [(sign, bound) for sign, bound in ((">=", span.low), ("<=", span.high)) if bound is not None]
        window = " AND ".join(f"paid_{span.unit} {sign} ?" for sign, _ in tests)
        bounds = tuple(bound for _, bound in tests)
    frequency = _FREQUENCY_SQL[scheme.frequency.of]
    return Expression(_SUMS_SQL.format(frequency=frequency, window=window), bounds)


def score_customers(
    engine: Engine, scheme: Scheme, as_of: AsOf, facts: tuple[str, tuple[int, ...]] = ("", ())
) -> Scored:
    """Score every customer with a valid order in the scheme's window.

    Needs the table `fact_orders` as of the moment, or `facts` (facts.order_facts) that opens the query with it.
    Leaves `rfm_scored`: one row per customer with the columns of store.scores.SCORE_COLUMNS.
    """
    sums = order_sums(scheme, as_of)
    opening, params = facts
    engine.write(f"{opening} {sums.sql}", "rfm_sums", (*params, *sums.params))
    engine.write(_RAW_SQL.format(per=_PER_SQL[scheme.monetary.of]), "rfm_raw", (as_of.day,))
    customers, *totals = engine.rows(_TOTALS_SQL)[0]
    values = {
        letter: _distribution(engine, letter, scheme.measures[letter])
        if _needs_the_set(scheme, letter)
        else Totals(int(customers), int(total))
        for letter, total in zip(LETTERS, totals, strict=True)
    }
    cuts = {letter: _score_cuts(measure, values[letter]) for letter, measure in scheme.measures.items()}
    scores = {
        letter: _score_sql(letter, measure, cuts[letter], values[letter])
        for letter, measure in scheme.measures.items()
    }
    scored = _scores(scores)
    if scheme.levels and scheme.levels.by == "score_mean":
        engine.write(scored.sql, "rfm_scores", scored.params)
        scored = Expression("SELECT * FROM rfm_scores")
    lines = {
        letter: Lines(measure, cuts[letter], _line(engine, scheme.levels, letter, values[letter]))
        for letter, measure in scheme.measures.items()
    }
    _write_segments(engine, scheme, scored, lines, values)
    return Scored(scheme, int(customers), lines, _segment_totals(engine, scheme), _anonymous_orders(engine))


def _anonymous_orders(engine: Engine) -> int:
    """Valid orders in the window that name no buyer: in the shop's totals, in nobody's score."""
    found = engine.rows("SELECT order_total FROM rfm_sums WHERE customer_id IS NULL")
    return int(found[0][0]) if found else 0


def _needs_the_set(scheme: Scheme, letter: Letter) -> bool:
    """Whether sums are not enough: quantiles need the values themselves, and so do cuts through fractions."""
    measure, levels = scheme.measures[letter], scheme.levels
    is_ranked = isinstance(measure.score, QuantileScore) or bool(levels and levels.by == "raw_median")
    return is_ranked or (_per(measure) != "1" and bool(measure.score or levels))


def _per(measure: Measure) -> str:
    """What a value is divided by, as a column; "1" of whole numbers."""
    return "1" if _PER_SQL.get(measure.of, "1") == "1" else "monetary_per"


def _distribution(engine: Engine, letter: Letter, measure: Measure) -> Distribution:
    num, den = _VALUES[letter], _per(measure)
    group = num if den == "1" else f"{num}, {den}"
    sql = (
        f"SELECT {num} AS value_num, {den} AS value_den, COUNT(*) AS customers FROM rfm_raw GROUP BY {group}"
    )
    return Distribution.of(engine.query(sql))


def _score_cuts(measure: Measure, values: Values) -> tuple[Fraction, ...]:
    match measure.score:
        case CutScore(cuts=cuts):
            return tuple(Fraction(cut) for cut in cuts)
        case QuantileScore(classes=n):
            assert isinstance(values, Distribution)
            unit = 100 if UNITS[measure.of] == "元" else 1
            return tuple(values.quantile(part, n) + unit for part in range(1, n))
        case None:
            return ()


def _scores_in_order(measure: Measure) -> tuple[int, ...]:
    """The score of every class, from the smallest values up."""
    match measure.score:
        case CutScore(scores=scores):
            return scores
        case QuantileScore(classes=n):
            falling = measure.of == "距上次购买天数"
            return tuple(range(n, 0, -1) if falling else range(1, n + 1))
        case None:
            return ()


def _reaches(letter: Letter, measure: Measure, cut: Cut) -> Expression:
    """`value >= cut` in integers."""
    num, den = _VALUES[letter], _per(measure)
    if den == "1" and cut[1] == 1:
        return Expression(f"{num} >= ?", (cut[0],))
    return Expression(f"{num} * ? >= {den} * ?", (cut[1], cut[0]))


def _score_sql(letter: Letter, measure: Measure, cuts: tuple[Fraction, ...], values: Values) -> Expression:
    """The score as a CASE from the highest class down."""
    if measure.score is None:
        return Expression("CAST(NULL AS INTEGER)")
    scores = _scores_in_order(measure)
    parts, params = [], list[int | str]()
    for cut, score in reversed(list(zip(cuts, scores[1:], strict=True))):
        test = _reaches(letter, measure, values.at_least(cut))
        parts.append(f"WHEN {test.sql} THEN ?")
        params += [*test.params, score]
    return Expression(f"CAST(CASE {' '.join(parts)} ELSE ? END AS INTEGER)", (*params, scores[0]))


def _scores(scores: dict[Letter, Expression]) -> Expression:
    """Every customer's values and scores."""
    columns = ", ".join(f"{scores[letter].sql} AS {SHORT[letter]}_score" for letter in LETTERS)
    sql = (
        "SELECT customer_id, recency_days, frequency_count, monetary_fen, monetary_per, net_fen,"
        f" {columns} FROM rfm_raw"
    )
    return Expression(sql, tuple(param for letter in LETTERS for param in scores[letter].params))


def _line(engine: Engine, levels: Levels | None, letter: Letter, values: Values) -> Fraction | None:
    if levels is None:
        return None
    if levels.by == "fixed":
        assert levels.values is not None
        return Fraction(levels.values[LETTERS.index(letter)])
    if levels.by == "raw_mean":
        return values.mean
    if levels.by == "raw_median":
        assert isinstance(values, Distribution)
        return values.quantile(1, 2)
    score = f"{SHORT[letter]}_score"
    sql = f"SELECT COALESCE(SUM({score}), 0) AS score_total, COUNT(*) AS customers FROM rfm_scores"
    score_total, customers = engine.rows(sql)[0]
    return Fraction(int(score_total), int(customers) or 1)


def _level_sql(levels: Levels, letter: Letter, lines: Lines, values: Values) -> Expression:
    """1 on the better side of the line, else 0; days are better when fewer."""
    line = lines.line
    assert line is not None
    strict = levels.compare == ">"
    if levels.by == "score_mean":
        # Scores are whole numbers: s > 3.4 is s >= 4, s >= 3.4 too.
        least = line.__floor__() + 1 if strict else line.__ceil__()
        return Expression(f"CASE WHEN {SHORT[letter]}_score >= ? THEN 1 ELSE 0 END", (least,))
    if letter == "recency":
        # r < line is "not r >= line".
        test = _reaches(letter, lines.measure, values.at_least(line) if strict else values.above(line))
        return Expression(f"CASE WHEN {test.sql} THEN 0 ELSE 1 END", test.params)
    test = _reaches(letter, lines.measure, values.above(line) if strict else values.at_least(line))
    return Expression(f"CASE WHEN {test.sql} THEN 1 ELSE 0 END", test.params)


def _segment_test(segment: Segment) -> Expression:
    tests = [_area_test(area) for area in segment.areas]
    params = tuple(param for test in tests for param in test.params)
    return Expression(" OR ".join(f"({test.sql})" for test in tests), params)


def _area_test(area: Area) -> Expression:
    tests, params = [], list[int | str]()
    for axis, (low, high) in area.ranges.items():
        if axis == "fm":
            # The mean of F and M without dividing: low <= (F + M) / 2 < high + 1.
            tests.append("f_level + m_level >= ? AND f_level + m_level < ?")
            params += [2 * low, 2 * (high + 1)]
        else:
            tests.append(f"{axis}_level >= ? AND {axis}_level <= ?")
            params += [low, high]
    return Expression(" AND ".join(tests) or "1 = 1", tuple(params))


def _write_segments(
    engine: Engine,
    scheme: Scheme,
    scored: Expression,
    lines: dict[Letter, Lines],
    values: dict[Letter, Values],
) -> None:
    """First match wins; the rest class, where there is one, takes whoever is left."""
    if scheme.levels is None:
        levels = [Expression(f"{SHORT[letter]}_score") for letter in LETTERS]
    else:
        levels = [_level_sql(scheme.levels, letter, lines[letter], values[letter]) for letter in LETTERS]
    level_columns = ", ".join(
        f"{level.sql} AS {SHORT[letter]}_level" for letter, level in zip(LETTERS, levels, strict=True)
    )
    code, name = (_segment_case(scheme, is_name=is_name) for is_name in (False, True))
    sql = f"""
WITH scored AS ({scored.sql}),
levelled AS (
    SELECT customer_id, recency_days, frequency_count, monetary_fen, monetary_per, net_fen,
           r_score, f_score, m_score, {level_columns}
    FROM scored
)
SELECT customer_id, recency_days, frequency_count AS frequency, monetary_fen, monetary_per, net_fen,
       r_score, f_score, m_score, {code.sql} AS segment_code, {name.sql} AS segment
FROM levelled
"""
    params = [*scored.params, *(param for level in levels for param in level.params)]
    engine.write(sql, "rfm_scored", [*params, *code.params, *name.params])


def _segment_case(scheme: Scheme, *, is_name: bool) -> Expression:
    parts, params = [], list[int | str]()
    for segment in scheme.segments:
        test = _segment_test(segment)
        parts.append(f"WHEN {test.sql} THEN ?")
        params += [*test.params, segment.name if is_name else segment.code]
    rest = scheme.rest
    params.append((rest.name if is_name else rest.code) if rest else "")
    return Expression(f"CASE {' '.join(parts)} ELSE ? END", tuple(params))


def _segment_totals(engine: Engine, scheme: Scheme) -> list[tuple[Segment, int, int]]:
    sql = """
SELECT segment_code, COUNT(*) AS customers, CAST(SUM(net_fen) AS BIGINT) AS segment_fen
FROM rfm_scored GROUP BY segment_code
"""
    found = {code: (int(customers), int(fen)) for code, customers, fen in engine.rows(sql)}
    return [(segment, *found.get(segment.code, (0, 0))) for segment in scheme.all_segments]
