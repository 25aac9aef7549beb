"""Telling somebody that a run ended badly, or that a delivery is missing."""
