"""The `persona` command; `main` is its entry point, one module per subcommand beside it."""
