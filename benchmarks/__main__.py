"""`python -m benchmarks [name …]` runs the named benchmarks, or all of them."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

HELPERS = {"__main__", "measure", "tag_rules", "tag_sides"}


def main() -> None:
    """Run and print."""
    known = sorted(
        module.name
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
        if module.name not in HELPERS
    )
    for name in sys.argv[1:] or known:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
