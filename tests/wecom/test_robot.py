"""The group robot: what it takes, when it is asked again, what is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.errors import InputRefused, RemoteFailed
from siyu_cli.wecom.robot import MAX_BYTES, Robot, split_lines
from tests.wecom.robot_server import robot_server


def test_a_message_arrives_as_markdown() -> None:
    with robot_server() as server:
        Robot(server.url).send("**提醒**")
    assert server.received == [{"msgtype": "markdown", "markdown": {"content": "**提醒**"}}]


def test_the_end_of_a_windows_line_is_no_part_of_the_address() -> None:
    with robot_server() as server:
        Robot(server.url + "\r\n").send("x")
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("answers", "pauses"),
    [((-1,), [2.0]), ((503, -1), [2.0, 4.0]), ((45009,), [60.0, 2.0])],
)
def test_a_busy_service_is_asked_again(answers: tuple[int, ...], pauses: list[float]) -> None:
    waited: list[float] = []
    with robot_server(*answers) as server:
        Robot(server.url, waited.append).send("x")
    assert len(server.received) == 1
    assert waited == pauses


@pytest.mark.parametrize("answers", [(93000,), (93004,), (40058,), (404,), (-1, -1, -1), (503, 503, 503)])
def test_a_refusal_says_why_and_hides_the_key(answers: tuple[int, ...]) -> None:
    with robot_server(*answers) as server, pytest.raises(RemoteFailed) as refused:
        Robot(server.url, lambda seconds: None).send("x")
    assert not server.answers, "what cannot help is not tried, what may help is tried three times"
    assert not server.received
    assert "secret-key" not in f"{refused.value.message}{refused.value.hint}"


def test_nobody_there() -> None:
    with pytest.raises(RemoteFailed, match="连不上"):
        Robot("http://127.0.0.1:9/send?key=secret-key", lambda seconds: None).send("x")


def test_messages_keep_to_twenty_a_minute() -> None:
    waited: list[float] = []
    with robot_server() as server:
        robot = Robot(server.url, waited.append)
        for _ in range(4):
            robot.send("x")
    assert len(waited) == 3
    assert all(20 * pause >= 60 for pause in waited)


@pytest.mark.parametrize(
    "webhook",
    [
        "",
        "secret",
        "ftp://x/send?key=secret",
        "https:///send?key=secret",
        "https://x/send",
        "http://[bad?key=secret",
        "http://x:port/?key=secret",
    ],
)
def test_what_is_no_webhook_is_refused_unseen(webhook: str) -> None:
    with pytest.raises(InputRefused) as refused:
        Robot(webhook)
    assert "secret" not in f"{refused.value.message}{refused.value.hint}"


@given(
    st.lists(st.text(alphabet="小李ab 🙂", max_size=900), max_size=12), st.text(alphabet="主管", max_size=20)
)
def test_long_messages_are_cut_between_lines(lines: list[str], tail: str) -> None:
    head = "**提醒**"
    messages = split_lines(head, lines, tail)
    assert all(len(one.encode()) <= MAX_BYTES and one.startswith(head + "\n") for one in messages)
    said = [line for one in messages for line in one.split("\n")[1:]]
    assert said == [*lines, *([tail] if tail else [])]
