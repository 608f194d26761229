"""
Readings from files to committed measurements by Celery workers on one host and on two, over TCP.

The hosts are network namespaces of this machine. PostgreSQL and Redis run in the one in the middle and listen on its
ends of the cables; the workers are the product's own, in the namespaces around it, and share the directory of files.
Nothing has a way to another network. Contenders, in turns, with the same readings and history for components of
their own: one worker; two workers on one host; two workers on two hosts. The time is from the first file handed in to
the last IMD that is done.

What the contenders leave is compared value by value: measurements, conditions, and which IMDs were held. The database
is asked from which addresses its clients come, and each worker whether it had a share. All of it shares the cores of
one machine: this shows that hosts add up to the same content and what the network costs, not what more machines bring.

    .venv/bin/python benchmarks/vee_two_hosts.py [--imds 10000] [--rounds 3] [--history 30] [--files 4]

Where namespaces may not be made it says why, and leaves the measurement out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.parts import hosts


def main() -> int:
    """Make the hosts, and measure in the middle of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--imds", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--history", type=int, default=30, help="days of measurements before")
    parser.add_argument("--files", type=int, default=4, help="into which the readings of a round are divided")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        from benchmarks.parts import two_hosts

        made = json.loads(options.inside)
        two_hosts.run(options, hosts.Network(made["middle"], tuple(hosts.Host(**each) for each in made["hosts"])))
        return 0
    try:
        with hosts.network(2) as made:
            around = [{"name": host.name, "address": host.address, "middle": host.middle} for host in made.hosts]
            inside = json.dumps({"middle": made.middle, "hosts": around})
            command = [sys.executable, __file__, *sys.argv[1:], "--inside", inside]
            return subprocess.run(hosts.within(made.middle, command), env=os.environ, check=False).returncode
    except hosts.UnableToMakeHosts as reason:
        print(f"Left out, because network namespaces cannot be made here: {reason}")
        return 0


if __name__ == "__main__":
    sys.exit(main())
