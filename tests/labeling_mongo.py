"""A real mongod for tests, on a free port, that can be killed and started again."""

from __future__ import annotations

import importlib.util
import signal
import socket
import subprocess
import time
from pathlib import Path


class Mongo:
    """A real mongod that can be killed and started again on the same files and port."""

    def __init__(self, folder: Path) -> None:
        spec = importlib.util.find_spec("fiftyone")
        places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
        self.binary = next((found for place in places if (found := place / "db" / "bin" / "mongod").exists()), None)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self.binary is not None
        told = ["--dbpath", str(self.folder), "--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        self.process = subprocess.Popen([str(self.binary), *told], stdout=subprocess.DEVNULL)
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
