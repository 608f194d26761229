"""The DACS side: demand-response programs, who is enrolled in them with what, and how devices are scored."""
