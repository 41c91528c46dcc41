"""Several AWS accounts on loopback: an STS that gives out keys of roles, a SageMaker for each account and region."""

import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from tests.examples import ACCOUNT, REGION
from tests.pipeline.sagemaker import SageMaker

OWN_KEY = "AKIAEXAMPLEEXAMPLE"
"""The access key of the caller, whose account is ACCOUNT."""
HOUR = 3600.0
_SCOPE = re.compile(r"Credential=(?P<key>\w+)/\d+/(?P<region>[\w-]+)/(?P<service>\w+)/")


@dataclass
class Account:
    """An account, and the role in it: who comes with another external id than `external_id` is not admitted."""

    number: str
    role: str = "notifier"
    partition: str = "aws"
    external_id: str | None = None
    admits: bool = True
    lifetimes: list[float] = field(default_factory=lambda: [HOUR])
    """How long each issue of credentials is good for, by what it says; the last stands for all that follow."""
    expired: set[str] = field(default_factory=set)
    """Access keys that SageMaker refuses, whatever was said of them."""
    sessions: list[str] = field(default_factory=list)
    """The RoleSessionName of each issue."""
    regions: list[str] = field(default_factory=list)
    """Whose STS gave each issue."""

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.number}:role/{self.role}"

    @property
    def issued(self) -> int:
        return len(self.sessions)

    def key(self, issue: int) -> str:
        """The access key of an issue of credentials, from 1."""
        return f"ASIA{self.number}N{issue}"


@dataclass
class Organisation:
    """The accounts, and what they were asked. A key that STS did not give out signs nothing."""

    accounts: dict[str, Account] = field(default_factory=dict)
    services: dict[tuple[str, str], SageMaker] = field(default_factory=dict)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Requests by operation and access key."""
    callers: set[tuple[str, int]] = field(default_factory=set)
    """The connections on which STS was asked, by their other end."""
    throttles: bool = False
    """Whether STS does."""
    pings: int = 0
    """How often somebody gave a sign of life."""
    url: str = ""

    def join(self, *numbers: str, regions: tuple[str, ...] = (REGION,), **account: str) -> None:
        """More accounts, each with a SageMaker in each region."""
        for number in numbers:
            self.accounts[number] = Account(number, **account)  # type: ignore[arg-type]
            for region in regions:
                self.services[number, region] = SageMaker(live=True, now=time.time())

    async def answer(self, request: web.Request) -> web.Response:
        scope = _SCOPE.search(request.headers.get("Authorization", ""))
        assert scope is not None, "the request is not signed"
        key, region = scope["key"], scope["region"]
        target = request.headers.get("X-Amz-Target")
        if target is None:
            form = dict(await request.post())
            # Who hung up meanwhile has no address any more.
            if request.transport is not None:
                self.callers.add(request.transport.get_extra_info("peername"))
            self.calls[str(form["Action"]), key] += 1
            return self._identity(key) if form["Action"] == "GetCallerIdentity" else self._assume(form, key, region)
        self.calls[target.partition(".")[2], key] += 1
        account = self._account(key)
        if account is None or (account in self.accounts and key in self.accounts[account].expired):
            return web.json_response({"__type": "ExpiredTokenException", "message": "no"}, status=400)
        response = await self.services[account, region].answer(request)
        assert response.text is not None
        response.text = response.text.replace(f":{REGION}:{ACCOUNT}:", f":{region}:{account}:")
        return response

    async def ping(self, request: web.Request) -> web.Response:
        self.pings += 1
        return web.Response()

    def asked(self, operation: str) -> set[str]:
        """The access keys that an operation was asked with."""
        return {key for name, key in self.calls if name == operation}

    def _account(self, key: str) -> str | None:
        if key == OWN_KEY:
            return ACCOUNT
        return next((each.number for each in self.accounts.values() if key.startswith(f"ASIA{each.number}N")), None)

    def _identity(self, key: str) -> web.Response:
        result = f"<GetCallerIdentityResult><Account>{self._account(key)}</Account></GetCallerIdentityResult>"
        return _xml(f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>")

    def _assume(self, form: Mapping[str, object], key: str, region: str) -> web.Response:
        if self.throttles:
            return _error("Throttling", 400)
        account = next((each for each in self.accounts.values() if each.arn == form["RoleArn"]), None)
        known = account is not None and account.admits and form.get("ExternalId") == account.external_id
        if account is None or not known or key != OWN_KEY:
            return _error("AccessDenied", 403)
        lifetime = account.lifetimes.pop(0) if len(account.lifetimes) > 1 else account.lifetimes[0]
        account.sessions.append(str(form["RoleSessionName"]))
        account.regions.append(region)
        until = datetime.fromtimestamp(time.time() + lifetime, UTC).isoformat()
        keys = (
            f"<AccessKeyId>{account.key(account.issued)}</AccessKeyId><SecretAccessKey>secretOfARole</SecretAccessKey>"
            f"<SessionToken>tokenOfARole</SessionToken><Expiration>{until}</Expiration>"
        )
        result = f"<AssumeRoleResult><Credentials>{keys}</Credentials></AssumeRoleResult>"
        return _xml(f"<AssumeRoleResponse>{result}</AssumeRoleResponse>")

    @classmethod
    @asynccontextmanager
    async def running(cls) -> "AsyncIterator[Organisation]":
        """Serve on a port of the system's choice, with the caller's account alone."""
        organisation = cls()
        organisation.services[ACCOUNT, REGION] = SageMaker(live=True, now=time.time())
        app = web.Application()
        app.router.add_post("/", organisation.answer)
        app.router.add_get("/ping", organisation.ping)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        organisation.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield organisation
        finally:
            await runner.cleanup()


def _error(code: str, status: int) -> web.Response:
    return _xml(f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>", status)


def _xml(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/xml")
