"""persona_assets: personalization one can trust, as a Dagster asset graph over Delta tables."""
