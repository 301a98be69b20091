"""How score-customers words the repurchase cycle, the backtest and the risks."""

from __future__ import annotations

from datetime import date
from math import isinf
from typing import TYPE_CHECKING, Any

from siyu_cli.commands.render import Column, Table
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.customers.backtest import Backtest
    from siyu_cli.customers.churn import Churn


def no_churn_note(*, is_silent: bool) -> str:
    """Why there is no risk, and the one command that changes it."""
    if is_silent:
        return tr(
            "没有流失风险:上一次回测里没有可用的信号;数据多了再运行 siyu score-customers --backtest",
            "No churn risk: the last backtest found no signal; with more data run siyu score-customers --backtest",
        )
    return tr(
        "还没有流失风险:运行一次 siyu score-customers --backtest,验证过以后每次打分都会带上",
        "No churn risk yet: run siyu score-customers --backtest once, then every scoring brings it along",
    )


def churn_tables(churn: Churn) -> list[Table]:
    """The methods beside each other, the gaps, and the risks where there are any."""
    tables = [_methods_table(churn.backtest)] if churn.backtest and churn.backtest.methods else []
    if churn.cycle.gaps.total:
        tables.append(_cycle_table(churn))
    if churn.cuts:
        tables.append(_risk_table(churn))
    return tables


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"


def _methods_table(test: Backtest) -> Table:
    from siyu_cli.customers.churn_methods import method_words

    columns = (
        Column("method", tr("方法", "Method")), Column("auc", "AUC"), Column("lower", tr("99.5% 下限", "lower 99.5 %")),
        Column("own", tr("自己估的平均", "own mean chance")), Column("brier", tr("Brier(越小越准)", "Brier")),
        Column("said", tr("说明", "Note")),
    )  # fmt: skip
    rows = [
        (
            f"{method_words(one.name)}{tr(' ← 选用', ' ← chosen') if one.name == test.chosen else ''}",
            f"{one.auc.value:.3f}" if one.auc else None,
            f"{one.lower:.3f}" if one.lower else None,
            None if one.own_chance is None else _percent(one.own_chance),
            None if one.brier is None else f"{one.brier:.4f}",
            one.message,
        )
        for one in test.methods
    ]
    title = tr(
        f"回测:留出最近 {test.horizon} 天,那之前的 {test.customers:,} 位客户里 {test.bought:,} 位"
        f"({_percent(test.base)})又买了",
        f"Backtest: the last {test.horizon} days held out; of {test.customers:,} customers before, {test.bought:,} "
        f"({_percent(test.base)}) bought again",
    )
    return Table(columns, rows, title=title)


def _cycle_table(churn: Churn) -> Table:
    cycle = churn.cycle
    columns = (
        Column("of", tr("复购间隔", "Repeat gaps")), Column("gaps", tr("间隔数", "Gaps"), "count"),
        Column("median", tr("中位(天)", "Median (days)"), "count"), Column("p80", tr("80% 在(天)内", "80 % within"), "count"),
        Column("p90", tr("90% 在(天)内", "90 % within"), "count"),
        Column("line", tr(f"流失线({cycle.percent}%)", f"churn line ({cycle.percent} %)"), "count"),
    )  # fmt: skip
    whole = [(tr("全店", "whole shop"), cycle.gaps), *((one.name, one.gaps) for one in cycle.categories)]
    rows = [
        (name, gaps.total, gaps.day_by(50), gaps.day_by(80), gaps.day_by(90), gaps.day_by(cycle.percent))
        for name, gaps in whole
    ]
    return Table(columns, rows, title=tr("复购周期(天,同一天几单算一次)", "Repurchase cycle (days)"))


def _risk_table(churn: Churn) -> Table:
    assert churn.cuts
    low, middle, high = (_percent(cut) for cut in churn.cuts)
    meanings = (f"≥ {low}", f"{middle} – {low}", f"{high} – {middle}", f"< {high}")
    columns = (
        Column("risk", tr("流失风险", "Churn risk")),
        Column("chance", tr(f"{churn.horizon} 天内再买的概率", f"P(buys within {churn.horizon} days)")),
        Column("customers", tr("人数", "Customers"), "count"), Column("net_fen", tr("净额", "Net"), "fen"),
    )  # fmt: skip
    found = {risk: (customers, fen) for risk, customers, fen in churn.sizes}
    from siyu_cli.store.scores import RISKS

    rows = [(risk, meaning, *found.get(risk, (0, 0))) for risk, meaning in zip(RISKS, meanings, strict=True)]
    return Table(columns, rows, title=tr("流失风险", "Churn risk"))


