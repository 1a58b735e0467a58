"""Take secrets out of text before it is written or sent.

Masked are the API key and other values that are known to be secret, those of environment variables among them whose
names say so; what has the shape of a well-known token; passwords in URLs; the values of authorization and cookie
headers; and what the patterns of the option ``platform_redact`` match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

from .native import native, to_json
from .text import clean

MASK = "[redacted]"

_SHORTEST = 6
_SHORTEST_LINE = 16  # of a secret of several lines, such as a private key

_SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:token|secret|passw(?:or)?d|pass|pwd|passphrase|credentials?|cookie|dsn|[a-z]*key|[a-z]*password)s?"
    r"(?:[_.-]?(?:id|base64|b64|json|value|\d+))?$",
    re.IGNORECASE,
)
_NO_SECRETS = ("PWD", "OLDPWD")
# Values that such variables have in tests, and that are ordinary words everywhere else.
_ORDINARY = frozenset(
    (
        *("admin", "changeme", "default", "disabled", "enabled", "example", "guest", "localhost", "master", "nothing"),
        *("password", "postgres", "redis", "secret", "testing", "unknown", "username"),
    )
)

# Each text is looked through for these before the slower patterns are tried on it: for most of them only where it has
# the character that none of theirs can be without.
_HINTS = ("://", "bearer", "authorization", "cookie", "akia", "asia", "aiza")
_HINTS_WITH = (
    ("-", ("api-key", "auth-token", "private key", "glpat-", "xox", "sk-", "pypi-")),
    ("_", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "npm_", "hf_", "sk_", "rk_", "dop_v1_", "whsec_")),
    ("_", ("prk_live_",)),
    (".", ("eyj", "sg.")),
)
_SHORTEST_SHAPE = len("a://:b@")
# How a text of nothing but letters, digits and underscores begins that holds one: there is no word inside of a word.
_BEGINNINGS = (
    "akia",
    "asia",
    "aiza",
    "gh",
    "github_pat_",
    "npm_",
    "hf_",
    "dop_v1_",
    "whsec_",
    "prk_live_",
    "sk_",
    "rk_",
)
_FIRST_LETTERS = frozenset(letter for word in _BEGINNINGS for letter in (word[0], word[0].upper()))
_NAMES = r"(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token|api-key"
_SHAPES = re.compile(
    # A secret as a whole, or after what is named "keep".
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{35}"
    r"|\b(?:gh[pousr]|npm|hf)_[A-Za-z0-9]{20,}"
    r"|\b(?:github_pat|dop_v1|whsec|prk_live|[sr]k_(?:live|test))_\w{16,}"
    r"|\b(?:glpat|sk|pypi)-[\w-]{16,}"
    r"|\bxox[abeoprs]-[\w-]{10,}"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    r"|(?P<keep_url>\b[a-z][a-z0-9+.-]*://[^\s/:@'\"]*:)[^\s/@'\"]+(?=@)"
    r"|(?P<keep_bearer>\bbearer\s+)[\w.~+/=-]{6,}"
    rf"|(?P<keep_quoted>\b(?:{_NAMES})['\"]?\s*[:=,]\s*[bru]*(?P<quote>['\"]))(?:(?!(?P=quote))[^\r\n])+"
    r"|(?P<keep_scheme>\bauthorization:[ \t]*)(?:basic|digest|token|negotiate|apikey|aws4-hmac-sha256)\b[^\r\n'\"]*"
    r"|(?P<keep_cookie>\bcookie:[ \t]*)[^\s=;'\"]+=[^\r\n'\"]*"
    r"|(?P<keep_key>\b(?:x-api-key|x-auth-token|api-key):[ \t]*)[^\s'\"]+",
    re.IGNORECASE | re.DOTALL,
)

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})

Redact = Callable[[str], str]


def is_secret_name(name: str) -> bool:
    """Tell whether a variable or an option is named as if it held a secret."""
    return _SECRET_NAME.search(name) is not None


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """Return the values of the variables whose names look secret, and the passwords in the URLs of the others."""
    found = []
    for name, given in environment.items():
        value = given.strip()
        if is_secret_name(name) and name not in _NO_SECRETS and not _is_path(value):
            found.append(value)
        elif "://" in value and "@" in value:
            found.append(_password_in(value))
    return [secret for secret in found if len(secret) >= _SHORTEST and secret.lower() not in _ORDINARY]


def make_redactor(secrets: Iterable[str], patterns: Iterable[str] = ()) -> Redactor:
    """Return what cleans a text (:func:`.text.clean`) and masks what is secret in it.

    :param secrets: values that are masked wherever they stand, also escaped or quoted.
    :param patterns: regular expressions; where one has groups, these are masked, otherwise the whole match.
    """
    kept = tuple(sorted(_variants(secrets), key=len, reverse=True))
    return Redactor(kept, tuple(re.compile(pattern) for pattern in patterns))


class Redactor:
    """Cleans and masks the texts that it is called with.

    :param secrets: the values that are masked, the longest first.
    """

    __slots__ = ("_patterns", "_secrets")

    def __init__(self, secrets: tuple[str, ...], patterns: tuple[re.Pattern[str], ...]) -> None:
        self._secrets = secrets
        self._patterns = patterns

    def __call__(self, text: str) -> str:
        """Return *text* without what is secret."""
        text = clean(text)
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        if _may_have_shape(text):
            text = _SHAPES.sub(_mask_shape, text)
        for pattern in self._patterns:
            text = pattern.sub(_mask_groups, text)
        return text

    def each(self, *texts: str) -> tuple[str, ...]:
        """Return texts without what is secret: where none is, it costs about as much as one text."""
        if not self._patterns:  # which may match at a text's beginning or end alone
            joined = "\n".join(texts)
            if self(joined) == joined:
                return texts
        return tuple(map(self, texts))

    def leaves(self, text: str, name: str) -> bool:
        """Tell whether *text* holds no secret, which ends with ``::`` and a test's *name*, where the rest holds none.

        That is known of the names of most tests, at a fraction of what masking takes: what has the shape of a secret
        goes neither across ``::`` nor from a word across ``[``, and begins with a word. Where it is not known, it is
        False; and where there is something in the name to be cleaned.
        """
        word, parameters = name, ""
        if "[" in name:
            word, _, parameters = name.partition("[")
        if self._patterns or not (name.isascii() and word.isidentifier() and text.endswith(name)):
            return False
        if word[0] in _FIRST_LETTERS and word.lower().startswith(_BEGINNINGS):
            return False
        if parameters and (not parameters.isprintable() or _may_have_shape(parameters)):
            return False
        return not self._secrets or not any(map(text.__contains__, self._secrets))


def _may_have_shape(text: str) -> bool:
    if len(text) < _SHORTEST_SHAPE:
        return False
    lower = text.lower()
    if text.isascii() and text.isidentifier():
        return lower.startswith(_BEGINNINGS)
    for hint in _HINTS:
        if hint in lower:
            return True
    for character, hints in _HINTS_WITH:
        if character in lower:
            for hint in hints:
                if hint in lower:
                    return True
    return False


def _variants(secrets: Iterable[str]) -> set[str]:
    """Return secrets as they are and as they may be written: in a literal, in JSON, a URL or HTML, line by line."""
    variants: set[str] = set()
    for secret in filter(None, secrets):
        lines = [line.strip() for line in secret.splitlines()] if "\n" in secret else []
        long_lines = [line for line in lines if len(line) >= _SHORTEST_LINE]
        variants |= {secret, repr(secret)[1:-1], to_json(secret)[1:-1], quote(secret, safe=""), *long_lines}
    return variants | {variant.translate(_HTML) for variant in variants}


def _mask_shape(match: re.Match[str]) -> str:
    kept = next((text for name, text in match.groupdict().items() if name != "quote" and text is not None), "")
    return kept + MASK


def _mask_groups(match: re.Match[str]) -> str:
    text, start = match.group(), match.start()
    spans = sorted(span for number in range(1, match.re.groups + 1) if (span := match.span(number))[0] >= 0)
    if not spans:
        return MASK
    masked, done = "", start
    for begin, end in spans:
        if begin >= done:
            masked += text[done - start : begin - start] + MASK
            done = end
    return masked + text[done - start :]


def _is_path(value: str) -> bool:
    if not value.startswith("/"):
        return False
    try:
        native.stat(value)
    except (OSError, ValueError):
        return False
    return True


def _password_in(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
