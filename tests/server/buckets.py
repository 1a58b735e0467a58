"""An S3 server of the tests' own."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.util import find_spec

import httpx

from platform_report_server.storage.presigned import Credentials, presigned

_SECRET = "the-secret-of-the-bucket"


def lacking() -> str | None:
    """Return what is missing, or None."""
    for package in ("moto", "obstore"):
        if find_spec(package) is None:
            return f"{package} is not installed"
    return None


class S3:
    """A running server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.environment = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "the-key-of-the-bucket",
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_REGION": "us-east-1",
        }
        self._numbers = itertools.count()

    def new_bucket(self) -> str:
        """Make a bucket; return its name."""
        name = f"bucket-{next(self._numbers)}"
        assert httpx.put(f"{self.address}/{name}").status_code == 200
        return name

    def delete(self, path: str) -> None:
        """Delete an object, or an empty bucket."""
        credentials = Credentials(self.environment["AWS_ACCESS_KEY_ID"], _SECRET)
        now = datetime.now(timezone.utc)
        link = presigned(credentials, "DELETE", f"{self.address}/{path}", {}, now=now, seconds=60)
        assert httpx.delete(link).status_code == 204

    def names(self, bucket: str) -> list[str]:
        """Return the names of the objects in a bucket."""
        return re.findall("<Key>([^<]+)</Key>", httpx.get(f"{self.address}/{bucket}?list-type=2").text)


@contextmanager
def s3() -> Iterator[S3]:
    """Run a server."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            found = None
            while found is None:
                line = server.stderr.readline()
                assert line, "the S3 server did not start"
                found = re.search(r"http://127\.0\.0\.1:\d+", line)
            # what it logs must not fill the pipe
            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield S3(found[0])
        finally:
            server.kill()
