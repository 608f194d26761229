"""Writes of the DACS side: each takes `at`, and leaves a change of status where one changes."""
