"""One of Apprise's services: made of its URL, spoken to, and overheard, for what it returns is true or false alone."""

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from notifier.rendering.apprise import Piece, Shape
from notifier.rendering.markup import Markup
from notifier.rendering.story import Tone

if TYPE_CHECKING:
    from apprise import NotifyBase

INSTALL = "needs the package apprise: install notifier with its extra, pip install '.[apprise]'"
CATALOGUE = "https://appriseit.com/services/"
_PAUSE = 1.0
"""Most plugins wait 5.5 seconds between two requests, for want of knowing better; no piece waits longer than this."""
SENT, BROKEN, ANSWER = "Sent ", ("Socket Exception:", "I/O Exception:"), "Response Details:"
"""How Apprise's records begin that tell below a warning: a recipient got it, a connection broke, a server answered."""
TELLING = (SENT, *BROKEN, ANSWER)
_MOST, _LONGEST = 200, 10_000
"""So many records of one send are kept, and so many characters of each."""
_READ_MARKDOWN = frozenset({"Discord", "Mattermost", "Zulip"})
"""Services that read Markdown in whatever is sent to them, though Apprise may call it text."""
_TYPES = {Tone.BAD: "failure", Tone.TROUBLE: "warning", Tone.GOOD: "success", Tone.BETTER: "success"}

_heard: ContextVar["list[Heard] | None"] = ContextVar("heard", default=None)


class UnusableUrl(Exception):
    """No service can be made of a URL. The text says why, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One telling record of Apprise's log, which may hold the URL, tokens and the server's answer."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """What came of one piece: whether the service took all of it, what was overheard, and what its plugin raised."""

    taken: bool
    heard: Sequence[Heard]
    raised: str = ""
    """The name of an exception: its text may hold anything."""


class Service:
    """One service. `say` blocks, and may hang: then forget the service, for no two threads may use it at once."""

    def __init__(self, url: str) -> None:
        """Make it of its URL, without a word to the network. Raises UnusableUrl."""
        self._plugin = _plugin(url)
        self._plugin.request_rate_per_sec = min(self._plugin.request_rate_per_sec, _PAUSE)
        self.name = str(self._plugin.service_name)

    @property
    def shape(self) -> Shape:
        """What it takes. A title that a plugin would put into the body is better put there by us."""
        blended = self._plugin.title_maxlen <= 0 or self._plugin.overflow_amalgamate_title
        return Shape(self._markup(), self._plugin.body_maxlen, 0 if blended else self._plugin.title_maxlen)

    def say(self, piece: Piece, markup: Markup, tone: Tone) -> Said:
        """Send one piece once, in this thread."""
        heard: list[Heard] = []
        token = _heard.set(heard)
        try:
            taken = self._plugin.notify(
                body=piece.body,
                title=piece.title,
                notify_type=_TYPES.get(tone, "info"),
                body_format=markup.value,
                # Pieces fit; where a plugin's own escapes make one longer, nothing of it is lost.
                overflow="split",
            )
        except Exception as bug:
            # Over a hundred plugins: some forget what may happen.
            return Said(False, heard, type(bug).__name__)
        finally:
            _heard.reset(token)
        return Said(bool(taken), heard)

    def _markup(self) -> Markup:
        """What the URL asks for (`?format=`), else what the service prefers."""
        markdown = self.name in _READ_MARKDOWN
        return Markup(self._plugin.resolve_format(Markup.MARKDOWN.value if markdown else None).value)


class _Listener(logging.Handler):
    """Takes what Apprise logs to whoever sends in this thread, and nowhere else: there are secrets in it."""

    def emit(self, record: logging.LogRecord) -> None:
        heard = _heard.get()
        if heard is None or len(heard) >= _MOST:
            return
        try:
            text = record.getMessage()
        except Exception:
            # A record that does not fit its own form. logging would print it, with what it holds.
            return
        if record.levelno >= logging.WARNING or text.startswith(TELLING):
            heard.append(Heard(record.levelno, text[:_LONGEST]))


def _plugin(url: str) -> "NotifyBase":
    _listen()
    try:
        from apprise import Apprise, AppriseAsset, NotifyFormat
    except ImportError:
        raise UnusableUrl(INSTALL) from None
    asset = AppriseAsset(
        app_id="notifier",
        app_desc="SageMaker tuning jobs",
        app_url="",
        # Pictures would be fetched from Apprise's repository, by everybody who reads a message.
        image_url_mask="",
        image_url_logo="",
        # Redirects lead to where nobody has decided to send, and carry the credentials along.
        http_redirects=False,
        interpret_emojis=False,
        pgp_autogen=False,
        pem_autogen=False,
        allow_templates=False,
        storage_mode="memory",
    )
    plugin = Apprise.instantiate(url, asset=asset)
    if plugin is None:
        raise UnusableUrl(_complaint(url))
    if plugin.service_name in _READ_MARKDOWN and plugin.notify_format == NotifyFormat.TEXT:
        plugin.notify_format = NotifyFormat.MARKDOWN
    return plugin


def _complaint(url: str) -> str:
    """What is wrong with a URL, by its scheme, which names a service and no secret."""
    from apprise.apprise import N_MGR as known  # noqa: N811

    scheme = url.partition("://")[0].lower()
    if "://" not in url or scheme not in known:
        return f"is no URL of a service that Apprise knows: {CATALOGUE} shows how each is written"
    plugin = known[scheme]
    if not plugin.enabled:
        return f"{plugin.service_name} cannot be used on this machine: {plugin.setup_url} says what it needs"
    return f"is not a whole URL of {plugin.service_name}: {plugin.setup_url} shows how it is written"


def _listen() -> None:
    """Let nothing that Apprise says into the log, before it says the first word."""
    log = logging.getLogger("apprise")
    if any(isinstance(each, _Listener) for each in log.handlers):
        return
    log.handlers[:] = [_Listener()]
    log.propagate = False
    # Why a connection broke is told at this level alone.
    log.setLevel(logging.DEBUG)
    # It logs the address where a server's headers are malformed.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
