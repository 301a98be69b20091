"""The plan of the house holds: imports go one way, start-up is light, every command is documented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from siyu_cli.app import app

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "siyu_cli"
DOMAIN = ("people", "leads", "customers", "rules", "pushes", "reports", "demo")
# Which packages a package may know, besides the small ground modules. people is the ground floor of the
# domain: whose row is it? pushes knows rules, rules knows customers, reports knows all.
MAY_KNOW = {
    "store": {"store"},
    "sheets": {"sheets"},
    "forecast": {"forecast"},
    "people": {"people", "store", "sheets"},
    "leads": {"leads", "people", "store", "sheets"},
    "customers": {"customers", "people", "forecast", "store", "sheets"},
    "rules": {"rules", "customers", "people", "forecast", "store", "sheets"},
    "pushes": {"pushes", "rules", "customers", "people", "forecast", "store", "sheets"},
    "reports": {*DOMAIN, "forecast", "store", "sheets"} - {"demo"},
    "demo": {"demo", "sheets"},
    "wecom": set(),
}
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def imported_modules(path: Path) -> set[str]:
    """The siyu_cli modules a file imports at run time (imports for type checking are names only)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("siyu_cli"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("siyu_cli")}
    return found


@pytest.mark.parametrize("package", sorted(MAY_KNOW))
def test_imports_go_one_way(package: str) -> None:
    wrong = []
    for path in sorted((SOURCE / package).rglob("*.py")):
        for module in imported_modules(path):
            parts = module.split(".")
            other = parts[1] if len(parts) > 1 else ""
            is_package = (SOURCE / other).is_dir()
            if (is_package and other not in MAY_KNOW[package]) or other in ("app", "context"):
                wrong.append(f"{path.relative_to(SOURCE)} → {module}")
    assert not wrong


def test_ground_modules_know_no_package() -> None:
    wrong = []
    for path in sorted(SOURCE.glob("*.py")):
        if path.name in ("app.py", "__main__.py", "context.py"):
            continue
        for module in imported_modules(path):
            other = module.split(".")[1]
            if (SOURCE / other).is_dir():
                wrong.append(f"{path.name} → {module}")
    assert not wrong


def test_starting_imports_nothing_heavy() -> None:
    heavy = (
        "pandas",
        "numpy",
        "duckdb",
        "pyarrow",
        "openpyxl",
        "xlsxwriter",
        "httpx",
        "lark",
        "yaml",
        "python_calamine",
        "scipy",
        "lifetimes",
    )
    code = f"import sys, siyu_cli.app; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_commands_leave_pandas_alone(tmp_path: Path) -> None:
    """pyarrow would load it to look at the first list it is given; who wants it elsewhere still gets it."""
    orders = tmp_path / "订单.csv"
    orders.write_text(
        "订单编号,买家实际支付金额,订单状态,订单创建时间\n1,2.00,交易成功,2025-01-01\n", encoding="utf-8"
    )
    code = (
        "import atexit, sys; from siyu_cli.app import main\n"
        "atexit.register(lambda: print('pandas' in sys.modules, 'pyarrow' in sys.modules)); main()"
    )
    for given in (["init", "店"], ["-w", "店", "import-orders", str(orders)]):
        done = subprocess.run(
            [sys.executable, "-c", code, *given], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False True"


def test_oracles_are_for_tests_only() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)} → {name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for name in ("scipy", "lifetimes")
        if re.search(rf"^\s*(?:import|from) {name}\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not wrong


def test_no_module_prints_or_reads_the_clock() -> None:
    """Only render prints data, only the clock module asks what time it is."""
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"(?<![\w.])print\(", text):
            wrong.append(f"{path.name} prints")
        if path.name != "clock.py" and re.search(r"datetime\.now|date\.today|time\.time\(|utcnow", text):
            wrong.append(f"{path.name} reads the clock")
    assert not wrong


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help_with_two_examples_and_docs(name: str) -> None:
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    assert command.help
    assert command.help.count(f"siyu {name}") >= 2, "help shows two examples"
    docs = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert re.search(rf"^#+ `?{name}`?", docs, re.MULTILINE), "docs/commands.md has a section"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_help_page_opens(language: str) -> None:
    code = (
        "from typer.testing import CliRunner; from siyu_cli.app import app; from typer.main import get_command\n"
        "for name in sorted(get_command(app).commands):\n"
        "    done = CliRunner().invoke(app, [name, '--help']); assert done.exit_code == 0, name\n"
        "    print(done.stdout)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"SIYU_LANG": language, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    has_chinese = re.search(r"[\u4e00-\u9fff]", re.sub(r"[「“][^」”]*[」”]", "", done.stdout))
    assert bool(has_chinese) or language == "en"
