"""What is deployed agrees with what the code does."""

import json
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint  # type: ignore[import-untyped]  # moto brings it along.

from notifier.model.duration import parse_duration
from notifier.settings import destinations_table, load_settings
from notifier.settings.names import check_names
from notifier.settings.tree import FLAT_VARIABLES
from notifier.settings.variables import Variable
from notifier.sources.hints import TRAINING, TUNING
from notifier.sources.operation import Operation

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
READ_ONLY = re.compile(r"sagemaker:(List|Describe)\w+")


def policy(name: str = "iam-policy.json") -> dict[str, str]:
    """Each allowed action with its resource."""
    statements = json.loads((DEPLOY / name).read_text())["Statement"]
    actions: dict[str, str] = {}
    for each in statements:
        assert each["Effect"] == "Allow"
        listed = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        actions |= dict.fromkeys(listed, each["Resource"])
    return actions


def test_the_policy_allows_what_the_sources_call_and_nothing_else() -> None:
    source = "".join(path.read_text() for path in (ROOT / "notifier" / "sources").glob("*.py"))
    called = set(re.findall(r'"((?:List|Describe)\w*(?:TuningJob|TrainingJob|Tags)\w*)"', source))
    called.remove("DescribeTuningJob")

    assert len(called) == 5
    assert set(policy()) == {f"sagemaker:{operation}" for operation in called}
    assert all(READ_ONLY.fullmatch(action) for action in policy())


def test_only_listing_is_allowed_on_everything() -> None:
    assert [action for action, where in policy().items() if where == "*"] == ["sagemaker:ListHyperParameterTuningJobs"]


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_policy_holds_in_every_partition(partition: str) -> None:
    """IAM refuses an ARN that names another partition than the account's, and takes `*` for whichever it is."""
    described = [where for where in policy().values() if where != "*"]
    ours = (
        f"arn:{partition}:sagemaker:a-region:111122223333:{kind}/x"
        for kind in ("hyper-parameter-tuning-job", "training-job")
    )

    assert all(any(fnmatchcase(each, where) for where in described) for each in ours)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc"])
def test_the_policy_of_many_accounts_allows_the_members_role_alone_and_that_in_every_partition(partition: str) -> None:
    ((action, resource),) = policy("iam-policy-accounts.json").items()

    assert action == Operation.ASSUME_ROLE.action
    assert fnmatchcase(f"arn:{partition}:iam::222233334444:role/notifier", resource)
    assert not fnmatchcase(f"arn:{partition}:iam::222233334444:role/admin", resource)


def test_the_template_of_the_members_role_is_one_that_cloudformation_takes() -> None:
    template = (DEPLOY / "member-role.yaml").read_text()
    found = lint(template, regions=["us-east-1", "cn-north-1", "us-gov-west-1"])

    # Information is advice on style.
    assert [str(each) for each in found if not each.rule.id.startswith("I")] == []
    assert set(re.findall(r"sagemaker:[A-Z]\w+", template)) == set(policy())
    assert "arn:aws:" not in template.replace("as arn:aws:iam::111122223333:role/notifier-task", "")


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_policy_of_the_queue_allows_to_receive_and_delete_from_the_templates_queue_alone(partition: str) -> None:
    allowed = policy("iam-policy-queue.json")

    assert set(allowed) == {Operation.RECEIVE.action, Operation.FORGET.action}
    assert all(fnmatchcase(f"arn:{partition}:sqs:a-region:111122223333:notifier", each) for each in allowed.values())
    assert not any(fnmatchcase(f"arn:{partition}:sqs:a-region:111122223333:other", each) for each in allowed.values())
    assert "    Default: notifier\n" in (DEPLOY / "eventbridge.yaml").read_text()


def test_the_template_of_the_events_is_one_that_cloudformation_takes_and_matches_what_is_read() -> None:
    template = (DEPLOY / "eventbridge.yaml").read_text()
    found = lint(template, regions=["us-east-1", "cn-north-1", "us-gov-west-1"])

    assert [str(each) for each in found if not each.rule.id.startswith("I")] == []
    # Both rules, and both policies of the bus.
    assert [len(re.findall(rf"- {kind}\n", template)) for kind in (TUNING, TRAINING)] == [4, 4]
    assert "arn:aws:" not in template


