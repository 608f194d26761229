"""
Faults on purpose: the product under load while its processes, services and peers are killed, stopped and cut off.

`make faults` runs all of it; `test_short.py` is the part that every run of the suite has. A campaign has a world (the
product, a PostgreSQL and a Redis of its own, peers that record), a load, a seeded programme of faults, and a checker
that holds the peers' records against the database.
"""

from __future__ import annotations
