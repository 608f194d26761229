"""The API of meter data: one call into operations or queries per request (`house.md` 5, `api.md` 3 and 4)."""
