"""The same calls signed by hand, over aiohttp and orjson: about as little as Python can take for them."""

import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson

from benchmarks.answers import REGION
from benchmarks.endpoint import DESCRIBE, LIST, PAGE

SERVICE = "sagemaker"
SIGNED = "content-type;host;x-amz-date;x-amz-target"
CONTENT_TYPE = "application/x-amz-json-1.1"


class ByHand:
    """A client of the two operations that signs (Signature Version 4) and reads by itself."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url, self._http = url, http
        self._host = url.partition("://")[2]
        self._access = os.environ["AWS_ACCESS_KEY_ID"]
        self._day, self._key = "", b""

    async def sweep(self, moved: list[str]) -> None:
        """List everything, and describe what moved."""
        more: dict[str, str] = {}
        while True:
            page = await self._ask(LIST, {"MaxResults": PAGE, "SortBy": "CreationTime", **more})
            if "NextToken" not in page:
                break
            more = {"NextToken": page["NextToken"]}
        for name in moved:
            await self._ask(DESCRIBE, {"HyperParameterTuningJobName": name})

    async def _ask(self, operation: str, members: dict[str, Any]) -> Any:
        content = orjson.dumps(members)
        headers = self._headers(f"SageMaker.{operation}", content)
        async with self._http.post(self._url, data=content, headers=headers) as answer:
            answer.raise_for_status()
            return orjson.loads(await answer.read())

    def _headers(self, target: str, content: bytes) -> dict[str, str]:
        at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{at[:8]}/{REGION}/{SERVICE}/aws4_request"
        digest = hashlib.sha256(content).hexdigest()
        request = (
            f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{self._host}\nx-amz-date:{at}\nx-amz-target:{target}\n"
            f"\n{SIGNED}\n{digest}"
        )
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._signing_key(at[:8]), text.encode(), hashlib.sha256).hexdigest()
        return {
            "content-type": CONTENT_TYPE,
            "x-amz-date": at,
            "x-amz-target": target,
            "authorization": f"AWS4-HMAC-SHA256 Credential={self._access}/{scope}, "
            f"SignedHeaders={SIGNED}, Signature={signature}",
        }

    def _signing_key(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
            for part in (day, REGION, SERVICE, "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self._day, self._key = day, key
        return self._key


@asynccontextmanager
async def by_hand(url: str) -> AsyncIterator[ByHand]:
    """A client until the end of the block."""
    async with aiohttp.ClientSession() as http:
        yield ByHand(url, http)
