"""Cards in Slack: one for each job, edited in place, with its events in the thread, through everything that breaks."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from notifier.model import Event, EventType, Status, Trial, TrialCounts, TuningJob
from notifier.simulator.workspace import Post
from tests.examples import NOON, best, ended, new_best, started, tuning_job
from tests.pipeline.deliver_stage import Counter as Meter
from tests.pipeline.slack_channel import Bot, bot, headline
from tests.store.looks import notice
from tests.virtual import in_virtual_time, now


def with_best(number: int, value: float, done: int = 5) -> tuple[TuningJob, Event]:
    """The job with another leader, and the event of it."""
    job = tuning_job(best=best(number, value), counts=TrialCounts(completed=done, in_progress=2))
    return job, new_best(best(number, value), best(number - 1, value - 0.05), job)


async def begun(slack: Bot) -> None:
    """The job has started, and its card stands there."""
    await slack.see(tuning_job(), started())
    await slack.told()


@in_virtual_time
async def test_a_card_that_is_new_says_itself_that_its_job_has_started(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)

        (card,) = slack.cards
        assert headline(card) == "🚀 xgb-churn: started"
        assert "Bayesian search · 2 at a time" in str(card.body)
        assert slack.workspace.thread(card.ts) == []

        await slack.see(tuning_job(counts=TrialCounts(completed=5)))
        await asyncio.sleep(61)
        assert headline(card) == "⏳ xgb-churn: in progress"


@in_virtual_time
async def test_what_happens_to_a_job_is_told_in_its_thread_and_its_ending_in_the_channel_too(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)
        await slack.see(*with_best(2, 0.91))
        await slack.told()
        done = tuning_job(best=best(2, 0.91), status=Status.COMPLETED, ended_at=NOON)
        await slack.see(done, ended(done))
        await slack.told()
        await asyncio.sleep(5)

        (card,) = slack.cards
        assert [(headline(each), each.broadcast) for each in slack.workspace.thread(card.ts)] == [
            ("🏆 xgb-churn: new best 0.91", False),
            ("✅ xgb-churn: completed, best 0.91", True),
        ]
        assert headline(card) == "✅ xgb-churn: completed, best 0.91"


@in_virtual_time
async def test_a_job_that_was_there_before_gets_its_card_with_the_first_thing_told_of_it(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await slack.see(*with_best(2, 0.91))
        await slack.told()

        (card,) = slack.cards
        assert headline(card) == "⏳ xgb-churn: in progress, best so far 0.91"
        assert [headline(each) for each in slack.workspace.thread(card.ts)] == ["🏆 xgb-churn: new best 0.91"]


@in_virtual_time
async def test_a_failure_mentions_in_the_thread_and_never_in_the_card(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running(slack.slack(mention="here")):
        await begun(slack)
        failed = tuning_job(status=Status.FAILED, ended_at=NOON, failure_reason="<!channel> out of memory")
        await slack.see(failed, ended(failed, Status.FAILED))
        await slack.told()
        await asyncio.sleep(5)

        (card,) = slack.cards
        (reply,) = slack.workspace.thread(card.ts)
        assert "<!here>" in str(reply.body) and "<!here>" not in str(card.body)
        assert headline(card) == "❌ xgb-churn: failed"


@in_virtual_time
async def test_a_card_follows_its_job_once_a_minute_and_at_once_at_the_end(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)
        (card,) = slack.cards
        for done in range(5, 17):
            await slack.see(tuning_job(counts=TrialCounts(completed=done, in_progress=2)))
            await asyncio.sleep(20)
        assert [later - earlier >= 60 for earlier, later in pairwise([card.at, *card.edits])] == [True] * 3
        await asyncio.sleep(60)
        assert "16 of 20 trials" in str(card.body)

        over = now()
        await slack.see(tuning_job(status=Status.STOPPED, ended_at=NOON, counts=TrialCounts(completed=17)))
        await asyncio.sleep(5)
        assert card.edits[-1] - NOON.timestamp() - over < 5
        assert headline(card) == "⏹️ xgb-churn: stopped"
        await asyncio.sleep(600)
        assert len(card.edits) == 5


@in_virtual_time
async def test_a_look_that_shows_nothing_else_edits_nothing(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        job = tuning_job(status=Status.STOPPED, ended_at=NOON)
        await slack.see(job, ended(job, Status.STOPPED))
        await slack.told()
        await asyncio.sleep(5)
        await slack.see(job)
        await asyncio.sleep(120)

        assert slack.workspace.calls["chat.update"] == 0
        assert await slack.store.cards.outrun("slack", slack.slack().home, 1e12, 1e12, 9) == []


@in_virtual_time
async def test_another_process_finds_the_card_and_its_thread(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack:
        async with slack.running():
            await begun(slack)
        async with slack.running():
            await slack.see(*with_best(2, 0.91))
            await slack.told()
            await asyncio.sleep(61)

        (card,) = slack.cards
        assert len(slack.workspace.thread(card.ts)) == 1
        assert headline(card) == "⏳ xgb-churn: in progress, best so far 0.91"


@in_virtual_time
async def test_in_another_channel_it_is_another_card(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack:
        async with slack.running():
            await begun(slack)
        async with slack.running(slack.slack(channel="#tuning-jobs")):
            await slack.see(*with_best(2, 0.91))
            await slack.told()

        first, second = slack.cards
        assert (len(slack.workspace.thread(first.ts)), len(slack.workspace.thread(second.ts))) == (0, 1)


@in_virtual_time
async def test_a_card_that_somebody_deletes_is_posted_anew_with_the_next_event(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)
        slack.workspace.delete(slack.cards[0].ts)
        await slack.see(*with_best(2, 0.91))
        await slack.told()

        (card,) = slack.cards
        assert [headline(each) for each in slack.workspace.thread(card.ts)] == ["🏆 xgb-churn: new best 0.91"]


@pytest.mark.parametrize("error", ["message_not_found", "edit_window_closed", "cant_update_message"])
def test_a_card_that_cannot_be_edited_any_more_is_posted_anew_while_its_job_goes_on(tmp_path: Path, error: str) -> None:
    @in_virtual_time
    async def check() -> None:
        async with bot(tmp_path) as slack, slack.running():
            await begun(slack)
            slack.workspace.order("chat.update", error)
            await slack.see(tuning_job(counts=TrialCounts(completed=9)))
            await asyncio.sleep(70)
            old, new = slack.cards
            assert (old.edits, headline(new)) == ([], "⏳ xgb-churn: in progress")
            assert "9 of 20 trials" in str(new.body)

            slack.workspace.order("chat.update", error)
            await slack.see(tuning_job(status=Status.COMPLETED, ended_at=NOON))
            await asyncio.sleep(70)
            assert len(slack.cards) == 2

    check()


@in_virtual_time
async def test_a_deleted_job_shows_in_its_card(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)
        await slack.owe([Event("gone", EventType.DELETED, NOON, tuning_job())])
        await slack.told()

        (card,) = slack.cards
        assert headline(card) == "🗑️ xgb-churn: deleted"
        assert [each.broadcast for each in slack.workspace.thread(card.ts)] == [True]


@in_virtual_time
async def test_posts_keep_slacks_pace_although_a_job_needs_two(tmp_path: Path) -> None:
    async with bot(tmp_path, rate=1.0) as slack, slack.running():
        for number in range(4):
            job = tuning_job(f"xgb-{number}", best=best(2, 0.9))
            await slack.see(job, new_best(best(2, 0.9), best(1, 0.8), job))
        await slack.told()

        assert len(slack.workspace.posts) == 8
        assert slack.workspace.refused == []
        moments = sorted(each.at for each in slack.workspace.posts.values())
        assert all(later - earlier >= 1 for earlier, later in pairwise(moments))


@in_virtual_time
async def test_of_two_hundred_jobs_that_end_at_once_the_last_is_told_within_half_a_minute_and_none_is_missing(
    tmp_path: Path,
) -> None:
    async with bot(tmp_path, rate=1.0) as slack:
        jobs = [tuning_job(f"sweep-{number:03d}", status=Status.COMPLETED, ended_at=NOON) for number in range(200)]
        for job in jobs:
            await slack.see(job, ended(job))
        began = now()
        async with slack.running():
            await slack.told()

        assert now() - began < 30
        said = " ".join(str(each.body["blocks"]) for each in slack.workspace.channel)
        assert [job.name for job in jobs if f"{job.name}:" not in said] == []


@in_virtual_time
async def test_a_hundred_jobs_that_all_move_are_edited_once_a_minute_at_most_and_within_slacks_tier(
    tmp_path: Path,
) -> None:
    async with bot(tmp_path, rate=1.0, edits_a_minute=50) as slack, slack.running():
        for number in range(100):
            job = tuning_job(f"sweep-{number:03d}")
            # One after the other: together they would be a digest, and have no cards.
            await slack.see(job, started(job))
            await slack.told()
        for done in range(5, 15):
            for number in range(100):
                await slack.see(tuning_job(f"sweep-{number:03d}", counts=TrialCounts(completed=done)))
            await asyncio.sleep(30)

        assert len(slack.cards) == 100
        assert set(slack.workspace.refused) == set()
        edits = sorted(each for card in slack.cards for each in card.edits)
        assert len(edits) > 150
        assert all(later - earlier >= 60 for card in slack.cards for earlier, later in pairwise(card.edits))
        assert max(Counter(edit // 60 for edit in edits).values()) <= 50


@in_virtual_time
async def test_edits_that_fail_are_made_up_for_and_hold_up_no_message(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)
        for _ in range(3):
            slack.workspace.order("chat.update", "", 500)
        slack.workspace.order("chat.update", "ratelimited", 429, Retry_After="30")
        await slack.see(*with_best(2, 0.91))
        await asyncio.sleep(62)
        assert await slack.store.outbox.owed("slack", 1) == []
        assert slack.cards[0].edits == []

        await asyncio.sleep(120)
        assert headline(slack.cards[0]) == "⏳ xgb-churn: in progress, best so far 0.91"
        assert slack.workspace.calls["chat.update"] == 5


@in_virtual_time
async def test_a_channel_that_is_archived_holds_everything_and_loses_nothing(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)
        slack.workspace.archived = True
        await slack.see(*with_best(2, 0.91))
        await asyncio.sleep(120)
        hold = await slack.store.outbox.hold("slack")
        assert hold is not None and "unarchive it" in hold.reason
        assert slack.workspace.calls["chat.update"] == 0

        slack.workspace.archived = False
        await slack.told(within=300)
        await asyncio.sleep(61)
        (card,) = slack.cards
        assert len(slack.workspace.thread(card.ts)) == 1
        assert headline(card) == "⏳ xgb-churn: in progress, best so far 0.91"


@in_virtual_time
async def test_a_reply_whose_answer_is_lost_goes_again_and_says_so_and_its_card_is_the_same(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)
        slack.workspace.order("chat.postMessage", "", 500, done=True)
        await slack.see(*with_best(2, 0.91))
        await slack.told()

        (card,) = slack.cards
        first, second = slack.workspace.thread(card.ts)
        assert "may be repeated" not in str(first.body)
        assert "may be repeated" in str(second.body)


@in_virtual_time
async def test_a_store_that_fails_after_the_card_stands_there_makes_no_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.sqlite.BUSY_TIMEOUT", 0.05)
    async with bot(tmp_path) as slack:
        await slack.see(*with_best(2, 0.91))
        with closing(sqlite3.connect(slack.store.place, isolation_level=None)) as neighbour:

            def lock(post: Post, edited: bool) -> None:
                if post.thread is None:
                    neighbour.execute("BEGIN IMMEDIATE")

            slack.workspace.on_post = lock
            async with slack.running():
                await asyncio.sleep(20)
                assert len(slack.workspace.posts) == 1
                assert await slack.store.cards.cards("slack", [tuning_job().identity.key]) == {}
                neighbour.execute("ROLLBACK")
                await slack.told()

        (card,) = slack.cards
        assert len(slack.workspace.thread(card.ts)) == 1


@in_virtual_time
async def test_a_digest_and_a_word_of_the_service_stand_alone(tmp_path: Path) -> None:
    meter = Meter()
    async with bot(tmp_path) as slack, slack.running(outcomes=meter):
        await slack.owe([notice()])
        await slack.told()

        (post,) = slack.cards
        assert headline(post) == "📋 Watching 3 jobs"
        assert await slack.store.cards.cards("slack", [tuning_job().identity.key]) == {}
        assert meter.messages == {"delivered": 1}


@in_virtual_time
async def test_without_blocks_slack_still_hears_everything(tmp_path: Path) -> None:
    async with bot(tmp_path, blocks=False) as slack, slack.running():
        await begun(slack)
        await slack.see(*with_best(2, 0.91))
        await slack.told()
        await asyncio.sleep(61)

        (card,) = slack.cards
        assert card.body["blocks"] == []
        assert card.body["text"].startswith("⏳ xgb-churn: in progress, best so far 0.91\n")
        assert [headline(each) for each in slack.workspace.thread(card.ts)] == ["🏆 xgb-churn: new best 0.91"]


@in_virtual_time
async def test_a_card_draws_what_is_known_of_the_trials_and_a_reply_tells_of_them(tmp_path: Path) -> None:
    async with bot(tmp_path) as slack, slack.running():
        await begun(slack)
        job, event = with_best(3, 0.91)
        trials = [
            Trial(f"xgb-{number:03d}", "Completed", NOON, NOON, NOON, value) for number, value in ((1, 0.5), (3, 0.91))
        ]
        await slack.see(job, event, trials=trials)
        await slack.told()
        await asyncio.sleep(61)

        (card,) = slack.cards
        (reply,) = slack.workspace.thread(card.ts)
        assert "best of 2 trials with a value, right after the gain before it" in str(reply.body)
        (chart,) = [block for block in card.body["blocks"] if block["type"] == "data_visualization"]
        assert [point["value"] for point in chart["chart"]["series"][0]["data"]] == [0.5, 0.91]
        assert "▁█" in str(reply.body)


@in_virtual_time
async def test_where_slack_takes_no_charts_a_card_has_a_line_of_text(tmp_path: Path) -> None:
    async with bot(tmp_path, charts=False) as slack, slack.running():
        job, event = with_best(3, 0.91)
        trials = [
            Trial(f"xgb-{number:03d}", "Completed", NOON, NOON, NOON, value) for number, value in ((1, 0.5), (3, 0.91))
        ]
        await slack.see(job, event, trials=trials)
        await slack.told()

        (card,) = slack.cards
        assert "0.5 ▁█ 0.91" in str(card.body["blocks"])
        await slack.see(replace(job, counts=TrialCounts(completed=9)), trials=trials)
        await asyncio.sleep(61)
        assert "9 of 20 trials" in str(card.body)
        # It is not asked again at every edit.
        assert slack.workspace.refused == ["invalid_blocks"]