def test_the_ecs_task_is_one_that_cannot_write_its_root_and_has_time_to_stop() -> None:
    task: dict[str, Any] = json.loads((DEPLOY / "ecs-task-definition.json").read_text())
    (container,) = task["containerDefinitions"]

    assert container["readonlyRootFilesystem"] is True
    assert container["user"].split(":")[0].isdigit() and container["user"].split(":")[0] != "0"
    assert container["stopTimeout"] > load_settings({}, None).grace
    mounted = {mount["containerPath"] for mount in container["mountPoints"]}
    assert any(path == "/data" for path in mounted)
    plain = {each["name"] for each in container.get("environment", [])}
    assert not plain & {"NOTIFIER_SLACK_WEBHOOK_URL", "NOTIFIER_WEBHOOK_SECRET", "AWS_SECRET_ACCESS_KEY"}


@pytest.mark.parametrize(
    "line",
    [
        "DynamicUser=yes",
        "StateDirectory=notifier",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "RestartPreventExitStatus=2",
        "ExecStart=/opt/notifier/bin/notifier run",
        "CapabilityBoundingSet=",
        "MemoryDenyWriteExecute=yes",
        "PrivateDevices=yes",
        "PrivateTmp=yes",
        "PrivateUsers=yes",
        "ProtectHome=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "ProtectProc=invisible",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
    ],
)
def test_the_unit_is_hardened_and_does_not_restart_what_is_wrong(line: str) -> None:
    assert line in (DEPLOY / "notifier.service").read_text().splitlines()


def test_the_unit_waits_longer_for_a_stop_than_the_service_needs_and_keeps_its_database_among_its_state() -> None:
    unit = (DEPLOY / "notifier.service").read_text()
    (patience,) = re.findall(r"^TimeoutStopSec=(.*)$", unit, re.MULTILINE)

    assert parse_duration(patience) > load_settings({}, None).grace
    assert "Environment=NOTIFIER_DATABASE_URL=sqlite:///%S/notifier/notifier.db" in unit.splitlines()


def test_the_image_runs_as_nobody_in_particular_and_keeps_its_data_on_a_volume() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()

    assert any(re.fullmatch(r"USER [1-9]\d*:[1-9]\d*", line) for line in lines)
    assert "VOLUME /data" in lines and 'ENTRYPOINT ["notifier"]' in lines
    assert any("--require-hashes -r requirements.lock" in line for line in lines)


def test_the_example_names_only_settings_that_exist() -> None:
    text = (DEPLOY / "notifier.env.example").read_text()
    names = re.findall(r"^#?((?:NOTIFIER|AWS)_\w+)=", text, re.MULTILINE)

    assert len(names) > 20
    assert check_names(Variable(name, "x") for name in names) == []
    assert re.findall(r"^([A-Z]\w+)=", text, re.MULTILINE) == ["NOTIFIER_SLACK_WEBHOOK_URL", "AWS_REGION"]


def test_the_example_leaves_no_setting_out_and_shows_values_that_are_right(tmp_path: Path) -> None:
    text = (DEPLOY / "notifier.env.example").read_text()
    shown: dict[str, str] = dict(re.findall(r"^#?(NOTIFIER_\w+)=(.*)$", text, re.MULTILINE))
    # The one value that must be there on the machine that reads it.
    set_all = shown | {"NOTIFIER_SECRETS_DIR": str(tmp_path)}

    assert set(shown) == set(FLAT_VARIABLES)
    assert load_settings(set_all, None).model_copy(update={"secrets_dir": None}) == load_settings({}, None)


def test_the_readme_builds_and_runs_the_image_as_the_dockerfile_says() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"docker (?:build|run) .*", (DEPLOY / "Dockerfile").read_text())

    assert len(commands) == 2
    assert all(command in readme for command in commands)


def test_the_readme_shows_every_field_of_a_destination() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert f"<!-- fields -->\n{destinations_table()}\n<!-- /fields -->" in readme


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_what_a_page_links_to_is_there(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8"))

    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_procfile_runs_the_script_that_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert (ROOT / "Procfile").read_text() == "worker: notifier run\n"
    assert project["scripts"] == {"notifier": "notifier.__main__:main"}
