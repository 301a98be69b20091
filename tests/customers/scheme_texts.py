"""Scheme files at random, as people might write them: every kind of window, value, score and segments."""

from __future__ import annotations

from hypothesis import strategies as st

WINDOWS = (
    "全部", "近90天", "近30天", "近6月", "上月", "本季", "去年", "过去30个整天", "30到60天前", "近48小时",
    "1996-12-01~1997-03-31",
)  # fmt: skip


@st.composite
def score_texts(draw: st.DrawFn, top: int, *, falling: bool = False) -> tuple[str, list[int]]:
    """A `score:` and the scores it gives; cuts below `top`."""
    if draw(st.booleans()):
        classes = draw(st.integers(2, 6))
        return f"score: {{quantiles: {classes}}}", list(range(1, classes + 1))
    cuts = sorted(draw(st.sets(st.integers(0, top), min_size=1, max_size=4)))
    scores = sorted(draw(st.sets(st.integers(-1, 9), min_size=len(cuts) + 1, max_size=len(cuts) + 1)))
    shown = scores[::-1] if falling else scores
    return f"score: {{cuts: {cuts}, scores: {shown}}}", scores


@st.composite
def scheme_texts(draw: st.DrawFn, *, needs_rest: bool = True) -> str:
    """A whole file. `needs_rest`: a list has a rest class, so that it is accepted whatever its ranges."""
    (r, r_scores), (f, f_scores), (m, m_scores) = (
        draw(score_texts(120, falling=True)), draw(score_texts(4)), draw(score_texts(200)),
    )  # fmt: skip
    head = (
        f"name: 随机\nwindow: {draw(st.sampled_from(WINDOWS))}\n"
        f"recency: {{of: 距上次购买天数, {r}}}\n"
        f"frequency: {{of: {draw(st.sampled_from(['订单数', '购买天数', '行数']))}, {f}}}\n"
        f"monetary: {{of: {draw(st.sampled_from(['消费额', '笔单价', '次均金额']))}, {m}}}\n"
    )
    kind = draw(st.sampled_from(["eight", "list", "grid"]) if needs_rest else st.just("list"))
    if kind == "eight":
        by = draw(st.sampled_from(["raw_mean", "raw_median", "score_mean", "fixed"]))
        values = ", values: {recency: 30, frequency: 2, monetary: 50.01}" if by == "fixed" else ""
        compare = draw(st.sampled_from([">", ">="]))
        return head + f'levels: {{by: {by}, compare: "{compare}"{values}}}\nsegments: eight\n'
    means = sorted({(one + other) // 2 for one in f_scores for other in m_scores})
    axes = {"r": r_scores, "f": f_scores, "m": m_scores, "fm": means}
    if kind == "list":
        lines = []
        for at in range(draw(st.integers(1, 6))):
            used = draw(st.sets(st.sampled_from(sorted(axes)), max_size=3))
            ranges = []
            for axis in sorted(used):
                low, high = sorted(draw(st.tuples(st.integers(-1, 7), st.integers(-1, 7))))
                ranges.append(f", {axis}: [{low}, {high}]")
            lines.append(f"  - {{name: 群{at}{''.join(ranges)}}}\n")
        tail = "else: 其他\nallow_unreachable: true\n" if needs_rest else ""
        return head + "segments:\n" + "".join(lines) + tail
    down, across = draw(st.sampled_from([("r", "f"), ("r", "m"), ("r", "fm"), ("m", "f"), ("fm", "r")]))
    names = st.lists(
        st.sampled_from(["甲", "乙", "丙", "~"]), min_size=len(axes[across]), max_size=len(axes[across])
    )
    # 甲 somewhere: a grid without any segment is refused.
    rows = [draw(names) for _ in axes[down]]
    rows[0][0] = "甲"
    cells = "".join(f"    {level}: [{', '.join(row)}]\n" for level, row in zip(axes[down], rows, strict=True))
    return head + f"segments:\n  grid: [{down}, {across}]\n  cells:\n{cells}else: 其他\n"
