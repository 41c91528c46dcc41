"""Who does which duty: pure decisions about shares."""

from notifier.leasing.share import DELIVER, HEAR, WATCH, Share, duty, share, split_duty

__all__ = ["DELIVER", "HEAR", "WATCH", "Share", "duty", "share", "split_duty"]
