"""The standing of a cluster as one screen for a terminal, and as lines for everything else."""

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tests.cluster.cluster import Cluster
from tests.cluster.standing import One, Standing

_COLOURS = {"running": "green", "ready": "green", "paused": "yellow"}


def places(cluster: Cluster) -> Iterator[str]:
    """Yield lines that say where everything is."""
    yield f"GraphQL     {cluster.url}/graphql, by turns from {len(cluster.proxy.upstreams)} processes"
    yield f"health      {cluster.url}/health/ready"
    yield f"folder      {cluster.folder}"
    for member in cluster.members:
        yield f"{member.name:11} {member.address}, process {member.pid}, log {member.log}"


def screen(standing: Standing, happened: Sequence[str]) -> Group:
    """Return everything in one screen, with the newest lines of what has happened."""
    return Group(
        Text(f"GraphQL {standing.url}/graphql   Ctrl-C stops everything", style="bold"),
        _members(standing),
        _positions(standing),
        _below(standing),
        *(Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in happened),
    )


def line(standing: Standing) -> str:
    """Return the standing in one line."""
    running = sum(member.state == "running" for member in standing.members)
    behind = {
        member.name: standing.head - min(member.positions.values())
        for member in standing.members
        if member.positions
    }
    lag = ", ".join(f"{name} {'at head' if not by else f'{by} behind'}" for name, by in behind.items())
    return (
        f"head {standing.head}; {running} of {len(standing.members)} processes run; primary "
        f"{standing.primary or 'none'}; {_leases(standing)}; {_streams(standing)}; {lag or 'no read models'}"
    )


def _members(standing: Standing) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("process", "pid", "state", "address", "starts", "health", "reads from"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for member in standing.members:
        health = "primary" if member.name == standing.primary else member.ready
        table.add_row(
            member.name,
            str(member.pid or "-"),
            Text(member.state, style=_COLOURS.get(member.state, "red")),
            member.address,
            str(member.starts),
            Text(health, style=_COLOURS.get(health, "") if health != "primary" else "cyan"),
            member.reads_from,
        )
    return table


def _positions(standing: Standing) -> Table:
    """Return a table with a row for each read model, and a column for each process that shows any."""
    shown = [member for member in standing.members if member.positions]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(f"head {standing.head}")
    for member in shown:
        table.add_column(member.name, justify="right", no_wrap=True)
    for name in standing.read_models:
        table.add_row(name, *(_position(member, name, standing.head) for member in shown))
    return table


def _position(member: One, read_model: str, head: int) -> Text:
    position = member.positions.get(read_model)
    if position is None:
        return Text("-")
    behind = head - position
    return Text(f"{position}", "green") if behind <= 0 else Text(f"{position} (−{behind})", "yellow")


def _below(standing: Standing) -> Text:
    return Text(f"{_leases(standing)}   {_streams(standing)}")


def _leases(standing: Standing) -> str:
    held: dict[str, list[str]] = {}
    for each in standing.leases:
        held.setdefault(each.holder if each.is_held else "nobody", []).append(each.group)
    if len(held) == 1:
        [holder] = held
        return f"leases: all {len(standing.leases)} held by {holder}"
    told = "; ".join(f"{holder} {', '.join(groups)}" for holder, groups in held.items())
    return f"leases: {told or 'none'}"


def _streams(standing: Standing) -> str:
    last = [f"{name} up to {sequence}" for name, sequence in standing.streams.items()]
    return f"streams: {', '.join(last) or 'none'}"
