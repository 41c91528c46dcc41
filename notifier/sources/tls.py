"""What all clients can share of TLS: the certificates that are trusted."""

from threading import Lock
from typing import Any, ClassVar

from aiobotocore.httpsession import AIOHTTPSession


class SharedTls(AIOHTTPSession):
    """aiobotocore's HTTP, in which clients that trust the same certificates have one context of TLS between them.

    A context takes 0.8 MB and 18 ms of CPU, and there are two clients for each account and region.
    """

    _contexts: ClassVar[dict[tuple[Any, ...], Any]] = {}
    _building: ClassVar = Lock()

    # aiobotocore's own, called in a thread. Where an upgrade calls another, sharing ends, and a test says so.
    def _build_ssl_contexts(self, proxy_url: str | None) -> Any:
        if proxy_url:
            return super()._build_ssl_contexts(proxy_url)  # type: ignore[misc]
        trusted = tuple(vars(self).get(name) for name in ("_verify", "_cert_file", "_key_file"))
        with self._building:
            if trusted not in self._contexts:
                self._contexts[trusted] = super()._build_ssl_contexts(proxy_url)  # type: ignore[misc]
            return self._contexts[trusted]
