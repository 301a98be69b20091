"""What is installed beside siyu but has no part in a command: other libraries would load it only to look."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _WithoutPandas(MetaPathFinder):
    """Says of pandas, and of nothing else, that it is not installed."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("siyu runs without pandas", name=fullname)


def leave_pandas_out() -> None:
    """Keep this process from loading pandas.

    Given its first list, pyarrow loads pandas to ask whether the list is one of its columns: 0.4 seconds and
    45 MiB in every command that makes a column, and no column of siyu's is one.
    """
    sys.meta_path.insert(0, _WithoutPandas())
