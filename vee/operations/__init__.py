"""operations of meter data."""
