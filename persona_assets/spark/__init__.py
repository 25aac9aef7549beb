"""Trainings and batch recommending that Spark's workers do, for data that outgrow one machine.

Belongs here: what must be written for PySpark itself, MLlib above all. Does not belong here:
transforms, which have one definition for both engines (`transforms/`), or choosing between a module
of this package and the embedded one (`orchestration/dispatch.py`, which alone imports it).
"""
