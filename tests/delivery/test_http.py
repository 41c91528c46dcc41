"""One bounded POST: what is read, what is waited for, and what a failure tells."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from notifier.delivery import open_http
from notifier.delivery.http import ANSWER, checked_url, post, probe, retry_after
from notifier.delivery.refusal import excerpt, fingerprint
from notifier.errors import DeliveryError, Fault
from tests.delivery.receiver import SECRET_PATH, Receiver, raw, receiving, request_read

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def address(url: str) -> SecretStr:
    return SecretStr(url)


def unused() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}{SECRET_PATH}"


def self_signed(folder: Path) -> Path:
    """A key and a certificate that only its owner believes, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "server.pem"
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(pem))
    return path


async def refused(http: aiohttp.ClientSession, url: str) -> DeliveryError:
    """The error that a POST raises, which tells nothing of the address."""
    with pytest.raises(DeliveryError) as caught:
        await post(http, address(url), b"{}", {})
    assert caught.value.fault is Fault.DESTINATION
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    for part in (url, SECRET_PATH, "sEcReTtOkEn", "127.0.0.1"):
        assert part not in str(caught.value)
    return caught.value


async def test_a_post_carries_the_body_and_names_the_service(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    answer = await post(http, address(receiver.url), b"hello", {"content-type": "text/plain"})

    assert (answer.status, answer.body, answer.retry_after) == (200, b"ok", None)
    (request,) = receiver.received
    assert (request.method, request.path, request.body) == ("POST", SECRET_PATH, b"hello")
    assert request.headers["user-agent"].startswith("notifier/")
    assert request.headers["content-type"] == "text/plain"


async def test_the_target_of_a_redirect_is_never_called(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    async with receiving() as target:
        receiver.answer(307, Location=target.url)

        answer = await post(http, address(receiver.url), b"{}", {})

        assert answer.status == 307
        assert target.received == []


async def test_cookies_are_not_kept(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    receiver.answer(200, b"ok", Set_Cookie="session=1")

    for _ in range(2):
        await post(http, address(receiver.url), b"{}", {})

    assert "cookie" not in receiver.received[1].headers


async def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setenv("HTTP_PROXY", unused())

    async with open_http() as http:
        assert (await post(http, address(receiver.url), b"{}", {})).status == 200


async def test_a_huge_answer_is_read_to_its_bound(http: aiohttp.ClientSession) -> None:
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(status=400)
        await response.prepare(request)
        while written < 1_000 * ANSWER:
            await response.write(b"x" * ANSWER)
            written += ANSWER
        return response

    async with receiving(endless) as receiver:
        answer = await post(http, address(receiver.url), b"{}", {})

    assert answer.body == b"x" * ANSWER
    assert written < 1_000 * ANSWER


async def test_a_compressed_answer_is_not_unpacked(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    receiver.answer(200, b"\x1f\x8b rest", Content_Encoding="gzip")

    assert (await post(http, address(receiver.url), b"{}", {})).body == b"\x1f\x8b rest"
    assert receiver.received[0].headers["accept-encoding"] == "identity"


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def one_byte_at_a_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0.02)


async def reset_after_the_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_read(reader)


async def reset_on_accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_read(reader)
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    await writer.drain()
    writer.close()


async def endless_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_read(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("talk", "text"),
    [
        pytest.param(silent, "no answer in time", id="silent"),
        pytest.param(one_byte_at_a_time, "no answer in time", id="slow-loris"),
        pytest.param(reset_after_the_request, "the connection broke", id="reset-after-the-request"),
        pytest.param(reset_on_accept, "the connection broke", id="reset-on-accept"),
        pytest.param(no_http, "the connection broke", id="not-http"),
        pytest.param(endless_headers, "the connection broke", id="endless-headers"),
    ],
)
async def test_what_broke_after_connecting_may_have_arrived(talk: Talk, text: str) -> None:
    async with raw(talk) as url, open_http(total=0.3) as http:
        error = await refused(http, url)

    assert text in str(error)
    assert error.ambiguous


async def test_a_body_that_never_ends_does_not_undo_its_status() -> None:
    async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_read(reader)
        writer.write(b"HTTP/1.1 400 Bad\r\nContent-Length: 100\r\n\r\npart")
        await reader.read()

    async with raw(slow_body) as url, open_http(total=0.3) as http:
        answer = await post(http, address(url), b"{}", {})

    assert (answer.status, answer.body) == (400, None)


async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_who_was_never_reached_cannot_have_received(http: aiohttp.ClientSession) -> None:
    error = await refused(http, unused())

    assert "no connection (ECONNREFUSED)" in str(error)
    assert not error.ambiguous


async def test_many_that_do_not_answer_leave_a_connection_for_one_that_does(receiver: Receiver) -> None:
    """Each destination has four at most under way; what is bounded besides, they would take from each other."""
    asked = asyncio.Semaphore(0)

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.release()
        await silent(reader, writer)

    async with raw(hangs) as url, open_http(connect=2.0, total=20.0) as http, asyncio.TaskGroup() as tasks:
        hanging = [tasks.create_task(refused(http, url)) for _ in range(101)]
        for _ in range(100):
            await asked.acquire()
        answer = await post(http, address(receiver.url), b"hello", {})
        for each in hanging:
            each.cancel()

    assert answer.status == 200


async def test_a_host_that_does_not_exist_is_told(http: aiohttp.ClientSession) -> None:
    error = await refused(http, f"http://nowhere.invalid{SECRET_PATH}")

    assert "its host name is not found" in str(error)
    assert not error.ambiguous


async def test_a_server_without_tls_is_told(http: aiohttp.ClientSession) -> None:
    async with raw(no_tls) as url:
        error = await refused(http, url.replace("http:", "https:"))

    assert "does not speak TLS" in str(error)
    assert not error.ambiguous


async def test_a_handshake_that_never_ends_is_no_connection() -> None:
    async with raw(silent) as url, open_http(connect=0.2) as http:
        error = await refused(http, url.replace("http:", "https:"))

    assert "no connection in time" in str(error)
    assert not error.ambiguous


async def test_a_certificate_that_nobody_vouches_for_is_told(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed(tmp_path))
    async with raw(silent, context) as url:
        error = await refused(http, url)
        with pytest.raises(DeliveryError, match="its certificate is not trusted"):
            await probe(address(url))

    assert str(error) == "its certificate is not trusted"
    assert not error.ambiguous


async def test_a_host_that_cannot_be_one_is_told(http: aiohttp.ClientSession) -> None:
    url = f"http://{'a' * 64}.invalid{SECRET_PATH}"

    assert str(await refused(http, url)) == "its address is not valid"
    with pytest.raises(DeliveryError, match="its address is not valid"):
        await probe(address(url))


async def test_a_probe_connects_without_a_request(receiver: Receiver) -> None:
    assert await probe(address(receiver.url)) == "reached, without TLS"
    assert receiver.received == []


async def test_a_probe_tells_what_stands_in_the_way() -> None:
    async with raw(no_tls) as url:
        for target, text in (
            (unused(), "no connection (ECONNREFUSED)"),
            (f"http://nowhere.invalid{SECRET_PATH}", "its host name is not found"),
            (url.replace("http:", "https:"), "does not speak TLS"),
        ):
            with pytest.raises(DeliveryError) as caught:
                await probe(address(target))
            assert text in str(caught.value)
            assert SECRET_PATH not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        pytest.param(None, None, None, id="absent"),
        pytest.param("7", None, 7.0, id="seconds"),
        pytest.param(" 1.5 ", None, 1.5, id="fraction"),
        pytest.param("-5", None, 0.0, id="negative"),
        pytest.param("1000000000", None, 1e9, id="thirty-years"),
        pytest.param("9" * 5000, None, 1e10, id="longer-than-python-reads"),
        pytest.param(
            "Sat, 31 Jan 2026 12:02:00 GMT", "Sat, 31 Jan 2026 12:00:00 GMT", 120.0, id="date-by-the-servers-clock"
        ),
        pytest.param("Sat, 31 Jan 2026 11:00:00 -0000", "Sat, 31 Jan 2026 12:00:00 GMT", 0.0, id="date-in-the-past"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", None, 0.0, id="date-by-our-clock"),
        pytest.param("soon", None, None, id="words"),
        pytest.param("5 minutes", None, None, id="number-and-words"),
        pytest.param("", None, None, id="empty"),
        pytest.param("Sat, 31 Jan 99999 12:00:00 GMT", None, None, id="no-such-year"),
        pytest.param("nan", None, None, id="not-a-number"),
        pytest.param("-inf", None, None, id="infinite"),
    ],
)
def test_a_wait_is_read_in_every_form(header: str | None, date: str | None, seconds: float | None) -> None:
    assert retry_after(header, date) == seconds


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://hooks.slack.com/services/T/B/x", id="https"),
        pytest.param("http://127.0.0.1:8080/hook", id="loopback"),
        pytest.param("http://[::1]:8080/", id="ipv6"),
        pytest.param("https://user:pass@example.com/?key=value", id="with-credentials"),
    ],
)
def test_any_web_address_will_do(url: str) -> None:
    assert checked_url(SecretStr(url)).get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("hooks.slack.com/sEcReT", id="no-scheme"),
        pytest.param("ftp://example.com/sEcReT", id="another-scheme"),
        pytest.param("https:///sEcReT", id="no-host"),
        pytest.param("http://example.com:99999/sEcReT", id="no-such-port"),
        pytest.param("https://example.com/sEcReT x", id="space"),
        pytest.param("https://example.com/sEcReT\n", id="line-end"),
        pytest.param("https://[::1/sEcReT", id="broken-ipv6"),
    ],
)
def test_what_is_no_web_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="not an address") as caught:
        checked_url(SecretStr(url))

    assert "sEcReT" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"field x is missing", ": field x is missing", id="advice"),
        pytest.param(b"line\x00 one\r\n\x1b[31mtwo", ": line one [31mtwo", id="control-characters"),
        pytest.param(b"\xff\xfe", ": \ufffd\ufffd", id="not-utf-8"),
        pytest.param(b"", "", id="empty"),
        pytest.param(None, "", id="unread"),
        pytest.param(b"not found: /services/T0123456", "", id="part-of-the-path"),
        pytest.param(b"not found: SECRETTOKEN", "", id="another-case"),
        pytest.param(b"x" * 500 + b"secrettoken", "", id="beyond-the-excerpt"),
        pytest.param(b"key %71uerysecret is wrong", "", id="percent-encoded"),
        pytest.param(b"wrong signature, wanted whsec_abcdefgh", "", id="the-secret"),
    ],
)
def test_an_excerpt_never_repeats_the_address_or_a_secret(body: bytes | None, told: str) -> None:
    url = SecretStr("https://h.example/services/T0123456/secretToken?key=querysecret")

    assert excerpt(body, url, SecretStr("whsec_abcdefgh,whsec_old")) == told


def test_an_excerpt_is_short(http: aiohttp.ClientSession) -> None:
    assert len(excerpt(b"long " * 1000, SecretStr("https://h/"))) <= 122


def test_a_fingerprint_tells_changes_and_nothing_else() -> None:
    one, other = fingerprint(SecretStr("https://h/secret"), None), fingerprint(SecretStr("https://h/other"), None)

    assert one == fingerprint("https://h/secret", "")
    assert one != other
    assert "secret" not in one
    assert len(one) == 16
