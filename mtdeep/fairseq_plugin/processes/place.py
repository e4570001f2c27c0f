"""Where the processes of a command meet, and what is wrong with the way there."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from urllib.parse import urlsplit

from torch.distributed import DistError, Store, TCPStore

from mtdeep.errors import PassingTrouble, UserError


@dataclass(frozen=True)
class Place:
    """Where the processes meet: at a port of the first one's machine."""

    host: str
    port: int

    @classmethod
    def of(cls, method: str) -> Place:
        """Read ``--distributed-init-method``; raises UserError where it says no place."""
        url = urlsplit(method)
        try:
            host, port = (url.hostname, url.port) if url.scheme == "tcp" else _of_environment(url.scheme)
        except ValueError:  # a port that is no number
            host = port = None
        if host is None or port is None:
            raise UserError(
                f"--distributed-init-method is {method!r}, but must be tcp://HOST:PORT, file:///PATH or env://."
            )
        return cls(host, port)

    def __str__(self) -> str:
        """Return it as a user knows it."""
        return f"{self.host}:{self.port}"

    def open(self, *, hosts: bool) -> Store:
        """Return what all processes share; *hosts*: this one keeps it. Raises PassingTrouble or DistError."""
        try:
            return TCPStore(self.host, self.port, is_master=hosts, wait_for_workers=False)
        except DistError as error:
            if "EADDRINUSE" not in str(error):
                raise
            raise PassingTrouble(
                f"port {self.port} of this machine is in use, perhaps by another training: give another one in "
                "--distributed-init-method (with torchrun --master-port, else MASTER_PORT)."
            ) from None

    def trouble(self) -> str | None:
        """Return what is wrong with the way to the first process; None: something answers there."""
        try:
            with socket.create_connection((self.host, self.port), timeout=5) as way:
                if way.getsockname() == way.getpeername():
                    # Where nobody listens the system may lend the caller that very port, and join it to itself; it is
                    # to be free at once.
                    way.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return "nothing listens there"
                return None
        except socket.gaierror:
            return f"{socket.gethostname()} does not know the name {self.host}"
        except ConnectionRefusedError:
            return "nothing listens there"
        except OSError as error:
            return f"it does not answer ({error.strerror or error})"


def _of_environment(scheme: str) -> tuple[str | None, int | None]:
    port = os.environ.get("MASTER_PORT")
    return (os.environ.get("MASTER_ADDR"), int(port) if port else None) if scheme == "env" else (None, None)
