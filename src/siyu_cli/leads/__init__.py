"""The lead desk: pool, ledger, distribution, staff workbooks."""
