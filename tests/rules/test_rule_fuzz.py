"""Broken files and random lines end in documented errors, never in a fault."""

from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.load import check_rules
from siyu_cli.rules.problems import Problem, RulesRefused
from siyu_cli.workspace import configs_dir
from tests.conftest import examples
from tests.rules.random_rules import NAMES
from tests.rules.rule_facts import AS_OF

SEEDS = [path.read_text(encoding="utf-8") for path in sorted((configs_dir() / "rules").glob("*.yaml"))]
SEEDS.append(f"{NAMES}tags: {{甲: {{when: [订单数(近30天、水果) >= 2次, 标签 没有 亲友]}}}}\n")
SEEDS.append(f"""{NAMES}tags:
  甲:
    when:
      - did: {{event: 浏览商品, same: 商品, times: ">= 3", days: 2 到 5天, within: 近7天, where: 品类 属于 水果,
             after: {{push: 三月, hours: 72}}, without: {{event: 订单, same: true, since: first}}}}
      - 曾有标签(近45天) 没有 亲友、售后
      - 持有天数(亲友) >= 7
      - 生日月 = 本月
      - 首单渠道(水果) 包含 甲
""")
SIGNS = "「」()（）、,，:：-[]{}'\"#&*!|>%@` \n\t=＝≥万元天到以上有是不近123.~甲水果\x00\u3000"


def run(content: bytes) -> None:
    problems = problems_of(content)
    assert all(re.fullmatch(r"E\d{3}", problem.code) and str(problem) for problem in problems)


def problems_of(content: bytes) -> tuple[Problem, ...]:
    """The problems of a file; one without problems must compile."""
    try:
        rules = check_rules([("x.yaml", content)])
    except RulesRefused as error:
        return error.problems
    if rules.tags:
        compile_tags(rules, AS_OF)
    return ()


@examples(150)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.text(SIGNS, max_size=3)), max_size=4),
)
def test_mutated_files(text: str, edits: list[tuple[float, int, str]]) -> None:
    for where, removed, added in edits:
        position = int(where * len(text))
        text = text[:position] + added + text[position + removed :]
    run(text.encode("utf-8", "surrogatepass"))


@examples(150)
@given(st.one_of(st.text(SIGNS, max_size=40), st.text(max_size=40)))
def test_random_lines(line: str) -> None:
    quoted = line.replace("'", "''").replace("\n", " ")
    run(f"tags:\n  甲:\n    when:\n      - '{quoted}'\n".encode("utf-8", "surrogatepass"))
    run(f"tags:\n  甲:\n    when:\n      - 订单数 {line}\n".encode("utf-8", "surrogatepass"))


@examples(50)
@given(st.binary(max_size=60))
def test_random_bytes(content: bytes) -> None:
    run(content)


def line(text: str) -> str:
    return f"tags:\n  甲:\n    when:\n      - {text}\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a" * 900_000 + ": 1", "E103"),
        (line("订单数 >= " + "9" * 900_000), "E307"),
        (line("消费额 >= 1." + "9" * 900_000), "E303"),
        (line("a" * 900_000 + " >= 1"), "E201"),
        (line("订单数(" + "(" * 300_000), "E108"),
        (line("渠道 是 " + "「" * 300_000), "E108"),
        (line("订单数(" + "近" * 300_000 + ") >= 1"), "E203"),
        (line("订单数(" + "1" * 300_000 + "到2天前) >= 1"), "E306"),
        (line("[" * 300_000), "E103"),
        (line("{not: " * 5_000 + "x" + "}" * 5_000), "E103"),
        (line("\uff1a" * 300_000), "E108"),
        ("& " * 300_000, "E105"),
        ("%" * 900_000, "E103"),
        ('"' + "\\" * 300_000, "E103"),
        ("\u3000" * 300_000, "E102"),
    ],
)  # fmt: skip
def test_a_megabyte_of_nonsense_is_refused_at_once_and_shortly(text: str, code: str) -> None:
    started = process_time()
    with pytest.raises(RulesRefused) as caught:
        check_rules([("x.yaml", text.encode())])
    assert [problem.code for problem in caught.value.problems] == [code]
    assert process_time() - started < 5
    assert len(caught.value.message) < 3_000


def test_thousands_of_mistakes_are_counted_and_the_first_said() -> None:
    with pytest.raises(RulesRefused) as caught:
        check_rules([("x.yaml", b"tests:\n" + b"  - x\n" * 5_000)])
    assert "还有" in caught.value.message
    assert caught.value.message.count("E107") == 1_000
    assert len(caught.value.as_dict()["problems"]) >= 5_000  # type: ignore[arg-type]


@pytest.mark.parametrize("number", ["1." + "9" * 40, "0." + "0" * 40 + "1", "0.00001" + "0" * 30 + "1万"])
def test_long_decimals_are_not_rounded_away(number: str) -> None:
    assert [problem.code for problem in problems_of(line(f"消费额 >= {number}").encode())] == ["E303"]
    assert problems_of(line("消费额 >= 1.50" + "0" * 40).encode()) == ()
