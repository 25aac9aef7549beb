"""What changed in the data since the weeks before: drift, quality and their figures.

Belongs here: comparing one evaluated week with the weeks before it, as rows and as Evidently's
HTML. Does not belong here: the quality of recommendations (`evaluation/`) or of single rows (the
mart's quarantine).
"""
