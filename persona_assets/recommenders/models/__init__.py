"""The models, one file each. The table that names them is `recommenders/__init__.py`."""
