"""`python -m siyu_cli` is the same program as `siyu`."""

from siyu_cli.app import main

if __name__ == "__main__":
    main()
