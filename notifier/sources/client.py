"""Sessions and clients of aiobotocore. `AWS_…` variables and profiles mean what they mean everywhere."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, NoCredentialsError, ProfileNotFound

from notifier import __version__
from notifier.errors import CallFailed, Cause, Problem, SettingsError
from notifier.sources.models import Models
from notifier.sources.own import OWN_CREDENTIALS, OwnCredentials
from notifier.sources.parsing import Parsers
from notifier.sources.signing import sign_swiftly
from notifier.sources.tls import SharedTls

PREVIEW_SERVICE = "sagemaker-preview"
"""The service name under which a session of ours knows the preview's `describe_tuning_job`."""

READ_TIMEOUT = 15.0
"""Seconds without a byte after which an answer is not waited for any more."""

_PREVIEW_MODEL = Path(__file__).parent / "preview_model"


def new_session() -> AioSession:
    """A session that knows the preview's dialect beside today's, and reads answers quickly.

    One is enough for all regions of an account. Raises SettingsError where AWS_PROFILE or the AWS configuration file is
    wrong.
    """
    # Credentials that cannot be had end the call, which is told in a line; this would be a traceback each time.
    logging.getLogger("aiobotocore.credentials").setLevel(logging.ERROR)
    session = AioSession()
    sign_swiftly(session, "sagemaker")
    session.user_agent_extra = f"{session.user_agent_extra} notifier/{__version__}"
    session.register_component("response_parser_factory", Parsers())
    session.register_component(OWN_CREDENTIALS, OwnCredentials(session))
    with _settings_named():
        own_paths = session.get_component("data_loader").search_paths
    session.register_component("data_loader", Models([str(_PREVIEW_MODEL), *own_paths]))
    return session


def default_region(session: AioSession) -> str | None:
    """AWS_REGION, AWS_DEFAULT_REGION, or the profile's; None where none is set. Raises SettingsError."""
    # botocore leaves AWS_REGION to others, but it is the one that AWS's containers set.
    with _settings_named():
        return os.environ.get("AWS_REGION") or session.get_config_variable("region")


@contextmanager
def _settings_named() -> Iterator[None]:
    try:
        yield
    except ProfileNotFound as error:
        message = f"the AWS configuration has no profile {error.kwargs.get('profile')!r}; correct or unset it"
        raise SettingsError([Problem("AWS_PROFILE", message)]) from None
    except BotoCoreError as error:
        message = f"the AWS configuration cannot be read ({type(error).__name__}); correct the file"
        raise SettingsError([Problem("AWS_CONFIG_FILE", message)]) from None


@asynccontextmanager
async def connected(
    session: AioSession,
    service: str,
    region: str,
    credentials: "Renewable | None" = None,
    *,
    endpoint: str | None = None,
    read_timeout: float = READ_TIMEOUT,
) -> AsyncIterator["Connection"]:
    """A connection that is closed in the end; `credentials` are the session's, where they are not the caller's own.

    `endpoint` is where the service is asked, else AWS's own or where `AWS_ENDPOINT_URL` says.
    """
    connection = Connection(session, service, region, credentials, endpoint=endpoint, read_timeout=read_timeout)
    try:
        yield connection
    finally:
        await connection.close()


class Renewable(Protocol):
    """Credentials of which there may be others at once."""

    issue: int
    """How many there were so far."""

    async def renew(self, issue: int) -> bool:
        """AWS does not take the credentials of this issue any more: whether there are others for the next call."""
        ...


class Connection:
    """One long-lived client of one service in one region, made when it is first needed.

    Nothing is done before: a scope without credentials can start, and comes to life when they appear.
    """

    def __init__(
        self,
        session: AioSession,
        service: str,
        region: str,
        credentials: Renewable | None = None,
        *,
        endpoint: str | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self.region = region
        self._endpoint = endpoint
        self._read_timeout = read_timeout
        self._session = session
        self._credentials: Renewable = credentials or session.get_component(OWN_CREDENTIALS)
        self._service = service
        self._client: Any = None
        self._creating = asyncio.Lock()

    async def client(self) -> Any:
        """The client. Raises what botocore raises, and CallFailed where the endpoint is no URL."""
        async with self._creating:
            if self._client is None:
                self._client = await self._signing_client()
            return self._client

    @property
    def issue(self) -> int:
        """Which credentials sign now."""
        return self._credentials.issue

    async def renew(self, issue: int) -> bool:
        """AWS does not take these credentials any more: whether the next call has others."""
        return await self._credentials.renew(issue)

    async def close(self) -> None:
        """Close the client's connections."""
        async with self._creating:
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    async def _signing_client(self) -> Any:
        try:
            client = await self._create().__aenter__()
        except BotoCoreError:
            raise
        except ValueError:
            raise CallFailed(Cause.REFUSED, f"{self.region}: AWS_ENDPOINT_URL is not a URL; correct it") from None
        # A client made without credentials never gets any, while the session looks for them again each time.
        if await self._session.get_credentials() is None:
            await client.close()
            raise NoCredentialsError
        return client

    def _create(self) -> Any:
        preview = self._service == PREVIEW_SERVICE
        return self._session.create_client(
            self._service,
            region_name=self.region,
            # botocore would look for a variable named after the preview.
            endpoint_url=os.environ.get("AWS_ENDPOINT_URL_SAGEMAKER") if preview else self._endpoint,
            config=AioConfig(
                # tenacity owns the retries: layers multiply.
                retries={"total_max_attempts": 1, "mode": "standard"},
                # The few parameters are of our own making: to check them at each call finds nothing.
                parameter_validation=False,
                user_agent=_user_agent(self._session),
                connect_timeout=5,
                read_timeout=self._read_timeout,
                max_pool_connections=50,
                connector_args={"keepalive_timeout": 60.0},
                http_session_cls=SharedTls,
                # Reads the model in a thread, so that the loop goes on; the preview's is small and lacks other files.
                warm_up_loader_caches=not preview,
            ),
        )


def _user_agent(session: AioSession) -> str | None:
    """The short User-Agent, said once: botocore composes the long one twice for each call, and that takes longer than
    reading a Describe. None, which stands for the long one, where an operator's AWS_SDK_UA_APP_ID must go with it.
    """
    if session.get_config_variable("user_agent_appid"):
        return None
    # botocore adds the session's extra words by itself.
    return str(session.user_agent()).removesuffix(f" {session.user_agent_extra}")
