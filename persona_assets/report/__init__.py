"""What a home holds and proves, for people (terminal, one HTML page) and programs (JSON).

`collect` reads the lake into a `Report`; `as_json`, `console` and `html` show it; none of the three
reads anything else.
"""
