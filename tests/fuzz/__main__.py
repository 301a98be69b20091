"""`python -m tests.fuzz SEEDS`: the reader's modules are instrumented while they are imported."""

import atheris

with atheris.instrument_imports(include=["siyu_cli"]):
    import siyu_cli.sheets.delimited
    import siyu_cli.sheets.markup
    import siyu_cli.sheets.workbook  # noqa: F401
    from tests.fuzz import fuzz_reader

fuzz_reader.main()
