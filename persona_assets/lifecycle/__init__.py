"""Choosing: which configuration a model is trained with, and which model serves.

Belongs here: trying configurations on a validation week (`validation`, `evaluator`, `search`,
`study`), following that from outside (`tracking`, `study_plots`), the configuration in use
(`configurations`), and the gate through which a model becomes champion (`gate`, `promotion`).
Does not belong here: models (`recommenders/`), metrics (`evaluation/`) or commands
(`cli/models.py`).
"""
