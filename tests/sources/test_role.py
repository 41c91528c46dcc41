"""Calls in a role of another account: whose keys sign them, when these are renewed, and what is told of a role."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from notifier.errors import CallFailed, Cause, SettingsError
from notifier.ports import Source
from notifier.sources import Role, hyperparameter_source, new_session, preview_source, role_arn
from notifier.sources.calls import Calls
from notifier.sources.client import connected
from notifier.sources.role import RoleCredentials
from tests.examples import ACCOUNT, REGION
from tests.pipeline.organisation import OWN_KEY, Organisation
from tests.pipeline.sagemaker import DESCRIBE, LIST, PREVIEW, Job
from tests.sources.conftest import FAST, HASTE, Tally

ONE, TWO = "222233334444", "333344445555"
ASSUME, CALLER = "AssumeRole", "GetCallerIdentity"


@pytest.fixture
async def organisation(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Organisation]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWN_KEY)
    async with Organisation.running() as organisation:
        monkeypatch.setenv("AWS_ENDPOINT_URL", organisation.url)
        organisation.join(ONE, TWO)
        yield organisation


def opened(
    organisation: Organisation, account: str, external_id: str | None = None, meter: Tally | None = None
) -> AbstractAsyncContextManager[Source]:
    role = Role(organisation.accounts[account].arn, external_id)
    return hyperparameter_source(
        new_session(), REGION, account=account, role=role, rate=FAST, meter=meter or Tally(), patience=HASTE
    )


async def listed(source: Source) -> list[str]:
    return [row.name async for page in source.pages() for row in page.rows]


async def test_each_accounts_calls_are_signed_with_its_own_roles_key(organisation: Organisation) -> None:
    for account in (ONE, TWO):
        organisation.services[account, REGION].put(Job(f"job-of-{account}", 1_700_000_000.0))

    async with opened(organisation, ONE) as one, opened(organisation, TWO) as two:
        assert await listed(one) == [f"job-of-{ONE}"]
        assert await listed(two) == [f"job-of-{TWO}"]
        job = await two.describe(f"job-of-{TWO}")

    assert job.account_id == TWO and job.arn is not None and f":{TWO}:" in job.arn
    accounts = organisation.accounts
    assert organisation.asked(ASSUME) == {OWN_KEY}
    assert organisation.asked(LIST) == {accounts[ONE].key(1), accounts[TWO].key(1)}
    assert organisation.asked(DESCRIBE) == {accounts[TWO].key(1)}


async def test_the_account_is_known_and_nobody_is_asked_who_calls(organisation: Organisation) -> None:
    async with opened(organisation, ONE) as source:
        assert await source.account() == ONE
        assert (str(source.place), source.place.phrase) == (f"{ONE}/{REGION}", f"{REGION} of account {ONE}")
        assert not organisation.calls
        await listed(source)

    assert not organisation.asked(CALLER)


async def test_the_session_names_notifier_at_the_sts_of_the_region(organisation: Organisation, tally: Tally) -> None:
    async with opened(organisation, ONE, meter=tally) as source:
        await listed(source)

    assert organisation.accounts[ONE].sessions == ["notifier"]
    assert organisation.accounts[ONE].regions == [REGION]
    assert tally.calls == [(REGION, ASSUME, "ok"), (REGION, LIST, "ok")]


async def test_one_issue_serves_until_it_is_about_to_expire_and_many_calls_at_once_wait_for_one(
    organisation: Organisation,
) -> None:
    account = organisation.accounts[ONE]
    # botocore renews what has less than ten minutes left, before the call that needs it.
    account.lifetimes = [9 * 60.0, 3600.0]

    async with opened(organisation, ONE) as source:
        await listed(source)
        assert organisation.asked(LIST) == {account.key(1)}
        await asyncio.gather(*(listed(source) for _ in range(8)))
        await listed(source)

    assert organisation.calls[LIST, account.key(1)] == 1
    assert organisation.calls[LIST, account.key(2)] == 9
    assert account.issued == 2


async def test_a_key_that_aws_calls_expired_before_its_time_is_replaced_within_the_call(
    organisation: Organisation, tally: Tally
) -> None:
    account = organisation.accounts[ONE]
    async with opened(organisation, ONE, meter=tally) as source:
        await listed(source)
        account.expired = {account.key(1)}
        await asyncio.gather(*(listed(source) for _ in range(8)))

    assert account.issued == 2
    assert organisation.calls[LIST, account.key(2)] == 8
    assert {outcome for _, _, outcome in tally.calls} == {"ok"}


async def test_a_role_whose_every_key_is_refused_is_assumed_once_more_for_a_call_and_no_oftener(
    organisation: Organisation,
) -> None:
    account = organisation.accounts[ONE]
    async with opened(organisation, ONE) as source:
        await listed(source)
        account.expired = {account.key(issue) for issue in range(1, 9)}
        with pytest.raises(CallFailed, match=f"ListHyper.* in {REGION} of account {ONE}: .*ExpiredToken") as caught:
            await listed(source)

    assert caught.value.cause is Cause.CREDENTIALS
    assert account.issued == 2


@pytest.mark.parametrize(
    ("asks_for", "comes_with", "says"),
    [
        pytest.param(None, None, "without an external id", id="trust-taken-away"),
        pytest.param("team-7", "team-8", "with this NOTIFIER_EXTERNAL_ID", id="another-external-id"),
    ],
)
async def test_a_role_that_cannot_be_assumed_is_told_in_a_line_with_what_to_do(
    organisation: Organisation,
    caplog: pytest.LogCaptureFixture,
    asks_for: str | None,
    comes_with: str | None,
    says: str,
) -> None:
    account = organisation.accounts[ONE]
    account.external_id, account.admits = asks_for, asks_for is not None
    async with opened(organisation, ONE, comes_with) as refused, opened(organisation, TWO) as other:
        with pytest.raises(CallFailed) as caught:
            await listed(refused)
        with pytest.raises(CallFailed, match="trust policy"):
            await refused.role()
        assert await other.role() == organisation.accounts[TWO].arn
        assert await listed(other) == []

    text = str(caught.value)
    assert text.startswith(f"AssumeRole in {REGION} of account {ONE}: ") and "\n" not in text
    assert f"allow sts:AssumeRole on {account.arn}" in text
    assert "trust policy" in text and text.endswith(says)
    assert "team-" not in text
    assert (caught.value.cause, caught.value.action) == (Cause.DENIED, "sts:AssumeRole")
    # aiobotocore would log a traceback each time.
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


async def test_the_external_id_goes_with_the_question_and_into_no_repr(organisation: Organisation) -> None:
    organisation.accounts[ONE].external_id = "team-7"

    async with opened(organisation, ONE, "team-7") as source:
        assert await listed(source) == []

    assert "team-7" not in repr(Role("arn:aws:iam::222233334444:role/notifier", "team-7"))


async def test_a_role_that_is_given_back_is_assumed_at_the_next_call(organisation: Organisation) -> None:
    organisation.accounts[ONE].admits = False
    async with opened(organisation, ONE) as source:
        with pytest.raises(CallFailed):
            await listed(source)
        organisation.accounts[ONE].admits = True

        assert await listed(source) == []


async def test_an_advised_renewal_that_fails_leaves_the_key_that_is_still_good(organisation: Organisation) -> None:
    account = organisation.accounts[ONE]
    account.lifetimes = [12 * 60.0]
    async with opened(organisation, ONE) as source:
        await listed(source)
        account.admits = False
        await listed(source)

    assert organisation.calls[LIST, account.key(1)] == 2
    assert organisation.calls[ASSUME, OWN_KEY] == 2


async def test_keys_that_have_expired_when_they_come_point_to_the_clock(organisation: Organisation) -> None:
    organisation.accounts[ONE].lifetimes = [-1.0]
    async with opened(organisation, ONE) as source:
        with pytest.raises(CallFailed, match=f"set this machine's clock; the role is arn:aws:iam::{ONE}:role/notifier"):
            await listed(source)


async def test_an_sts_that_throttles_is_asked_once_for_each_attempt_of_the_call(organisation: Organisation) -> None:
    organisation.throttles = True
    async with opened(organisation, ONE) as source:
        with pytest.raises(
            CallFailed, match=f"AWS throttles .*; the role is arn:aws:iam::{ONE}:role/notifier"
        ) as caught:
            await listed(source)

    assert caught.value.cause is Cause.THROTTLED
    assert organisation.calls[ASSUME, OWN_KEY] == HASTE.attempts


async def test_a_refusal_of_a_key_that_was_replaced_meanwhile_replaces_no_other(organisation: Organisation) -> None:
    account = organisation.accounts[ONE]
    async with connected(new_session(), "sts", REGION) as sts:
        credentials = RoleCredentials(Role(account.arn), Calls(sts, FAST, Tally(), HASTE))
        await credentials.assumed()
        for _ in range(2):
            await credentials.renew(1)
            await credentials.assumed()

    assert (credentials.issue, account.issued) == (2, 2)


async def test_without_credentials_of_our_own_no_role_is_blamed(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    async with opened(organisation, ONE) as source:
        with pytest.raises(CallFailed, match="there are no AWS credentials") as caught:
            await listed(source)

    assert "role/notifier" not in str(caught.value)
    assert not organisation.calls


async def test_a_profile_that_assumes_a_role_itself_is_the_caller_of_the_accounts_roles(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(f"[lab]\naws_access_key_id = {OWN_KEY}\naws_secret_access_key = lab\n")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    async with opened(organisation, ONE) as source:
        assert await listed(source) == []

    assert organisation.asked(ASSUME) == {OWN_KEY}


async def test_the_preview_is_asked_for_the_accounts_job_in_its_role(organisation: Organisation) -> None:
    organisation.services[ONE, REGION].put(Job("xgb", 1_700_000_000.0))
    role = Role(organisation.accounts[ONE].arn)
    async with preview_source(
        new_session(), REGION, account=ONE, role=role, rate=FAST, meter=Tally(), patience=HASTE
    ) as source:
        job = await source.describe("xgb")

    assert job.source == f"urn:notifier:{ONE}:{REGION}:xgb"
    assert organisation.asked(PREVIEW) == {organisation.accounts[ONE].key(1)}


async def test_the_callers_own_account_may_be_named_and_needs_no_role(organisation: Organisation) -> None:
    session = new_session()
    async with hyperparameter_source(
        session, REGION, account=ACCOUNT, rate=FAST, meter=Tally(), patience=HASTE
    ) as source:
        assert (await source.account(), await source.role()) == (ACCOUNT, None)
        assert await source.account() == ACCOUNT
        assert await listed(source) == []

    assert organisation.calls[CALLER, OWN_KEY] == 1
    assert organisation.asked(LIST) == {OWN_KEY}


async def test_an_account_that_the_credentials_are_not_of_is_not_watched_under_its_name(
    organisation: Organisation,
) -> None:
    async with hyperparameter_source(
        new_session(), REGION, account=ONE, rate=FAST, meter=Tally(), patience=HASTE
    ) as source:
        for _ in range(2):
            with pytest.raises(
                CallFailed, match=f"those of account {ACCOUNT}, not of {ONE}; correct NOTIFIER_ACCOUNTS"
            ):
                await source.account()


@pytest.mark.parametrize(
    ("role", "region", "arn"),
    [
        pytest.param("notifier", "eu-west-1", f"arn:aws:iam::{ONE}:role/notifier", id="aws"),
        pytest.param("notifier", "cn-north-1", f"arn:aws-cn:iam::{ONE}:role/notifier", id="china"),
        pytest.param("notifier", "us-gov-west-1", f"arn:aws-us-gov:iam::{ONE}:role/notifier", id="govcloud"),
        pytest.param("notifier", "us-iso-east-1", f"arn:aws-iso:iam::{ONE}:role/notifier", id="iso"),
        pytest.param("notifier", "us-isob-east-1", f"arn:aws-iso-b:iam::{ONE}:role/notifier", id="iso-b"),
        pytest.param("notifier", "eusc-de-east-1", f"arn:aws-eusc:iam::{ONE}:role/notifier", id="sovereign"),
        pytest.param("notifier", "eu-north-9", f"arn:aws:iam::{ONE}:role/notifier", id="a-region-to-come"),
        pytest.param("ml/of-{account}", "eu-west-1", f"arn:aws:iam::{ONE}:role/ml/of-{ONE}", id="name-with-account"),
        pytest.param(
            "arn:aws-cn:iam::{account}:role/x", "cn-north-1", f"arn:aws-cn:iam::{ONE}:role/x", id="arn-with-account"
        ),
        pytest.param("arn:aws-new:iam::{account}:role/x", "mars-1", f"arn:aws-new:iam::{ONE}:role/x", id="unknown"),
    ],
)
def test_a_role_is_an_arn_of_the_regions_partition(role: str, region: str, arn: str) -> None:
    assert role_arn(new_session(), role, ONE, region) == arn


@pytest.mark.parametrize(
    ("role", "region", "variable", "says"),
    [
        pytest.param(
            "arn:aws:iam::{account}:role/x", "cn-north-1", "NOTIFIER_ROLE", "cn-north-1 is in aws-cn", id="elsewhere"
        ),
        pytest.param("notifier", "mars-1", "NOTIFIER_REGIONS", "write NOTIFIER_ROLE as an ARN", id="unknown-partition"),
    ],
)
def test_a_role_that_cannot_be_in_the_region_is_a_wrong_setting(
    role: str, region: str, variable: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        role_arn(new_session(), role, ONE, region)

    assert [each.variable for each in caught.value.problems] == [variable]


async def test_accounts_share_the_way_to_a_regions_sts_for_as_long_as_one_of_them_needs_it(
    organisation: Organisation, tally: Tally
) -> None:
    session, expired = new_session(), organisation.accounts[TWO].expired

    def source(account: str) -> AbstractAsyncContextManager[Source]:
        role = Role(organisation.accounts[account].arn)
        return hyperparameter_source(
            session, REGION, account=account, role=role, rate=FAST, meter=tally, patience=HASTE
        )

    async with source(TWO) as two:
        async with source(ONE) as one:
            await listed(one)
            await listed(two)
        expired.add(organisation.accounts[TWO].key(1))
        # The other has left, and the way is still there.
        await listed(two)
    async with source(ONE) as one:
        await listed(one)

    assert [organisation.accounts[each].issued for each in (ONE, TWO)] == [2, 2]
    assert len(organisation.callers) == 2
