"""Early words in words: what a headline says of them, and what somebody may do."""

from collections.abc import Iterator, Mapping

from notifier.model import Event, EventType
from notifier.rendering.numbers import duration

_ADVICE: Mapping[EventType, str] = {
    EventType.FAILING: "stop it, mend what fails, and start it anew?",
    EventType.PLATEAUED: "what is still to come may not be worth its price",
    EventType.LIMIT_NEAR: "what has not ended by then is stopped",
    EventType.STALLED: "do its trials wait for instances, or hang?",
}


def early_words(event: Event) -> str:
    """`5 of 8 trials failed`, `no gain in 12 trials`, and so on."""
    figures = event.figures
    match event.type:
        case EventType.FAILING:
            return f"{figures.get('failed', 0):.0f} of {figures.get('ended', 0):.0f} trials failed"
        case EventType.PLATEAUED:
            trials = figures.get("trials", 0)
            return f"no gain in {trials:.0f} trials" if trials else "converged"
        case EventType.LIMIT_NEAR:
            left = max(0.0, figures.get("limit_seconds", 0) - figures.get("seconds", 0))
            return f"{duration(left)} left of its run time"
    return f"no trial has ended for {duration(figures.get('seconds', 0))}"


def advice(event: Event) -> Iterator[str]:
    """What an early word means, or asks."""
    if event.type is EventType.STALLED:
        yield f"one ended every {duration(event.figures.get('usual_seconds', 0))} before"
    if event.type in _ADVICE:
        yield _ADVICE[event.type]
