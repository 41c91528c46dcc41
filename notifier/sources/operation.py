"""The operations of AWS that are called, and nothing else is."""

from enum import StrEnum

from botocore import xform_name


class Operation(StrEnum):
    """An operation by its name on the wire."""

    LIST = "ListHyperParameterTuningJobs"
    DESCRIBE = "DescribeHyperParameterTuningJob"
    LIST_TRIALS = "ListTrainingJobsForHyperParameterTuningJob"
    DESCRIBE_TRIAL = "DescribeTrainingJob"
    LIST_TAGS = "ListTags"
    DESCRIBE_PREVIEW = "DescribeTuningJob"
    CALLER = "GetCallerIdentity"
    ASSUME_ROLE = "AssumeRole"
    RECEIVE = "ReceiveMessage"
    FORGET = "DeleteMessageBatch"

    @property
    def method(self) -> str:
        """The client's method: `list_hyper_parameter_tuning_jobs`."""
        return str(xform_name(self.value))

    @property
    def action(self) -> str:
        """The IAM action it needs: `sagemaker:ListHyperParameterTuningJobs`."""
        # A batch needs what each of its parts does.
        return f"{_SERVICES.get(self, 'sagemaker')}:{self.value.removesuffix('Batch')}"


_SERVICES = {
    Operation.CALLER: "sts",
    Operation.ASSUME_ROLE: "sts",
    Operation.RECEIVE: "sqs",
    Operation.FORGET: "sqs",
}
