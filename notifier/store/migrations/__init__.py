"""The schema's revisions. Alembic is imported only where there is something to do: a start must be quick."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0008"
"""The newest revision there is; a test holds it against the scripts."""

VERSION_TABLE = "notifier_alembic_version"


def known(revision: str) -> bool:
    """Whether this is one of our revisions; if not, a newer notifier wrote it."""
    if revision == HEAD:
        return True
    from alembic.script import ScriptDirectory

    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def upgrade(connection: Connection) -> None:
    """Bring the schema to HEAD inside the connection's transaction: all of it, or nothing."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
