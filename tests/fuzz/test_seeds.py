"""Every seed of the fuzzer, and every file it ever stumbled over, is read or refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.fuzz_reader import read_everything, run_one

SEEDS = sorted((Path(__file__).parent / "seeds").iterdir())
READABLE = [seed for seed in SEEDS if seed.name.startswith("good-")]


@pytest.mark.parametrize("seed", SEEDS, ids=[seed.name for seed in SEEDS])
def test_a_seed_is_read_or_refused(tmp_path, seed):
    run_one(seed.read_bytes(), tmp_path)


@pytest.mark.parametrize("seed", READABLE, ids=[seed.name for seed in READABLE])
def test_a_good_seed_has_rows(seed):
    assert read_everything(seed) > 0


def test_there_is_a_good_seed_of_every_kind():
    kinds = {seed.name.removeprefix("good-").partition(".")[0] for seed in READABLE}
    assert kinds >= {"xlsx", "xls", "spreadsheetml", "html", "csv", "tsv-utf16", "gb18030"}
