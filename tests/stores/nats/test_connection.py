"""A process goes on while NATS is away, and uses it again as soon as it is there."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.stores.nats import opening
from app.stores.nats.announcements import NatsAnnouncements
from app.stores.nats.away import NatsError
from app.stores.nats.opening import Servers, open_nats, servers_in, token_of
from tests.nats import NatsServer, nats_server
from tests.stores.nats.pages import PATIENCE, a_name


class Hearer:
    """What a process hears, and whether it is connected."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.moves: asyncio.Queue[bool] = asyncio.Queue()

    async def hears(self, *messages: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            for message in messages:
                assert await self.messages.get() == message

    async def moved(self, found: bool) -> None:
        async with asyncio.timeout(PATIENCE):
            assert await self.moves.get() is found


async def kept(announcements: NatsAnnouncements, *wanted: bytes) -> None:
    """Return when exactly these messages are kept, which is a moment after they were sent on."""
    async with asyncio.timeout(PATIENCE):
        while await announcements.recent() != [*wanted]:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def test_announcements_are_heard_in_order_and_the_newest_of_those_to_be_kept_are(
    nats: NatsServer,
) -> None:
    name, hearer = a_name(), Hearer()
    async with (
        open_nats(nats.url, "projector", database=name) as teller,
        open_nats(nats.url, "queries", database=name) as listener,
    ):
        with listener.announcements.hear(hearer.messages.put_nowait):
            await teller.announcements.keep()
            # A connection's own message arrives after the server knows what it listens to.
            listener.announcements.tell(b"known", kept=False)
            await hearer.hears(b"known")
            messages = [b"%d" % number for number in range(100)]
            for number, message in enumerate(messages):
                teller.announcements.tell(message, kept=number % 2 == 0)
            await hearer.hears(*messages)
        await kept(listener.announcements, *messages[::2])
        assert await listener.announcements.recent(3) == messages[94::2]
        teller.announcements.tell(b"nobody listens", kept=False)
    assert hearer.messages.empty()


async def test_only_the_newest_announcements_are_kept(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [b"%d" % number for number in range(10_050)]
    async with open_nats(nats.url, "projector", database=a_name()) as teller:
        await teller.announcements.keep()
        for message in messages:
            teller.announcements.tell(message, kept=True)
        await kept(teller.announcements, *messages[50:])


async def test_databases_do_not_hear_each_other(nats: NatsServer) -> None:
    hearer, own = Hearer(), Hearer()
    async with (
        open_nats(nats.url, "one", database="shop.a") as one,
        open_nats(nats.url, "other", database="shop*a") as other,
    ):
        with (
            other.announcements.hear(hearer.messages.put_nowait),
            one.announcements.hear(own.messages.put_nowait),
        ):
            one.announcements.tell(b"for shop.a", kept=False)
            await own.hears(b"for shop.a")  # The server has passed it on to everybody.
            other.announcements.tell(b"for shop*a", kept=False)
            await hearer.hears(b"for shop*a")
    assert len({token_of(each) for each in ("a", "A", "ä", "a.b", "a*b", "a=2Eb", "a b")}) == 7


async def test_a_process_starts_without_nats_and_uses_it_when_it_comes(
    own_nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    hearer = Hearer()
    await own_nats.kill()
    async with open_nats(own_nats.url, "early", database="d") as nats:
        assert not nats.connected
        nats.announcements.tell(b"lost", kept=True)
        assert nats.dropped == 1
        assert await nats.announcements.recent() == []
        with nats.announcements.hear(hearer.messages.put_nowait), nats.moving(hearer.moves.put_nowait):
            await own_nats.start()
            await hearer.moved(True)
            nats.announcements.tell(b"told", kept=False)
            await hearer.hears(b"told")
    faults = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert 0 < len(faults) < 6, "not one for each attempt"
    assert all("\n" not in each.getMessage() and not each.exc_info for each in faults)


async def test_the_loss_of_the_connection_is_told_and_so_is_its_return(own_nats: NatsServer) -> None:
    hearer = Hearer()
    async with open_nats(own_nats.url, "steady", database="d") as nats:
        with nats.announcements.hear(hearer.messages.put_nowait), nats.moving(hearer.moves.put_nowait):
            for _ in range(3):
                await own_nats.kill()
                await hearer.moved(False)
                assert not nats.connected
                await own_nats.start()
                await hearer.moved(True)
                nats.announcements.tell(b"told", kept=False)
                await hearer.hears(b"told")


async def test_a_paused_server_counts_as_away_and_blocks_nobody(own_nats: NatsServer) -> None:
    hearer = Hearer()
    async with open_nats(own_nats.url, "steady", database="d") as nats:
        with nats.announcements.hear(hearer.messages.put_nowait), nats.moving(hearer.moves.put_nowait):
            own_nats.signal(SIGSTOP)
            began = monotonic()
            for _ in range(2_000):
                nats.announcements.tell(b"x" * 10_000, kept=True)
            assert monotonic() - began < 1
            assert nats.dropped > 0, "memory is bounded"
            await hearer.moved(False)
            own_nats.signal(SIGCONT)
            await hearer.moved(True)
            while not hearer.messages.empty():
                hearer.messages.get_nowait()
            nats.announcements.tell(b"told", kept=False)
            async with asyncio.timeout(PATIENCE):
                while await hearer.messages.get() != b"told":
                    pass


async def test_a_password_is_sent_and_a_wrong_one_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async with nats_server("--user", "ada", "--pass", "s3cret/") as server:
        host = server.url.removeprefix("nats://")
        async with open_nats(f"nats://ada:s3cret%2F@{host}", "ada", database="d") as nats:
            assert nats.connected
        async with open_nats(f"nats://ada:wrong@{host}", "ada", database="d") as nats:
            assert not nats.connected
    assert "Authorization Violation" in caplog.text
    assert "wrong" not in caplog.text


async def test_nothing_is_left_running(nats: NatsServer) -> None:
    before = asyncio.all_tasks()
    async with open_nats(nats.url, "short", database=a_name()):
        assert len(asyncio.all_tasks()) > len(before)
    async with asyncio.timeout(PATIENCE):
        while asyncio.all_tasks() != before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_nats_without_its_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _name: None)
    with pytest.raises(
        NatsError, match=r"nats-py is not installed. Install it with `pip install diptych\[nats\]`"
    ):
        async with open_nats("nats://localhost", "p", database="d"):
            pass


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("nats://localhost", Servers(urls=["nats://localhost:4222"])),
        (
            "tls://ada:b%2Fc@one, nats://[::1]:4223,",
            Servers(urls=["tls://one:4222", "nats://[::1]:4223"], user="ada", password="b/c"),
        ),
        ("nats://t%20n@host:1", Servers(urls=["nats://host:1"], token="t n")),
    ],
)
def test_a_url_names_one_server_or_several(url: str, servers: Servers) -> None:
    assert servers_in(url) == servers


@pytest.mark.parametrize("url", ["", ",", "localhost:4222", "http://host", "nats://", "nats://h:99999"])
def test_a_url_of_no_use_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(NatsError, match="Set it to a URL like") as refusal:
        servers_in(url)
    assert not url or "localhost" not in str(refusal.value)


async def test_a_connection_is_encrypted_if_the_server_wants_that_and_its_certificate_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = certificate_for("127.0.0.1", tmp_path)
    tls = ("--tls", "--tlscert", str(certificate), "--tlskey", str(key))
    async with nats_server(*tls) as server:
        url = server.url.replace("nats://", "tls://")
        async with open_nats(url, "stranger", database="d") as nats:
            assert not nats.connected
        assert "certificate verify failed" in caplog.text or "SSLCertVerificationError" in caplog.text
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with open_nats(url, "friend", database="d") as nats:
            assert nats.connected


def certificate_for(address: str, folder: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nats")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(secret.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem", folder / "key.pem"
