"""Two accounts in one region: one that shuts us out is told by its number, once, and takes nothing from the other."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.model import Notice
from notifier.pipeline.look import Telling
from notifier.pipeline.watch import Watch, Watching
from notifier.routing import Route, Selection
from notifier.sources import Role, hyperparameter_source, new_session
from notifier.store import Store, open_store
from tests.examples import REGION
from tests.pipeline.conftest import HASTE, Meter, Witness
from tests.pipeline.organisation import OWN_KEY, Organisation
from tests.pipeline.sagemaker import Job

ONE, TWO = "222233334444", "333344445555"


@dataclass
class Watches:
    """A watch of each account, on one store; `start` again and they are a new process. `now` is what `ticks` says."""

    organisation: Organisation
    store: Store
    stack: AsyncExitStack
    now: float = 0.0
    watches: dict[str, Watch] = field(default_factory=dict)
    witnesses: dict[str, Witness] = field(default_factory=dict)

    async def start(self) -> None:
        telling = Telling((Route("hook"),), ("hook",), 7 * 86400.0)
        for number, account in self.organisation.accounts.items():
            self.witnesses[number] = Witness()
            opening = hyperparameter_source(
                new_session(),
                REGION,
                rate=10_000.0,
                meter=Meter(),
                account=number,
                role=Role(account.arn),
                patience=HASTE,
            )
            self.watches[number] = Watch(
                await self.stack.enter_async_context(opening),
                self.store.watch,
                Watching(Selection(("*",), ()), telling, interval=1.0),
                witness=self.witnesses[number],
                owed=lambda: None,
                ticks=lambda: self.now,
            )

    async def sweep(self, later: float = 30.0) -> None:
        self.now += later
        for watch in self.watches.values():
            await watch.turn()

    async def titles(self) -> list[str]:
        rows = await self.store.outbox.owed("hook", 100)
        bodies = await self.store.outbox.events([each.event_id for each in rows])
        return [body.title for row in rows if isinstance(body := bodies[row.event_id], Notice)]


@pytest.fixture
async def watches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Watches]:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SAGEMAKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWN_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretsecretsecret")
    async with (
        Organisation.running() as organisation,
        AsyncExitStack() as stack,
        open_store(f"sqlite:///{tmp_path / 'watch.db'}", exclusive=True) as store,
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL", organisation.url)
        organisation.join(ONE, TWO)
        yield Watches(organisation, store, stack)


async def test_each_account_has_a_baseline_and_jobs_of_its_own(watches: Watches) -> None:
    organisation = watches.organisation
    organisation.services[ONE, REGION].put(Job("xgb", time.time()))
    await watches.start()
    await watches.sweep()
    organisation.services[TWO, REGION].put(Job("xgb", time.time()))
    await watches.sweep()

    assert await watches.titles() == [
        f"Watching 1 tuning job in {REGION} of account {ONE}",
        f"Watching tuning jobs in {REGION} of account {TWO}",
    ]
    assert [each.job.account_id for each in watches.witnesses[TWO].events] == [TWO]
    assert watches.witnesses[ONE].events == []


async def test_two_accounts_that_shut_us_out_are_told_apart_once_each_over_restarts_too(watches: Watches) -> None:
    for account in watches.organisation.accounts.values():
        account.admits = False
    await watches.start()
    for _ in range(3):
        await watches.sweep(later=900.0)
    await watches.start()
    for _ in range(3):
        await watches.sweep(later=900.0)
    blind = [f"Cannot see the tuning jobs in {REGION} of account {number}" for number in (ONE, TWO)]
    assert await watches.titles() == blind

    watches.organisation.accounts[TWO].admits = True
    await watches.sweep()
    await watches.sweep()

    assert await watches.titles() == [
        *blind,
        f"The tuning jobs in {REGION} of account {TWO} can be seen again",
        f"Watching tuning jobs in {REGION} of account {TWO}",
    ]


async def test_a_revoked_role_is_one_line_in_the_log_and_the_other_account_is_told_of_meanwhile(
    watches: Watches,
) -> None:
    organisation = watches.organisation
    await watches.start()
    await watches.sweep()
    role = organisation.accounts[ONE]
    role.admits, role.expired = False, {role.key(1)}

    with capture_logs() as logs:
        await watches.sweep()
        organisation.services[TWO, REGION].put(Job("xgb", time.time()))
        await watches.sweep()
        role.admits = True
        await watches.sweep()

    failed, told, again = [each for each in logs if each["log_level"] != "debug"]
    assert (failed["account"], failed["region"]) == (ONE, REGION)
    assert failed["error"].startswith(f"AssumeRole in {REGION} of account {ONE}: ") and role.arn in failed["error"]
    assert (told["event"], told["job"], told["account"]) == ("tuning_job.started", "xgb", TWO)
    assert (again["event"], again["account"]) == ("sweeps work again", ONE)
    assert watches.witnesses[ONE].outcomes == ["ok", "denied", "denied", "ok"]
    assert watches.witnesses[TWO].outcomes == ["ok"] * 4
