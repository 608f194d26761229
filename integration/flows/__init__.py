"""Flows: one short module per packaged integration, its mapping in plain Python beside it, and the runner."""
