"""Meter data: validation, estimation and editing, from a file or message to final measurements."""
