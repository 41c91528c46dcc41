"""What went wrong with a call, in one plain line that holds no secret.

AWS's own message never enters a text: the one about a wrong signature quotes the request, session token included.
"""

import re
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from notifier.errors import CallFailed, Cause, JobMissing
from notifier.sources.members import Unreadable
from notifier.sources.operation import Operation

_MISSING = {"ResourceNotFound", "ResourceNotFoundException"}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}
_REJECTED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "AuthFailure",
    "OptInRequired",
    "RegionDisabledException",
}
# What others in their place may mend: these have expired, or their user or role was made anew.
_OUTWORN = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"}
_NO_KEY = {"KMS.AccessDeniedException", "KmsAccessDenied"}
_SERVER = {"InternalFailure", "InternalServerError", "ServiceUnavailable", "RequestTimeout", "RequestTimeoutException"}
_UNKNOWN_OPERATION = {"UnknownOperation", "UnknownOperationException", "InvalidAction"}

_LOCAL_CREDENTIALS = (
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.UnknownCredentialError,
    boto.MetadataRetrievalError,
    boto.RefreshWithMFAUnsupportedError,
    boto.InvalidConfigError,
    boto.ConfigParseError,
    boto.ConfigNotFound,
    boto.ProfileNotFound,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
    boto.SSOError,
    boto.LoginError,
)
_CONNECTION = (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError, OSError)


class CredentialsAbsent(CallFailed):
    """There is nothing to sign a request with: AWS was not asked."""

    def __init__(self, text: str) -> None:
        super().__init__(Cause.CREDENTIALS, text)


def outworn(error: boto.ClientError) -> bool:
    """Whether AWS refused the credentials for what becomes of them with time."""
    return error.response.get("Error", {}).get("Code") in _OUTWORN


def failure(error: Exception, operation: Operation, where: str, deadline: float) -> CallFailed | JobMissing:
    """What a caller should hear of whatever a call raised. `deadline` is what it was given, in seconds."""
    if isinstance(error, CallFailed):
        return error
    if isinstance(error, boto.ClientError):
        return _answered(error, operation, where)
    at = f"{operation} in {where}"
    if isinstance(error, TimeoutError | boto.ReadTimeoutError):
        return CallFailed(Cause.DEADLINE, f"{at}: no answer within {deadline:g} s", operation.action)
    if (text := _credentials(error)) is not None:
        return CredentialsAbsent(f"{at}: {text}")
    if isinstance(error, _CONNECTION):
        return CallFailed(Cause.UNREACHABLE, f"{at}: {_connection(error)}", operation.action)
    if isinstance(error, boto.BotoCoreError) and not isinstance(error, ResponseParserError):
        return CallFailed(Cause.REFUSED, f"{at}: {_unsent(error)}", operation.action)
    # The rest is what a parser stumbles over in a body that is not what the model says.
    what = str(error) if isinstance(error, Unreadable) else f"it cannot be parsed ({type(error).__name__})"
    return CallFailed(Cause.MALFORMED, f"{at}: the answer is no use: {what}", operation.action)


def _answered(error: boto.ClientError, operation: Operation, where: str) -> CallFailed | JobMissing:
    answer = error.response
    code = re.sub(r"[^\w.-]", "", str(answer.get("Error", {}).get("Code", "")))[:64]
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # Credentials that assume a role ask STS in the middle of the call: then that is what failed.
    inner = error.operation_name if error.operation_name != operation else None
    action = f"sts:{inner}" if inner else operation.action
    at = f"{inner or operation} in {where}"
    if code in _MISSING and not inner:
        return JobMissing(f"{at}: there is no tuning job of this name")
    cause, text = _verdict(code, status, action)
    return CallFailed(cause, f"{at}: {text}", action)


def _verdict(code: str, status: int, action: str) -> tuple[Cause, str]:
    if code in _THROTTLED or status == 429:
        return Cause.THROTTLED, f"AWS throttles ({code})"
    if code in _REJECTED:
        advice = "renew them" if "Expired" in code else "check them, the clock, and that the region is enabled"
        return Cause.CREDENTIALS, f"AWS does not accept the credentials ({code}); {advice}"
    if code in _DENIED or status == 403:
        return Cause.DENIED, f"access is denied ({code}); allow {action}"
    if code in _NO_KEY:
        return Cause.DENIED, f"access to the queue's key is denied ({code}); allow kms:Decrypt on it"
    if code in _NO_QUEUE:
        return Cause.REFUSED, f"there is no such queue ({code}); correct NOTIFIER_SQS_QUEUE_URL"
    if code in _SERVER or status >= 500:
        return Cause.SERVER, f"AWS failed (HTTP {status}, {code or 'no code'})"
    if code in _UNKNOWN_OPERATION or status == 404:
        return Cause.REFUSED, f"this endpoint does not know the operation ({code}); check AWS_ENDPOINT_URL"
    return Cause.REFUSED, f"AWS refused the request (HTTP {status}, {code or 'no code'})"


def _credentials(error: Exception) -> str | None:
    if isinstance(error, boto.NoCredentialsError):
        return (
            "there are no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
            "or give this machine a role"
        )
    if isinstance(error, _LOCAL_CREDENTIALS):
        return f"the AWS credentials cannot be loaded ({type(error).__name__}); check the AWS configuration"
    return None


def _connection(error: Exception) -> str:
    known = getattr(error, "kwargs", {})
    host = _host(str(known.get("endpoint_url", "")))
    if isinstance(error, boto.ProxyConnectionError):
        return "the proxy cannot be reached; check HTTPS_PROXY"
    if isinstance(error, boto.SSLError):
        return f"TLS with {host} fails; check AWS_CA_BUNDLE"
    if isinstance(error, boto.ConnectionClosedError):
        return f"{host} closed the connection"
    return f"{host} cannot be reached; check the region, the network and AWS_ENDPOINT_URL"


def _unsent(error: boto.BotoCoreError) -> str:
    if isinstance(error, boto.InvalidRegionError | boto.NoRegionError):
        return "this is not the name of a region; check NOTIFIER_REGIONS and AWS_REGION"
    return f"the request cannot be made ({type(error).__name__})"


def _host(url: str) -> str:
    """Where a URL points, without what could be a secret in it."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or "the endpoint"
    except ValueError:
        return "the endpoint"
