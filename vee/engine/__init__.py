"""
The VEE engine: IMDs that share a rule plan and a shape go through together as arrays (`house.md` D5).

Plain Python and numpy: no database, no clock, no queue. One IMD is a batch of one; there is no second implementation.
"""
