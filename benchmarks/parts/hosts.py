"""
Hosts on one machine: network namespaces, each joined to one in the middle by a cable, with no way to anywhere else.

Making them needs root and the right to do so; containers often lack it, and `UnableToMakeHosts` says why.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


class UnableToMakeHosts(Exception):
    """Network namespaces cannot be made here."""


@dataclass(frozen=True, slots=True)
class Host:
    """One namespace: its name, its address, and the address at which it reaches the middle."""

    name: str
    address: str
    middle: str


@dataclass(frozen=True, slots=True)
class Network:
    """The namespace in the middle, and those around it."""

    middle: str
    hosts: tuple[Host, ...]


def plan(prefix: str, count: int) -> Network:
    """Give names and addresses for so many hosts; each cable is a network of two addresses of its own."""
    hosts = tuple(
        Host(name=f"{prefix}-{number}", address=f"10.231.{number}.2", middle=f"10.231.{number}.1")
        for number in range(1, count + 1)
    )
    return Network(middle=f"{prefix}-0", hosts=hosts)


def within(namespace: str, command: Sequence[str]) -> list[str]:
    """Give the command line that runs a command in a namespace."""
    return ["ip", "netns", "exec", namespace, *command]


@contextlib.contextmanager
def network(count: int) -> Iterator[Network]:
    """
    Make so many hosts and take them away again.

    :raises UnableToMakeHosts: when that is not possible here.
    """
    if shutil.which("ip") is None:
        raise UnableToMakeHosts("the program ip is missing. On Debian: apt-get install iproute2")
    made = plan(f"tieline{os.getpid()}", count)
    names = [made.middle, *(host.name for host in made.hosts)]
    with contextlib.ExitStack() as stack:
        for name in names:
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "delete", name)
            _ip("-n", name, "link", "set", "lo", "up")
        for number, host in enumerate(made.hosts, start=1):
            cable = f"cable{number}"
            _ip("link", "add", cable, "netns", made.middle, "type", "veth", "peer", "name", "cable", "netns", host.name)
            for namespace, end, address in ((made.middle, cable, host.middle), (host.name, "cable", host.address)):
                _ip("-n", namespace, "address", "add", f"{address}/30", "dev", end)
                _ip("-n", namespace, "link", "set", end, "up")
        yield made


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnableToMakeHosts(f"ip {' '.join(words)}: {done.stderr.strip() or done.returncode}")
