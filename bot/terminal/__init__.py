"""The terminal face: ask, the REPL, eval and library."""
