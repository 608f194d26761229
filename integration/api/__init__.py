"""The API of flows and runs."""
