"""What may be repeated of a server's answer, in logs, in the database and to people."""

import hashlib
import re
from urllib.parse import unquote

from pydantic import SecretStr
from yarl import URL

from notifier.rendering.text import line

EXCERPT = 120
_BETWEEN = re.compile(r"[/:@?&=,;#\s]+")
_SHORTEST_SECRET = 6
"""Parts of an address shorter than this name nothing secret."""


def excerpt(body: bytes | None, url: SecretStr, *secrets: SecretStr) -> str:
    """The beginning of an answer as `: …`, or nothing where it repeats any part of the address or of a secret.

    Servers like to print the address they did not find, and the address is the credential.
    """
    text = line((body or b"")[: EXCERPT * 4].decode("utf-8", "replace"), EXCERPT)
    whole = unquote((body or b"").decode("utf-8", "replace")).lower()
    if not text or any(part in whole for part in _parts(url, *secrets)):
        return ""
    return f": {text}"


def fingerprint(*values: SecretStr | str | None) -> str:
    """Of an address and its secrets: tells that they changed, and not what they are."""
    texts = (each.get_secret_value() if isinstance(each, SecretStr) else each or "" for each in values)
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()[:16]


def _parts(url: SecretStr, *secrets: SecretStr) -> set[str]:
    # By the signs that stand between parts as well: not every URL has a host where others have one.
    pieces = {unquote(piece) for piece in _BETWEEN.split(url.get_secret_value())}
    try:
        address = URL(url.get_secret_value())
    except ValueError:
        address = URL()
    pieces |= {address.host or "", address.user or "", address.password or "", address.query_string}
    pieces |= {*address.parts, *address.query.values()}
    pieces |= {piece for each in secrets for piece in each.get_secret_value().replace(",", " ").split()}
    return {piece.lower() for piece in pieces if len(piece) >= _SHORTEST_SECRET}
