"""Rows of the mart, as the tests of the transforms make them."""

from persona_assets_tests.transforms.conftest import mart, on_polars

__all__ = ["mart", "on_polars"]
