"""Make the vendored files anew, from npm's registry.

Swagger UI and ReDoc for the API's pages, htmx for the others, axe for the tests that look at those.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = {
    "api": ROOT / "src/platform_report_server/api",
    "web": ROOT / "src/platform_report_server/web",
    "browser": ROOT / "tests/browser",
}
LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
NO_LOGO = b"data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
PACKAGES = {
    ("swagger-ui-dist", "5.35.0"): (
        "U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==",
        {
            "swagger-ui-bundle.js": "api/swagger-ui-bundle.js.gz",
            "swagger-ui.css": "api/swagger-ui.css.gz",
            "LICENSE": "api/swagger-ui.LICENSE.txt",
            "NOTICE": "api/swagger-ui.NOTICE.txt",
            "swagger-ui-bundle.js.LICENSE.txt": "api/swagger-ui-bundle.js.LICENSE.txt",
        },
    ),
    ("redoc", "2.5.4"): (
        "M6jWhG1qoBnH6TFmzJnstyCZ87HmOY/UzDm78mHiYihEdlV/YcS9ogOo1NlElnJMeLsyxHFe2yFc4sNjHTrABQ==",
        {
            "bundles/redoc.standalone.js": "api/redoc.standalone.js.gz",
            "LICENSE": "api/redoc.LICENSE.txt",
            "bundles/redoc.standalone.js.LICENSE.txt": "api/redoc.standalone.js.LICENSE.txt",
        },
    ),
    ("htmx.org", "4.0.1"): (
        "oF7JgXhDW9UXCy/k1ZYFUQgzu/rm19ORWPSPNL91vPluB2PB9+MV55tyQdH/w7o2EAbTYUG5SDW1R60mdkdqGg==",
        {
            "dist/htmx.min.js": "web/htmx.min.js.gz",
            "LICENSE": "web/htmx.LICENSE.txt",
        },
    ),
    ("axe-core", "4.14.1"): (
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        {
            "axe.min.js": "browser/axe.min.js.gz",
            "LICENSE": "browser/axe.LICENSE.txt",
            "LICENSE-3RD-PARTY.txt": "browser/axe.LICENSE-3RD-PARTY.txt",
        },
    ),
}


def main() -> None:
    """Write the files, each package checked against its SHA-512."""
    for (package, version), (digest, files) in PACKAGES.items():
        url = f"https://registry.npmjs.org/{package}/-/{package}-{version}.tgz"
        with urllib.request.urlopen(url) as response:  # the address is a constant
            archive: bytes = response.read()
        found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
        if found != digest:
            raise SystemExit(f"{url}: found SHA-512 {found}, expected {digest}")
        with tarfile.open(fileobj=io.BytesIO(archive)) as members:
            for name, target in files.items():
                member = members.extractfile(f"package/{name}")
                if member is None:
                    raise SystemExit(f"{url}: there is no {name}")
                part, _, file_name = target.partition("/")
                write(PARTS[part] / "vendored" / file_name, member.read())


def write(target: Path, content: bytes) -> None:
    """Write one file; those that pages load, compressed and without the address of a logo elsewhere."""
    if target.name.startswith("redoc") and target.suffix == ".gz":
        if content.count(LOGO) != 1:
            raise SystemExit(f"{target.name}: the logo's address is there {content.count(LOGO)} times, expected once")
        content = content.replace(LOGO, NO_LOGO)
    target.write_bytes(gzip.compress(content, mtime=0) if target.suffix == ".gz" else content)
    print(f"{target.name}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
