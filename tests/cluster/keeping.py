"""Whoever ends without being asked is started again, after a pause that grows while it keeps ending."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

from tests.cluster.members.member import DidNotStart, Member

LOOK = 0.1
"""Seconds between two looks at the members."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds before the first and before later restarts of a member."""

GOOD = 30.0
"""Seconds for which a member must run until its pause is the first one again."""


async def keep_running(members: Sequence[Member], tell: Callable[[str], None]) -> None:
    """Start each member again that has ended though it is wanted, until this is cancelled; `tell` says so."""
    async with asyncio.TaskGroup() as keepers:
        for member in members:
            keepers.create_task(_keep(member, tell))


async def _keep(member: Member, tell: Callable[[str], None]) -> None:
    pause, since = FIRST_PAUSE, monotonic()
    while True:
        await asyncio.sleep(LOOK)
        if not _has_ended(member):
            continue
        if monotonic() - since > GOOD:
            pause = FIRST_PAUSE
        tell(f"{member.name} {member.state}; it is started again in {pause:g} s. Its log: {member.log}")
        await asyncio.sleep(pause)
        pause, since = min(LONGEST_PAUSE, pause * 2), monotonic()
        if not _has_ended(member):
            continue
        try:
            await member.start()
        except (DidNotStart, OSError, TimeoutError) as error:
            tell(f"{member.name} did not start: {error}")
        else:
            tell(f"{member.name} runs again, as process {member.pid}")


def _has_ended(member: Member) -> bool:
    return member.wanted and not member.runs
