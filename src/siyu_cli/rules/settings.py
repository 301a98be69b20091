"""Checking what a tag says beside its condition: keep, guard, was, note, and what hands may do."""

from __future__ import annotations

import re

from siyu_cli.language import tr
from siyu_cli.rules.meant import days_meant, write_instead
from siyu_cli.rules.names import LineReader
from siyu_cli.rules.problems import Report, suggestion
from siyu_cli.rules.shapes import Pairs, needs, pairs_of, read_condition, text_at, text_of, whole_number_of
from siyu_cli.rules.tree import ByHand, Guard, Keeping, TagRule
from siyu_cli.words import fold
from siyu_cli.yamlfile import Mapping, Node, Scalar

TAG_KEYS = ("when", "keep", "guard", "was", "note")
"""Keys of a tag inside a plain group; a tag of its own also takes `manual` and `manual_ttl`."""
MAX_DAYS = 36_500


def read_tag(
    report: Report, reader: LineReader, name: Scalar, body: Node, keys: tuple[str, ...]
) -> TagRule | None:
    """One tag with its condition; None where it has none that can be read."""
    text = name.text.strip()
    pairs = pairs_of(report, body, keys, tr(f"标签「{text}」", f"tag “{text}”"))
    guard, keep, by_hand = read_guard(report, pairs), read_keep(report, pairs), read_by_hand(report, pairs)
    was = (text_of(report, pairs["was"][1]) or "") if "was" in pairs else ""
    note = text_at(pairs["note"][1]) if "note" in pairs else ""
    if not needs(report, pairs, "when", name):
        return None
    when = read_condition(report, pairs["when"][1], reader.customer_leaf)
    if when is None:
        return None
    return TagRule(text, when, name.mark, guard, keep=keep, by_hand=by_hand, was=was, note=note)


def read_guard(report: Report, pairs: Pairs) -> Guard:
    """The `guard` of a tag or group."""
    if "guard" not in pairs:
        return Guard()
    inner = pairs_of(report, pairs["guard"][1], ("max_add", "max_remove_pct"), "guard")
    max_add = whole_number_of(report, inner["max_add"][1], 0, 10**9) if "max_add" in inner else None
    percent = (
        whole_number_of(report, inner["max_remove_pct"][1], 0, 100) if "max_remove_pct" in inner else None
    )
    return Guard(max_add, percent)


def read_keep(report: Report, pairs: Pairs) -> Keeping:
    """`keep: 30d`, `keep: 0d`, `keep: forever`."""
    if "keep" not in pairs:
        return Keeping()
    node = pairs["keep"][1]
    if text_at(node).strip() == "forever":
        return Keeping(None)
    days = days_of(report, node, "keep", tr("30d、0d、forever", "30d, 0d, forever"))
    return Keeping(days or 0)


def read_by_hand(report: Report, pairs: Pairs) -> ByHand:
    """`manual: forbid` and `manual_ttl: 180d`."""
    is_forbidden = "manual" in pairs and text_at(pairs["manual"][1]).strip() == "forbid"
    if "manual" in pairs and not is_forbidden:
        what = tr("manual 只能写 forbid(不许人工改);允许就不写", "manual: forbid, or leave it out")
        report.add("E307", pairs["manual"][1], what)
    ttl = None
    if "manual_ttl" in pairs:
        ttl = days_of(report, pairs["manual_ttl"][1], "manual_ttl", "180d")
        if is_forbidden:
            what = tr("manual: forbid 时没有可到期的", "manual: forbid leaves nothing to run out")
            report.add("E307", pairs["manual_ttl"][0], what)
    return ByHand(is_forbidden, ttl)


def read_former_names(report: Report, pairs: Pairs, members: list[str]) -> dict[str, str]:
    """`was: {新名: 旧名}` of a group: folded new name → old name."""
    if "was" not in pairs:
        return {}
    node = pairs["was"][1]
    if not isinstance(node, Mapping):
        what = tr("组里的 was 写成 {新名: 旧名}", "was of a group is {new name: old name}")
        report.add("E107", node, what)
        return {}
    known = {fold(name) for name in members}
    found = {}
    for key, old in node.pairs:
        if fold(key.text) not in known:
            what = tr(f"这一组里没有「{key.text}」", f"This group has no “{key.text}”")
            report.add("E204", key, what, suggestion(key.text, members))
        elif (text := text_of(report, old)) is not None:
            found[fold(key.text)] = text
    return found


def check_former_names(report: Report, rules: list[TagRule], known: dict[str, str]) -> None:
    """An old name is gone from the files, and one tag only comes of it."""
    taken: dict[str, str] = {}
    for rule in sorted(rules, key=lambda rule: rule.name):
        key = fold(rule.was)
        place = Scalar(rule.name, rule.name, False, rule.mark)
        if not rule.was:
            continue
        if key in known:
            what = tr(
                f"「{rule.name}」的 was 写着「{rule.was}」,可它还在规则里",
                f"“{rule.name}” was “{rule.was}”, which is still in the files",
            )
            report.add("E206", place, what, tr("改名就删掉旧的那一个", "Delete the old one to rename it"))
        elif key in taken:
            what = tr(
                f"「{rule.was}」改成了两个标签:{taken[key]}、{rule.name}",
                f"“{rule.was}” became two tags: {taken[key]}, {rule.name}",
            )
            report.add("E206", place, what)
        taken[key] = rule.name


def days_of(
    report: Report, node: Node, key: str, example: str, low: int = 0, high: int = MAX_DAYS
) -> int | None:
    """`30d` under a key, or None with an E307."""
    text = text_at(node).strip()
    match = re.fullmatch(r"(\d{1,5})d", text, re.ASCII)
    if match and low <= int(match[1]) <= high:
        return int(match[1])
    what = tr(f"{key} 看不懂「{text}」,写成天数", f"{key}: cannot read “{text}” as days")
    meant = days_meant(text)
    report.add("E307", node, what, write_instead(meant) if meant else tr("例:", "E.g. ") + example)
    return None