def churn_notes(churn: Churn, today: int) -> list[str]:
    """What was chosen and why, the line beside the starter rule, what lies ahead."""
    chosen = _choice_notes(churn.backtest) if churn.backtest else _kept_notes(churn, today)
    return [*chosen, *_cycle_notes(churn), *_ahead_notes(churn), *churn.notes]


def _kept_notes(churn: Churn, today: int) -> list[str]:
    """By which earlier backtest, and when it is time for another."""
    from siyu_cli.clock import day_of
    from siyu_cli.customers.churn_methods import method_words

    told = churn.told
    age = today - day_of(date.fromisoformat(told["as_of"]))
    if not age:
        return [tr(f"流失风险用 {method_words(told['chosen'])}:今天已经回测过",
                   f"Risks by {method_words(told['chosen'])}: tested today already")]  # fmt: skip
    words = tr(
        f"流失风险用 {method_words(told['chosen'])}:沿用 {told['as_of']} 的回测({age} 天前)选的方法和概率",
        f"Risks by {method_words(told['chosen'])}: the choice and chances of the backtest of {told['as_of']} ({age} days ago)",
    )
    if age > churn.horizon:
        words += tr(
            ";已经超过回测的天数,请再运行一次 siyu score-customers --backtest",
            "; that is longer ago than it looked ahead: run siyu score-customers --backtest again",
        )
    return [words]


def _choice_notes(test: Backtest) -> list[str]:
    from siyu_cli.customers.churn_methods import method_words

    if test.chosen is None:
        return [
            tr(
                f"没有可用的信号:{test.reason}。不给流失风险。",
                f"No usable signal: {test.reason}. No risk is given.",
            )
        ]
    if not test.is_automatic:
        return [tr(f"流失风险用 {method_words(test.chosen)}(siyu.yaml 指定)",
                   f"Risks by {method_words(test.chosen)} (named in siyu.yaml)")]  # fmt: skip
    return [tr(
        f"流失风险用 {method_words(test.chosen)}:是在这次回测里自动选的(AUC 最高;相差 0.005 以内取简单的),"
        "所以它的成绩会略微偏好",
        f"Risks by {method_words(test.chosen)}, chosen on this very backtest (highest AUC, within .005 the simpler "
        "one), so its figures flatter it a little",
    )]  # fmt: skip


def _cycle_notes(churn: Churn) -> list[str]:
    from siyu_cli.customers.cycle import FEWEST_GAPS
    from siyu_cli.forecast.rhythm import CYCLE, SOME_CYCLE

    cycle = churn.cycle
    if cycle.line is None:
        return [
            tr(
                "还没有人买过第二次,看不出复购周期和流失线",
                "Nobody has bought twice: there is no cycle and no line",
            )
        ]
    notes = [tr(
        f"流失线 {cycle.line} 天:{cycle.percent}% 的复购间隔到这天为止",
        f"Churn line {cycle.line} days: {cycle.percent} % of the repeat gaps are over by then",
    )]  # fmt: skip
    if cycle.gaps.total < FEWEST_GAPS:
        notes[0] += tr(
            f";只有 {cycle.gaps.total} 个间隔,还不足以照着改规则",
            f"; only {cycle.gaps.total} gaps: too few to go by",
        )
    elif cycle.starter:
        first, last = cycle.starter
        days = (
            tr(f"{cycle.line} 到 {cycle.late_line} 天", f"{cycle.line} to {cycle.late_line} days")
            if cycle.late_line != cycle.line
            else tr(f"{cycle.line} 天起", f"{cycle.line} days and more")
        )
        share = _percent(cycle.gaps.share_over(first))
        notes[0] += tr(
            f";规则 流失.yaml 里写的是 {first} 到 {last} 天(到第 {first} 天为止 {share} 的间隔已经过去),"
            f"按你店里的数据可以写成 {days}",
            f"; the rule 流失.yaml says {first} to {last} days ({share} of the gaps are over by day {first}); "
            f"your data suggest {days}",
        )
    k = cycle.regularity.k
    if k is not None:
        said = (
            tr("有固定的周期", "there is a cycle")
            if round(k, 2) >= CYCLE
            else tr("比随机规律一些,还说不上周期", "more regular than chance, but no cycle")
            if round(k, 2) >= SOME_CYCLE
            else tr("没有固定的周期,来得随机", "no cycle, as by chance")
        )
        figure = "∞" if isinf(k) else f"{k:.2f}"
        notes.append(tr(f"购买的规律 k = {figure}(Wheat–Morrison,{cycle.regularity.customers:,} 人有两次间隔):{said}",
                        f"Regularity k = {figure} (Wheat–Morrison, {cycle.regularity.customers:,} customers): {said}"))  # fmt: skip
    return notes


