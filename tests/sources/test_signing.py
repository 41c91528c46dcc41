"""A request is signed as botocore signs it, byte by byte."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from aiohttp import web
from aiohttp.test_utils import TestServer
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from notifier.sources import new_session
from notifier.sources.client import connected
from notifier.sources.signing import VERSION, Signer, _chosen
from tests.examples import REGION
from tests.sources.aws import NOTHING, Aws
from tests.sources.conftest import KEY_ID, SECRET, TOKEN

NAMES = st.sampled_from(
    ["X-Amz-Target", "content-type", "Content-Type", "User-Agent", "X-Amzn-Trace-Id", "Expect", "Host", "x-amz-meta-b",
     "X-Amz-Date", "Date", "X-Amz-Security-Token", "Authorization", "X-Amz-Content-SHA256", "transfer-encoding"]
)  # fmt: skip
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
URLS = st.sampled_from(
    ["https://api.sagemaker.us-east-1.amazonaws.com/", "https://API.Example:443/", "https://example:8443/a//b/../c d",
     "http://127.0.0.1:4566", "http://[::1]:80/", "https://user:pw@example/?b=2&a=1&a=0", "https://example/?x"]
)  # fmt: skip


def signed(
    signer: type[SigV4Auth], url: str, headers: list[tuple[str, str]], body: bytes, token: str | None
) -> list[tuple[str, Any]]:
    """All headers of a request that a signer has signed, and signed again, as it is where a call is repeated."""
    request = AWSRequest(method="POST", url=url, data=body)
    for name, value in headers:
        request.headers[name] = value
    auth = signer(ReadOnlyCredentials(KEY_ID, SECRET, token), "sagemaker", REGION)
    auth.add_auth(request)
    request.headers["X-Amz-Target"] = "another"
    auth.add_auth(request)
    return list(request.headers.items())


@given(URLS, st.lists(st.tuples(NAMES, VALUES), max_size=8), st.binary(max_size=40), st.none() | st.just(TOKEN))
def test_any_request_gets_the_signature_that_botocore_gives_it(
    url: str, headers: list[tuple[str, str]], body: bytes, token: str | None
) -> None:
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr("botocore.auth.get_current_datetime", lambda: datetime(2026, 1, 31, 12, 0, tzinfo=UTC))

        ours, theirs = (signed(each, url, headers, body, token) for each in (Signer, SigV4Auth))

    assert ours == theirs


async def test_what_a_client_sends_bears_the_signature_that_botocore_makes_of_it() -> None:
    came: list[tuple[web.Request, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        came.append((request, await request.read()))
        return web.json_response({"HyperParameterTuningJobSummaries": []})

    app = web.Application()
    app.router.add_post("/", answer)
    async with TestServer(app) as server:
        endpoint = f"http://127.0.0.1:{server.port}"
        async with connected(new_session(), "sagemaker", REGION, endpoint=endpoint) as connection:
            await (await connection.client()).list_hyper_parameter_tuning_jobs(MaxResults=1)

    ((request, body),) = came
    authorization = request.headers["Authorization"]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    again = AWSRequest(method="POST", url=str(request.url), data=body)
    for name in names:
        again.headers[name] = request.headers[name]
    sent_at = datetime.strptime(request.headers["X-Amz-Date"], SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr("botocore.auth.get_current_datetime", lambda: sent_at)
        SigV4Auth(ReadOnlyCredentials(KEY_ID, SECRET, TOKEN), "sagemaker", REGION).add_auth(again)
    assert {"host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(names)
    assert again.headers["Authorization"] == authorization


async def test_our_clients_sign_by_it_and_no_others(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    signed: list[str] = []
    add_auth = Signer.add_auth

    def noted(self: Signer, request: AWSRequest) -> None:
        signed.append(str(request.url))
        add_auth(self, request)

    monkeypatch.setattr(Signer, "add_auth", noted)
    aws.answers("ListHyperParameterTuningJobs", NOTHING)

    async with connected(new_session(), "sagemaker", REGION) as connection:
        await (await connection.client()).list_hyper_parameter_tuning_jobs()
    assert len(signed) == 1

    async with AioSession().create_client("sagemaker", region_name=REGION) as bare:
        await bare.list_hyper_parameter_tuning_jobs()
    assert len(signed) == 1


@pytest.mark.parametrize(
    ("version", "context"),
    [
        ("v4a", {}),
        ("v4", {"auth_type": "none"}),
        ("v4", {"auth_type": "v4-unsigned-body"}),
        ("v4", {"unsigned_payload": True}),
        ("v4", {"client_config": AioConfig(auth_scheme_preference="sigv4a")}),
    ],
)
def test_whatever_is_not_plain_version_4_is_left_to_botocore(version: str, context: dict[str, Any]) -> None:
    assert _chosen(version, context) is None
    assert _chosen("v4", {"auth_type": "v4", "client_config": AioConfig()}) == VERSION
