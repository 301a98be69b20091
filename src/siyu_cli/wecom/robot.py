"""A 企业微信 group robot: markdown messages through its webhook, paced and retried as the service asks.

The contract is that of 消息推送(原群机器人): markdown of at most 4,096 bytes, 20 messages a minute and
robot. The key in the address is a secret: no message, log or error shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from time import sleep

from siyu_cli.errors import InputRefused, RemoteFailed
from siyu_cli.language import tr

MAX_BYTES = 4096
"""UTF-8 bytes of one markdown message."""
_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:]+")
_TIMEOUT = 10.0
_BREATH = 3.1  # twenty a minute
_TRIES = 3
_TOO_OFTEN, _BUSY = 45009, -1
_MINUTE = 60.0
_MEANINGS = {
    93000: tr("webhook 地址不对,或机器人已被移出群", "the webhook is wrong, or the robot was removed"),
    93004: tr("机器人被停用了", "the robot is disabled"),
    _TOO_OFTEN: tr("发得太频繁(每分钟最多 20 条)", "too many messages (20 a minute)"),
    40058: tr("消息格式不对", "the message is malformed"),
}


class Robot:
    """One robot. `pause` waits between messages; tests put a clock of their own there."""

    def __init__(self, webhook: str, pause: Callable[[float], None] = sleep) -> None:
        check_webhook(webhook)
        self._webhook = webhook.strip()
        self._pause = pause
        self._has_sent = False

    def send(self, markdown: str) -> None:
        """Send one message; RemoteFailed when it was not taken. A busy service is asked again, up to three times."""
        import httpx

        if self._has_sent:
            self._pause(_BREATH)
        self._has_sent = True
        body = {"msgtype": "markdown", "markdown": {"content": markdown}}
        problem = ""
        for attempt in range(_TRIES):
            if attempt:
                self._pause(2.0**attempt)
            try:
                answer = httpx.post(self._webhook, json=body, timeout=_TIMEOUT)
                answer.raise_for_status()
                code = int(answer.json()["errcode"])
            except httpx.HTTPStatusError as error:
                problem = f"HTTP {error.response.status_code}"
                if error.response.status_code < 500:
                    break
                continue
            except httpx.RequestError as error:
                problem = tr("连不上", "no connection") + f"({type(error).__name__})"
                continue
            except (ValueError, KeyError, TypeError):
                problem = tr("答复看不懂", "the answer cannot be read")
                break
            if code == 0:
                return
            problem = _MEANINGS.get(code, "") + f"[{code}]"
            if code == _TOO_OFTEN:
                if attempt < _TRIES - 1:
                    self._pause(_MINUTE)
            elif code != _BUSY:
                break
        raise RemoteFailed(
            "robot-refused",
            tr(
                f"企业微信机器人没有收下消息:{problem}",
                f"The 企业微信 robot did not take the message: {problem}",
            ),
            hint=tr(
                "检查 siyu.yaml 的 reminders.webhook 和网络;当天再运行一次会补发",
                "Check reminders.webhook in siyu.yaml and the network; another run the same day sends it",
            ),
        )


def check_webhook(webhook: str) -> None:
    """Refuse what cannot be a webhook, without showing it."""
    import httpx

    try:
        address = httpx.URL(webhook.strip())
        is_good = bool(
            address.scheme in ("http", "https") and _HOST.fullmatch(address.host) and "key" in address.params
        )
    except (httpx.InvalidURL, ValueError):
        is_good = False
    if not is_good:
        raise InputRefused(
            "bad-webhook",
            tr("reminders.webhook 不是群机器人的地址", "reminders.webhook is no robot's address"),
            hint=tr(
                "在企业微信群里添加机器人,把它的 Webhook 地址(https://…/webhook/send?key=…)整个抄过来",
                "Copy the whole webhook of the group robot (https://…/webhook/send?key=…)",
            ),
        )


def split_lines(head: str, lines: list[str], tail: str = "") -> list[str]:
    """Lines as messages of at most MAX_BYTES, each with the same head; `tail` ends the last one."""
    messages: list[str] = []
    current = head
    for line in [*lines, *([tail] if tail else [])]:
        longer = f"{current}\n{line}"
        if len(longer.encode()) > MAX_BYTES and current != head:
            messages.append(current)
            longer = f"{head}\n{line}"
        current = longer.encode()[:MAX_BYTES].decode(errors="ignore")
    return [*messages, current] if current != head else messages
