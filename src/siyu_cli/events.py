"""What a customer can have done: the kinds of events and the words operators use for them.

The first word of a kind is how it is shown. Imports take these words everywhere (a mapping adds more), and
rules know exactly these: `事件 是 加购`.
"""

from __future__ import annotations

EVENT_WORDS: dict[str, tuple[str, ...]] = {
    "view": ("浏览", "浏览商品"),
    "click": ("点击",),
    "add_to_cart": ("加购",),
    "favorite": ("收藏",),
    "share": ("分享",),
    "sign_in": ("签到",),
    "join_group": ("进群",),
    "coupon": ("领券",),
    "use_coupon": ("用券",),
    "consult": ("咨询",),
    "follow": ("关注",),
    "review": ("晒单",),
    "group_message": ("群发言",),
}
"""Kind → its Chinese words."""

EVENT_KINDS = tuple(EVENT_WORDS)
