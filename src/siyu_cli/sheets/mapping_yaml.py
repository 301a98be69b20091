"""A mapping as the text of a mapping file: what `mapping_file` reads, for people to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from siyu_cli.language import tr
from siyu_cli.sheets.mapping import PlatformMapping


def mapping_yaml(mapping: PlatformMapping, remarks: Mapping[str, str] | None = None) -> str:
    """A mapping as a commented file that loads back equal; `remarks` are comments on its columns."""
    remarks = remarks or {}
    is_orders = mapping.kind in ("orders", "returns", "details")
    lines = [
        tr(
            "# 平台映射:哪一列是什么,哪个词是什么意思。每一项的写法见 docs/platforms.md。",
            "# Which column is what and which word means what; docs/platforms.md explains every key.",
        ),
        f"name: {_scalar(mapping.name)}",
        f"kind: {mapping.kind}",
    ]
    if mapping.source:
        lines.append(f"source: {_scalar(mapping.source)}")
    if mapping.any_of:
        lines.append(tr("# 这些列都在时,自动认出这个文件", "# A file with all these columns is recognised"))
        lines += ["match:", "  any_of:", *(f"    - {_items(names)}" for names in mapping.any_of)]
    lines += _section("constants", {key: _scalar(value) for key, value in mapping.constants.items()})
    lines += _columns(mapping, remarks)
    if mapping.private:
        lines.append(f"private: {_items(mapping.private)}")
    if is_orders:
        lines += _order_lines(mapping)
    if mapping.tag_groups:
        lines.append(f"tag_groups: {_scalar(mapping.tag_groups)}")
    if mapping.dates:
        lines.append(f"dates: {_items(mapping.dates)}")
    lines += _word_lines("status", mapping.status)
    lines += _word_lines("refund_status", mapping.refund_status)
    lines += _word_lines("events", mapping.events)
    if mapping.buyer_identity != "platform":
        lines.append(f"identity: {{buyer_id: {mapping.buyer_identity}}}")
    return "\n".join(lines) + "\n"


def _columns(mapping: PlatformMapping, remarks: Mapping[str, str]) -> list[str]:
    if not mapping.columns:
        return ["columns: {}"]
    lines = ["columns:"]
    for canonical, names in mapping.columns.items():
        told = "  # " + " ".join(remarks[canonical].split()) if canonical in remarks else ""
        lines.append(f"  {canonical}: {_items(names)}{told}")
    return lines


def _order_lines(mapping: PlatformMapping) -> list[str]:
    lines = [
        f"order_key: {_items(mapping.order_key)}",
        tr("# line = 一行一个商品,order = 一行一单", "# line = a row per product, order = a row per order"),
        f"rows: {mapping.rows}",
        tr(
            "# gross = 实付金额没扣退款,net_of_refunds = 已扣,computed = 单价 × 数量",
            "# gross = refunds are not yet taken off, net_of_refunds = they are, computed = price × quantity",
        ),
        f"amount: {mapping.amount}",
        f"zero_amount: {mapping.zero_amount}",
    ]
    for key, names in (
        ("repeated", mapping.repeated),
        ("carried", mapping.carried),
        ("postage", mapping.postage),
    ):
        if names:
            lines.append(f"{key}: {_items(names)}")
    if mapping.joined:
        lines.append(f"joined: {json.dumps(mapping.joined, ensure_ascii=False)}")
    if mapping.gift_columns:
        lines.append(
            f"gifts: {{column: {_items(mapping.gift_columns)}, values: {_items(mapping.gift_words)}}}"
        )
    if mapping.date_in_order_id:
        lines.append(f"date_in_order_id: {_scalar(mapping.date_in_order_id)}")
    by_status = "true" if mapping.refund_by_status else "false"
    lines.append(f"refunds: {{rows: {mapping.refund_rows}, status: {by_status}}}")
    return lines


def _word_lines(key: str, words: Mapping[str, str]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for word, meaning in words.items():
        groups.setdefault(meaning, []).append(word)
    return _section(key, {meaning: _items(found) for meaning, found in groups.items()})


def _section(key: str, entries: Mapping[str, str]) -> list[str]:
    return [f"{key}:", *(f"  {name}: {text}" for name, text in entries.items())] if entries else []


def _items(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_scalar, texts))}]"


def _scalar(text: str) -> str:
    """A YAML scalar: bare where nothing in it can be misread, else in double quotes."""
    is_bare = re.fullmatch(r"[^\W\d_][\w ]*(?<! )", text) and not re.search(
        r"[^\x20-\x7e\u4e00-\u9fff]", text
    )
    if is_bare and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off"):
        return text
    import yaml

    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)
    return dumped.strip()
