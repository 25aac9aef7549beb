"""Asset checks: most follow from the contracts, a few are particular to a table."""
