"""`python -m persona_assets.cli` is `persona`."""

from persona_assets.cli.main import main

main()
