"""Links to objects of a bucket, signed as Amazon's Signature Version 4 has it.

obstore signs links, too, but none that say under which name and as what the object comes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit


@dataclass(frozen=True)
class Credentials:
    """Who signs, for which region."""

    access_key: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    region: str = "us-east-1"


def presigned(
    credentials: Credentials, method: str, address: str, said: Mapping[str, str], *, now: datetime, seconds: int
) -> str:
    """Return a link to the object at `address`, which ends after some seconds; `said` is what its query says beside."""
    place = urlsplit(address)
    path = quote(place.path)
    day, time = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
    scope = f"{day}/{credentials.region}/s3/aws4_request"
    query = {
        **said,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": time,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.token is not None:
        query["X-Amz-Security-Token"] = credentials.token
    line = "&".join(sorted(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items()))
    request = "\n".join((method, path, line, f"host:{place.netloc}", "", "host", "UNSIGNED-PAYLOAD"))
    text = "\n".join(("AWS4-HMAC-SHA256", time, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{credentials.secret}".encode()
    for word in (day, credentials.region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"{place.scheme}://{place.netloc}{path}?{line}&X-Amz-Signature={signature}"
