"""The service encrypts connections itself if it is given a certificate, and says what is wrong with one."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError
from websockets import Subprotocol
from websockets.asyncio.client import connect

from app.config import Settings
from app.server.tls import BadCertificate, check_certificate
from tests.command_line.calling import diptych
from tests.service import running

pytestmark = pytest.mark.campaign

PEM = serialization.Encoding.PEM


def pem_of(key: ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    secret = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, secret)


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def files(tmp_path: Path, key: ec.EllipticCurvePrivateKey) -> tuple[Path, Path]:
    """A certificate for loopback, and its key."""
    return files_for("localhost", tmp_path, key, x509.IPAddress(ip_address("127.0.0.1")))


def files_for(
    host: str, folder: Path, key: ec.EllipticCurvePrivateKey, *others: x509.GeneralName
) -> tuple[Path, Path]:
    """A certificate that its owner has signed, and its key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    alternatives = [x509.DNSName(host), *others]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    (folder / "cert.pem").write_bytes(certificate.public_bytes(PEM))
    (folder / "key.pem").write_bytes(pem_of(key))
    return folder / "cert.pem", folder / "key.pem"


async def test_requests_and_sockets_are_encrypted(files: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = files
    trusting = ssl.create_default_context(cafile=certificate)
    arguments = ("--no-demo", "--ssl-certfile", str(certificate), "--ssl-keyfile", str(key))
    async with running(tmp_path / "data", *arguments) as service, httpx.AsyncClient(verify=trusting) as http:
        assert service.url.startswith("https://")
        for _ in range(4):  # the last ones come from memory
            answer = await http.post(f"{service.url}/graphql", json={"query": "{ products { totalCount } }"})
            assert answer.json()["data"] == {"products": {"totalCount": 0}}
        url = service.url.replace("https://", "wss://") + "/graphql"
        async with connect(url, ssl=trusting, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            await socket.send('{"type": "connection_init"}')
            assert await socket.recv() == '{"type":"connection_ack"}'


async def test_the_command_line_trusts_the_certificate_of_its_own_service_and_no_other(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey
) -> None:
    certificate, key_file = files_for("shop.example", tmp_path, key)
    other, _ = files_for("shop.example", tmp_path / "other", ec.generate_private_key(ec.SECP256R1()))
    named = {"SSL_CERTFILE": str(certificate), "SSL_KEYFILE": str(key_file)}
    async with running(tmp_path / "data", "--no-demo", **named) as service:
        port = service.url.rpartition(":")[2]
        code, said = await diptych("projections", PORT=port, **named)
        assert (code, "product_listing" in said) == (0, True), said
        code, said = await diptych("projections", PORT=port, SSL_CERTFILE=str(other))
        assert (code, "CERTIFICATE_VERIFY_FAILED" in said) == (1, True), said
        code, said = await diptych("projections", "--url", service.url)
        assert (code, "CERTIFICATE_VERIFY_FAILED" in said) == (1, True), said


def test_a_certificate_may_have_its_key_in_the_same_file(files: tuple[Path, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(file.read_bytes() for file in files))
    check_certificate(both, None)


def another_key(password: bytes = b"") -> bytes:
    return pem_of(ec.generate_private_key(ec.SECP256R1()), password)


SPOILED: dict[str, tuple[str, bytes | None, str]] = {
    "no certificate": ("cert.pem", None, "SSL_CERTFILE=.* can't be read: No such"),
    "no key": ("key.pem", None, "SSL_KEYFILE=.* can't be read: No such"),
    "no PEM": ("cert.pem", b"x", "there is no certificate with its key in PEM"),
    "another key": ("key.pem", another_key(), "the key does not belong to the certificate"),
    "an encrypted key": ("key.pem", another_key(b"secret"), "the key is encrypted"),
}
"""The file that is removed or overwritten, its content, and the message."""


@pytest.mark.parametrize("kind", SPOILED)
def test_files_that_cannot_be_used_say_why(files: tuple[Path, Path], kind: str) -> None:
    name, content, message = SPOILED[kind]
    file = files[0].with_name(name)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(BadCertificate, match=message):
        check_certificate(*files)


def test_a_key_without_a_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="SSL_KEYFILE needs a certificate"):
        Settings(ssl_keyfile=tmp_path)
