"""The DACS side's own API, for reading what it knows."""
