"""The small readers every part of a scheme file is read with; what does not fit is refused at its place."""

from __future__ import annotations

from collections.abc import Sequence

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.words import did_you_mean
from siyu_cli.yamlfile import Items, Mapping, Mark, Node, Scalar


def bad(mark: Mark, message: str, hint: str = "") -> InputRefused:
    """The refusal of a place in a scheme file."""
    return InputRefused("bad-scheme", message, hint=hint, where=mark.where())


def mapping_of(node: Node, known: Sequence[str], what: str) -> Mapping:
    """A mapping with no other keys than these; the nearest one is suggested."""
    if not isinstance(node, Mapping):
        raise bad(node.mark, tr(f"{what}应是「键: 值」", f"{what} must be “key: value”"))
    for key, _ in node.pairs:
        if key.text not in known:
            near = did_you_mean(key.text, list(known))
            raise bad(
                key.mark,
                tr(f"这里没有「{key.text}」这个键", f"There is no key “{key.text}” here"),
                tr(f"你是不是想写:{near}", f"Did you mean: {near}")
                if near
                else tr(f"可以写:{'、'.join(known)}", f"Known: {', '.join(known)}"),
            )
    return node


def need(mapping: Mapping, key: str) -> Node:
    """What stands under a key that must be there."""
    value = mapping.get(key)
    if value is None:
        raise bad(mapping.mark, tr(f"少了「{key}」", f"“{key}” is missing"))
    return value


def text_of(node: Node) -> str:
    """A text that says something."""
    if not isinstance(node, Scalar) or not node.text.strip():
        raise bad(node.mark, tr("这里应是一段文字", "Text is wanted here"))
    return node.text.strip()


def choice_of(node: Node, known: Sequence[str], what: str) -> str:
    """One of a few words; the nearest one is suggested."""
    text = text_of(node)
    if text not in known:
        near = did_you_mean(text, list(known))
        raise bad(
            node.mark,
            tr(f"{what} 不认识「{text}」", f"{what} does not know “{text}”"),
            tr(f"你是不是想写:{near}", f"Did you mean: {near}")
            if near
            else tr(f"可以写:{'、'.join(known)}", f"Known: {', '.join(known)}"),
        )
    return text


def whole_of(node: Node) -> int:
    """A whole number."""
    if not isinstance(node, Scalar) or type(node.value) is not int:
        raise bad(node.mark, tr("这里应是整数", "A whole number is wanted here"))
    return node.value


def items_of(node: Node, message: str, hint: str = "") -> tuple[Node, ...]:
    """The members of a list that must hold something."""
    if not isinstance(node, Items) or not node.items:
        raise bad(node.mark, message, hint)
    return node.items
