"""The simulated STS: who calls, and credentials for any role of any account. Pure.

Nothing is kept: the access key that a role is given names the role's account.
"""

import re
import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qs

LASTS = 3600.0
"""Seconds until credentials of a role expire."""

_KEY = "ASIASIMULATED"
_SIGNED = re.compile(rf"Credential={_KEY}(\d{{12}})/")
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(?:.+/)?([\w+=,.@-]+)", re.ASCII)

_ANSWER = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{action}Result>{result}</{action}Result>
  <ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata>
</{action}Response>
"""
_IDENTITY = """
    <Arn>arn:aws:sts::{account}:assumed-role/simulated/notifier</Arn>
    <UserId>AROASIMULATED:notifier</UserId>
    <Account>{account}</Account>
  """
_ROLE_GIVEN = """
    <AssumedRoleUser>
      <Arn>arn:{partition}:sts::{account}:assumed-role/{role}/notifier</Arn>
      <AssumedRoleId>AROASIMULATED:notifier</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{key}</AccessKeyId>
      <SecretAccessKey>simulated</SecretAccessKey>
      <SessionToken>simulated</SessionToken>
      <Expiration>{expires}</Expiration>
    </Credentials>
  """


def signer(authorization: str) -> str | None:
    """The account of the role that a request is signed in; None where it is the caller's own."""
    signed = _SIGNED.search(authorization)
    return signed[1] if signed else None


def answered(body: bytes, account: str, now: float) -> tuple[str, str] | None:
    """The action that a request's form asks for, and its answer to a caller of this account; None: not simulated."""
    form = parse_qs(body.decode("utf-8", "replace"))
    action, role = form.get("Action", [""])[0], _ROLE.fullmatch(form.get("RoleArn", [""])[0])
    if action == "GetCallerIdentity":
        result = _IDENTITY.format(account=account)
    elif action == "AssumeRole" and role:
        expires = datetime.fromtimestamp(now + LASTS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        result = _ROLE_GIVEN.format(
            partition=role[1], account=role[2], role=role[3], key=f"{_KEY}{role[2]}", expires=expires
        )
    else:
        return None
    return action, _ANSWER.format(action=action, result=result, request=uuid.uuid4())
