"""Which parts of a setting are secret: what must not stand in a log, even where the whole setting does not."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

SHORTEST_TOKEN = 8
"""A path from this length on is taken for a token; a shorter one (`/hook`) is a word that other texts hold, too."""
_BETWEEN = re.compile(r"[/:@?&=,;#]+")
_PASSWORD = re.compile(r"://[^:/@]*:([^@/]+)@|[?&](?:pass|password|token|key|secret)=([^&]+)", re.IGNORECASE)
_TOKEN = re.compile(r"\d|[A-Z].*[a-z]|[a-z].*[A-Z]")
# Up to the last @: whoever pastes a password as it is may paste a slash or another @ with it.
_LOGIN = re.compile(r"(?<=://)(?P<user>[^:/]*):(?P<password>.*)@", re.DOTALL)


def secret_parts(secret: str) -> set[str]:
    """A secret, or a list of secrets, or a URL that is one: itself, and the parts that give it away."""
    parts = _split(secret)
    if parts is None:
        return {secret, *secret.replace(",", " ").split()}
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    tokens = {each for each in (target, parts.path) if len(each) >= SHORTEST_TOKEN}
    return {secret, *tokens, *_spellings(parts.password)}


def database_secrets(url: str) -> set[str]:
    """A database's password, and its query, which may hold one. Its address is what logs must be able to say."""
    parts, login = _split(url), _LOGIN.search(url)
    if parts is None:
        return {url, *_spellings(login and login["password"])}
    # A password that is a name of the address keeps nothing secret, and would mask that name everywhere.
    names = {parts.username, parts.path.strip("/")}
    query = {parts.query} if parts.query else set()
    passwords = _spellings(parts.password) | _spellings(login and login["password"])
    return {each for each in passwords if each not in names} | query


def service_secrets(urls: str) -> set[str]:
    """Of Apprise's URLs, in which anything may be a token: all that looks like one, where hosts have theirs too."""
    found: set[str] = set()
    for url in urls.split():
        pieces = {each for piece in _BETWEEN.split(url.partition("://")[2]) for each in _spellings(piece)}
        # A name that other texts hold as well (`gmail.com`, `general`) has a dot, or letters alone.
        found |= {each for each in pieces if len(each) >= SHORTEST_TOKEN and _TOKEN.search(each) and "." not in each}
        found |= {url}.union(*(_spellings(each) for match in _PASSWORD.finditer(url) for each in match.groups()))
    return found


def without_secrets(url: str, mask: str) -> str:
    """A database's address with the mask for its password and its query."""
    try:
        parts = urlsplit(_LOGIN.sub(lambda login: f"{login['user']}:{mask}@", url))
    except ValueError:
        return mask
    # An empty host needs its slashes: urlsplit forgets them.
    address = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return f"{address}?{mask}" if parts.query or parts.fragment else address


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text) if "://" in text else None
    except ValueError:
        return None


def _spellings(password: str | None) -> set[str]:
    """As it stands in the URL, and as the server is told it."""
    return {password, unquote(password)} if password else set()
