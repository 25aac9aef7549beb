"""What happens between the raw tables and the models, as pure functions of frames.

Belongs here: one module per step, written once in Narwhals for Polars and PySpark (embeddings, the
one step that needs a trainer, in Polars and NumPy). Does not belong here: reading or writing
tables (`lake/`), deciding when a step runs (`orchestration/assets/`), anything random without a
seed.

Both engines must think in UTC: a Spark session needs `spark.sql.session.timeZone=UTC`.
"""
