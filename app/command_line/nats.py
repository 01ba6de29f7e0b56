"""The examination of NATS, and of the processes that it connects."""

from collections.abc import Sequence
from uuid import UUID

from app.command_line.diagnoses import Diagnosis, ok, problem, warning
from app.roles import Role
from app.stores.nats.away import NatsAway, NatsError
from app.stores.nats.opening import MISSING, has_driver


async def nats_diagnoses(url: str, database: str, store: UUID | None = None) -> Sequence[Diagnosis]:
    """Return diagnoses of the NATS at `url`, for the processes that share a database and a write store.

    Without the id of the `store`, its own stream and processes are not known.
    """
    try:
        if not has_driver():
            raise NatsError(MISSING)
        from app.stores.nats.examining import examine

        state = await examine(url, database, store)
    except NatsError as error:
        return [problem("NATS", error)]
    except NatsAway as error:
        advice = "Start it, or correct NATS_URL. Processes go on without, and commands are not passed on."
        return [problem("NATS", f"It does not answer: {error}", advice)]
    server = f"nats-server {state.version}"
    if not state.has_streams:
        advice = "Start nats-server with JetStream (`-js`), and let this account use it."
        return [problem("NATS", f"{server} has no JetStream.", advice)]
    if state.sequence is None:
        found = [ok("NATS", f"{server} has no stream yet. A command process makes it.")]
    else:
        found = [ok("NATS", f"{server} has the events up to position {state.sequence:,}.")]
    if state.others:
        advice = (
            "If no other shop uses this NATS and a database of that name, these are of earlier write stores, "
            "before a backup was restored. Remove them with `nats stream rm`."
        )
        found.append(
            warning("NATS", f"There are streams of other stores: {', '.join(state.others)}.", advice)
        )
    for each in state.processes:
        said = f"{each.name} has the roles {', '.join(each.roles)}"
        if Role.QUERY in each.roles:
            said += f", and reads from {each.reads_from or 'no node at the moment'}"
        found.append(ok("process", f"{said}."))
    return found
