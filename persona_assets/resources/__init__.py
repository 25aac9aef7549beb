"""What runs borrow: the lake, the source, the clock of seconds, Dagster's own event log."""