def _ahead_notes(churn: Churn) -> list[str]:
    from siyu_cli.customers.churn_methods import method_words
    from siyu_cli.money import format_yuan

    ahead = churn.ahead
    if ahead is None:
        return []
    said, model = ahead.as_dict(), method_words(ahead.model)
    other = ""
    if churn.told["chosen"] != churn.told["ahead_model"]:
        other = tr(
            f";风险用的{method_words(churn.told['chosen'])}只排先后,数不出次数",
            f"; {method_words(churn.told['chosen'])}, by which the risks go, only ranks and cannot count",
        )
    notes = [tr(
        f"往后 90 天约 {said['expected_90']:,.0f} 次购买、365 天约 {said['expected_365']:,.0f} 次(模型 {model}{other})",
        f"About {said['expected_90']:,.0f} purchases in 90 days, {said['expected_365']:,.0f} in 365 (model {model}{other})",
    )]  # fmt: skip
    if said["value_365_fen"] is not None:
        notes[0] += tr(f",365 天约值 {format_yuan(said['value_365_fen'])}(Gamma-Gamma)",
                       f", worth about {format_yuan(said['value_365_fen'])} in 365 days (Gamma-Gamma)")  # fmt: skip
    elif ahead.worth_message:
        notes.append(ahead.worth_message)
    return notes


def score_words(score: dict[str, Any]) -> list[tuple[str, str]]:
    """What a score run says of one customer's leaving, line by line; what is not known is left out."""
    from siyu_cli.customers.churn_methods import method_words
    from siyu_cli.money import format_yuan

    said = []
    if score["risk"] is not None:
        days, chance = score["horizon_days"], _percent(score["p_buy"])
        said.append((tr("流失风险", "Churn risk"),
                     tr(f"{score['risk']}:{days} 天内再买约 {chance}", f"{score['risk']}: {chance} to buy within {days} days")))  # fmt: skip
    if score["rhythm_days"] is not None:
        rhythm, late = score["rhythm_days"], score["late_days"]
        when = (
            tr(f"晚了 {late} 天", f"{late} days late")
            if late > 0
            else tr(f"还有 {-late} 天到时候", f"due in {-late} days")
        )
        said.append((tr("自己的节奏", "Own rhythm"),
                     tr(f"约 {rhythm} 天来一次,{when}", f"about every {rhythm} days, {when}")))  # fmt: skip
    if score["expected_365"] is not None:
        words = tr(
            f"约 {score['expected_365']:.1f} 次({score['expected_365_low']}–{score['expected_365_high']})",
            f"about {score['expected_365']:.1f} purchases ({score['expected_365_low']}–{score['expected_365_high']})",
        )
        if score["value_365_fen"] is not None:
            low, high = (format_yuan(score[f"value_365_{end}_fen"]) for end in ("low", "high"))
            words += tr(
                f",约 {format_yuan(score['value_365_fen'])}({low}–{high})",
                f", about {format_yuan(score['value_365_fen'])} ({low}–{high})",
            )
        model = method_words(score["ahead_model"] or "")
        said.append((tr("往后 365 天", "Next 365 days"),
                     words + tr(f",{model} 的估计", f", as {model} says")))  # fmt: skip
    return said
