"""The network interface by which gloo's processes reach each other on several machines.

gloo takes the address that this machine's own name has; on Debian and its kin that is 127.0.1.1, which leads nowhere
from another machine (pytorch/pytorch#26166, meta-pytorch/data#1142).
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from contextlib import suppress

VARIABLE = "GLOO_SOCKET_IFNAME"
SIOCGIFADDR = 0x8915


def address_towards(host: str) -> str:
    """Return this machine's IPv4 address on the way to a host; sends nothing. Raises OSError where there is no way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((host, 9))
        address: str = way.getsockname()[0]
    return address


def interface_with(address: str) -> str | None:
    """Return the name of this machine's interface that has an IPv4 address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # it has none
                answer = fcntl.ioctl(any_socket, SIOCGIFADDR, struct.pack("256s", name.encode()))
                if socket.inet_ntoa(answer[20:24]) == address:
                    return name
    return None


def choose_interface(host: str) -> None:
    """Let gloo go over the interface that leads to a host, where there is one and the user has chosen none."""
    if VARIABLE not in os.environ:
        with suppress(OSError):  # a host of IPv6 alone: gloo's own choice stays
            name = interface_with(address_towards(host))
            if name is not None:
                os.environ[VARIABLE] = name
