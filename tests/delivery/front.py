"""The services of the world on loopback: an HTTPS server that has any name, behind a proxy, and a mail server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HELLO = "250-here\r\n250 AUTH PLAIN"
HOSTS = ("discord.com", "hooks.slack.com", "events.pagerduty.com", "api.telegram.org", "prod-1.westus.logic.azure.com")


@dataclass
class Front:
    """What to answer, in turn (the last for ever), and what came in: host, path, and body."""

    environment: dict[str, str] = field(default_factory=dict)
    """What tells requests to come here, and to believe the certificate."""
    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b'{"ok": true}')])
    received: list[tuple[str, str, bytes]] = field(default_factory=list)

    release: asyncio.Event | None = None
    """While it is not set off, answers wait."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(lines.get("content-length", "0")))
        self.received.append((lines["host"], head.split()[1], body))
        if self.release is not None:
            await self.release.wait()
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        length = f"content-length: {len(answer)}\r\nconnection: close\r\n\r\n"
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n{length}".encode() + answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def fronting(folder: Path) -> AsyncIterator[Front]:
    """A front that runs inside the block."""
    front = Front()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder))
    servers = [await asyncio.start_server(front.serve, "127.0.0.1", 0, ssl=tls)]
    port = servers[0].sockets[0].getsockname()[1]

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 x\r\n\r\n")
        await asyncio.gather(_pass_on(reader, outer), _pass_on(inner, writer))

    servers.append(await asyncio.start_server(connect, "127.0.0.1", 0))
    proxy = f"http://127.0.0.1:{servers[1].sockets[0].getsockname()[1]}"
    front.environment = {"HTTPS_PROXY": proxy, "NO_PROXY": "", "REQUESTS_CA_BUNDLE": str(folder / "front.pem")}
    try:
        yield front
    finally:
        for each in servers:
            each.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def certificate(folder: Path) -> Path:
    """A key, and a certificate that is its own authority, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "front")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "front.pem"
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(pem))
    return path


@dataclass
class MailServer:
    """The mails that came in, and what to answer to a command instead of 250, by its first word."""

    port: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            word = line.split()[0].decode().upper()
            if word == "DATA" and word not in self.refusals:
                writer.write(b"354 go on\r\n")
                self.mails.append((await reader.readuntil(b"\r\n.\r\n"))[:-5].replace(b"\r\n..", b"\r\n."))
            writer.write(f"{self.refusals.get(word, HELLO if word == 'EHLO' else '250 fine')}\r\n".encode())
        writer.close()


@asynccontextmanager
async def mailing() -> AsyncIterator[MailServer]:
    """A mail server that runs inside the block."""
    mail = MailServer()
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
