"""The words people write where a structural key belongs, and the English key that is meant."""

from __future__ import annotations

from siyu_cli.language import tr
from siyu_cli.rules.problems import suggestion
from siyu_cli.words import fold

# Structural keys have one spelling, the English one; these are read only to name it.
TWINS: dict[str, str] = {
    "版本": "version", "范围": "scopes", "指标": "metrics", "手工标签": "manual_tags", "人工标签": "manual_tags",
    "标签组": "tag_groups", "标签": "tags", "自动标签": "tags", "人群": "audiences", "策略": "policies",
    "推送": "pushes", "流程": "sops", "测试": "tests", "阶段": "stages", "期望": "expect",
    "条件": "when", "当": "when", "如果": "when", "全部": "all", "都": "all", "并且": "all", "且": "all", "任一": "any", "任意": "any", "或": "any", "或者": "any",
    "都不": "none", "非": "not", "不": "not", "至少满足": "at_least", "至少": "at_least", "个数": "n", "其中": "of",
    "说明": "note", "备注": "note", "保留": "keep", "护栏": "guard", "曾用名": "was", "旧名": "was", "最多新增": "max_add", "最多去掉": "max_remove_pct",
    "互斥": "exclusive", "人工": "manual", "分段": "bands", "分界": "cuts", "切点": "cuts", "名称": "names", "名字": "names", "映射": "map",
    "字段": "field", "值": "values", "取值": "values", "其他": "else", "其它": "else", "否则": "else", "缺失": "missing", "没有值": "missing", "默认": "default",
    "来源": "from", "算法": "agg", "聚合": "agg", "比值": "ratio", "单位": "unit", "覆盖": "override", "对象": "on", "来自": "from",
    "做过": "did", "事件": "event", "次数": "times", "天数": "days", "同一": "same", "之内": "within", "窗口": "within", "之后": "after", "没有": "without", "哪里": "where", "自从": "since",
    "推送后": "after", "小时": "hours", "客户": "customers", "订单": "orders", "截止": "as_of", "步骤": "steps", "有": "has", "只有": "only",
}  # fmt: skip


def hint_key(word: str, known: tuple[str, ...]) -> str:
    """What to write instead of an unknown key: the English key of a Chinese one, a near one, or all of them."""
    folded = fold(word).strip("“”\"'「」 ")
    english = folded if folded in known else TWINS.get(folded)
    if english in known:
        if folded == english:
            return tr(f"写成 {english}", f"Write {english}")
        return tr(f"键用英文,写 {english}", f"Keys are English: write {english}")
    return suggestion(word, list(known))
