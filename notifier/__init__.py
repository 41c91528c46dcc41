"""Watch SageMaker tuning jobs; tell people what happened."""

__version__ = "0.1.0"
