"""AWS's models as they are read for our clients: of SageMaker's, no more than what is called."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from pydantic_core import from_json

from notifier.sources.operation import Operation

LEAN = {"sagemaker"}
"""Services whose operations botocore itself never calls, as it calls those of STS for credentials."""
ENDPOINTS = "endpoints"
REACHED = {"api.sagemaker", "sts", "sqs", "sso", "portal.sso", "oidc", "signin"}
"""Services that are called, by us or for credentials, among the three hundred of which the regions are known."""


class Reading(JSONFileLoader):
    """botocore's reader of files, but into plain dictionaries, of which each text is kept once: half of the memory."""

    def _load_file(self, full_path: str, open_method: Callable[[str, str], Any]) -> Any:
        if not Path(full_path).is_file():
            return None
        with open_method(full_path, "rb") as file:
            return from_json(file.read())


class Models(Loader):
    """botocore's reader of models. Of 400 operations of SageMaker it keeps those that are called.

    Each client makes a method of every operation, with a text that describes it: that was most of the memory that an
    account and region took, and most of the CPU until its first answer.
    """

    def __init__(self, search_paths: list[str]) -> None:
        super().__init__(search_paths, Reading(), include_default_search_paths=False)
        self._lean: dict[tuple[str, str | None], dict[str, Any]] = {}
        self._endpoints: tuple[dict[str, Any], str] | None = None
        self._reading = Lock()

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """A service's model, or another file about it."""
        if service_name not in LEAN or type_name != "service-2":
            return super().load_service_model(service_name, type_name, api_version)
        with self._reading:
            key = service_name, api_version
            if key not in self._lean:
                # By a reader of its own, which goes, and the whole model with it.
                whole = Loader(list(self.search_paths), Reading(), include_default_search_paths=False)
                self._lean[key] = lean(whole.load_service_model(service_name, type_name, api_version))
            return self._lean[key]

    def load_data_with_path(self, name: str) -> Any:
        """A file, and where it was; of the services' endpoints, those that are reached."""
        if name != ENDPOINTS:
            return super().load_data_with_path(name)
        with self._reading:
            if self._endpoints is None:
                whole = Loader(list(self.search_paths), Reading(), include_default_search_paths=False)
                known, path = whole.load_data_with_path(name)
                self._endpoints = reached(known), path
            return self._endpoints


def reached(known: dict[str, Any]) -> dict[str, Any]:
    """What is known of partitions and regions, and of the endpoints of the services that are reached."""

    def few(partition: dict[str, Any]) -> dict[str, Any]:
        services = {name: each for name, each in partition["services"].items() if name in REACHED}
        return partition | {"services": services}

    return known | {"partitions": [few(each) for each in known["partitions"]]}


def lean(model: dict[str, Any]) -> dict[str, Any]:
    """A model with the operations that are called, and the shapes that these are made of."""
    operations = {name: each for name, each in model["operations"].items() if name in set(Operation)}
    kept: dict[str, Any] = {}
    wanted = set(_named(operations))
    while wanted:
        kept |= {name: model["shapes"][name] for name in wanted}
        wanted = {each for name in wanted for each in _named(model["shapes"][name])} - kept.keys()
    return model | {"operations": operations, "shapes": kept}


def _named(part: Any) -> Iterator[str]:
    """The shapes that a part of a model refers to."""
    if isinstance(part, dict):
        if isinstance(name := part.get("shape"), str):
            yield name
        for each in part.values():
            yield from _named(each)
    elif isinstance(part, list):
        for each in part:
            yield from _named(each)
