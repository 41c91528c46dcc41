"""The operations of AWS that are called, and nothing else is."""

from enum import StrEnum

from botocore import xform_name


class Operation(StrEnum):
    """An operation by its name on the wire."""

    LIST = "ListHyperParameterTuningJobs"
    DESCRIBE = "DescribeHyperParameterTuningJob"
    LIST_TRIALS = "ListTrainingJobsForHyperParameterTuningJob"
    DESCRIBE_TRIAL = "DescribeTrainingJob"
    DESCRIBE_PREVIEW = "DescribeTuningJob"
    CALLER = "GetCallerIdentity"
    ASSUME_ROLE = "AssumeRole"

    @property
    def method(self) -> str:
        """The client's method: `list_hyper_parameter_tuning_jobs`."""
        return str(xform_name(self.value))

    @property
    def action(self) -> str:
        """The IAM action it needs: `sagemaker:ListHyperParameterTuningJobs`."""
        return f"{'sts' if self in (Operation.CALLER, Operation.ASSUME_ROLE) else 'sagemaker'}:{self.value}"
