"""What the operator decided: the environment, `.env` and a directory of secrets become one frozen tree."""

from notifier.settings.loading import load_settings
from notifier.settings.showing import SettingRow, describe_settings, destinations_table, settings_table
from notifier.settings.tree import Settings
from notifier.settings.values import HttpAddress

__all__ = [
    "HttpAddress",
    "SettingRow",
    "Settings",
    "describe_settings",
    "destinations_table",
    "load_settings",
    "settings_table",
]
