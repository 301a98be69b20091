"""The console script, also as `python -m siyu_cli`. Ctrl-C while the program is still being loaded is Ctrl-C, too."""

from __future__ import annotations

import sys

from siyu_cli.errors import ExitCode, interrupted_words


def main() -> None:
    try:
        from siyu_cli import app

        app.main()
    except KeyboardInterrupt:
        sys.stderr.write(interrupted_words() + "\n")
        sys.exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    main()
