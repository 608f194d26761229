"""The API addresses of connections and parameters."""
