"""Who does which duty: pure decisions about shares."""

from notifier.leasing.share import DELIVER, WATCH, Share, duty, share, split_duty

__all__ = ["DELIVER", "WATCH", "Share", "duty", "share", "split_duty"]
