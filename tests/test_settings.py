"""siyu.yaml: the sections and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from siyu_cli.errors import InputRefused
from siyu_cli.settings import Protection, Settings, read_settings


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "siyu.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_protection_by_channel(tmp_path: Path) -> None:
    text = """
leads:
  protect_days: 7
  max_owners: 2
  channels:
    抖音: {protect_days: 3, extend_days: 0}
    门店:
"""
    leads = read(tmp_path, text).leads
    assert leads.of(None) == leads.of("快手") == Protection(protect_days=7, max_owners=2)
    assert leads.of("抖音") == Protection(protect_days=3, extend_days=0, max_owners=2)
    assert leads.of("门店") == leads.protection


def test_the_older_name_of_the_due_days(tmp_path: Path) -> None:
    assert read(tmp_path, "").leads.protection == Protection()
    assert read(tmp_path, "lead_due_days: 5").leads.protection.protect_days == 5
    assert read(tmp_path, "lead_due_days: 5\nleads: {protect_days: 6}").leads.protection.protect_days == 6
    # A longer protection alone moves the longest one along.
    assert read(tmp_path, "lead_due_days: 40").leads.protection.max_days == 40


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("leads: {protekt_days: 3}", "unknown-setting", 1),
        ("leads:\n  protect_days: 0", "bad-setting", 2),
        ("leads:\n  extend_days: 三", "bad-setting", 2),
        ("leads: 10", "bad-setting", 1),
        ("leads:\n  channels:\n    抖音: {max_day: 3}", "unknown-setting", 3),
        ("leads:\n  channels:\n    抖音: {cooldown_days: 3}", "unknown-setting", 3),
        ("leads:\n  protect_days: 9\n  max_days: 8", "bad-setting", 2),
    ],
)
def test_a_wrong_section_names_its_line(tmp_path: Path, text: str, code: str, line: int) -> None:
    with pytest.raises(InputRefused) as caught:
        read(tmp_path, text)
    assert caught.value.code == code
    assert caught.value.where is not None
    assert caught.value.where.line == line
