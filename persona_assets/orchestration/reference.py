"""The table of `docs/assets.md`, generated from the graph: `make reference`.

Belongs here: rendering the graph as Markdown. A test fails when the page is out of date.
"""

from pathlib import Path

from persona_assets.definitions import ASSETS, defs

BEGIN, END = "<!-- assets -->", "<!-- /assets -->"


def asset_table() -> str:
    """One row per asset: cadence, what it is, its checks."""
    graph = defs.resolve_asset_graph()
    lines = ["| asset | partitions | what it is | checks |", "|---|---|---|---|"]
    for asset in ASSETS:
        for key in sorted(asset.keys):
            spec = asset.specs_by_key[key]
            cadence = spec.tags["cadence"] + (
                f", {spec.tags['cutoffs']} cut-offs" if "cutoffs" in spec.tags else ""
            )
            checks = sorted(
                check.name + (" (blocking)" if graph.get_check_spec(check).blocking else "")
                for check in graph.asset_check_keys
                if check.asset_key == key
            )
            first = (spec.description or "").splitlines()[0]
            path = key.to_user_string()
            lines.append(f"| `{path}` | {cadence} | {first} | {', '.join(checks)} |")
    return "\n".join(lines)


def with_asset_table(page: str) -> str:
    """`page` with the table between its markers brought up to date."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{asset_table()}\n{END}{after}"


if __name__ == "__main__":
    path = Path("docs/assets.md")
    path.write_text(with_asset_table(path.read_text(encoding="utf-8")), encoding="utf-8")
