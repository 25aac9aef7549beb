"""The Dagster plane: the only importer of dagster; it decides when things run, not what they do."""
