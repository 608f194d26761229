"""
Simulated peers for the demo and the tests: DACS, DERMS and a mailbox, each a process of its own.

They answer as the integration's documents say, keep their state in memory, and can be told to misbehave. They
import nothing of the product: it meets them on the network alone, and on 127.0.0.1 only.
"""

from __future__ import annotations
