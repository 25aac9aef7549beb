"""Running a home from the command line: planning, executing, and noticing that nothing changed."""
