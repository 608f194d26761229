"""The DACS side over HTTP, below `api/v1/`."""
