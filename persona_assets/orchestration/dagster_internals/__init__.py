"""All that the package uses of Dagster that is not public: checked on Dagster 1.13.27.

Belongs here: every import of `dagster._…`, with the reason why no public name does. Does not belong
here: anything that can be had from `import dagster as dg`.

Two modules, because one of them imports SQLAlchemy (0.3 s), which loading the definitions can do
without: `graph` and `storage`. A minor release of Dagster may change any of it: `CHECKED_ON` is the
version whose source was read and that the tests have passed on; look here first after an upgrade.
"""

CHECKED_ON = "1.13.27"
