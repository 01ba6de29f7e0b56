"""The operations that the commands `projections …` send to a running service.

They lie here, because the service trusts them: it has brought them itself, like those of the operators' page.
"""

from collections.abc import Mapping

_FRESHNESS = "readModel state position head eventsBehind millisecondsBehind eventsSkipped reason"
_PROGRESS = "readModel state position head eventsPerSecond secondsLeft startedAt keptUntil reason"

FRESHNESS = f"query ProjectionsStatus {{ freshness {{ {_FRESHNESS} }} }}"

NAMES = """query ProjectionsNames { __type(name: "ReadModelName") { enumValues { name } } }"""

REBUILDS = f"query ProjectionsRebuilds {{ rebuildProgress {{ {_PROGRESS} }} }}"

SKIPPED = """query ProjectionsSkipped {
  skippedEvents { readModel position eventType reason actor skippedAt }
}"""

RETRY = f"""mutation ProjectionsRetry($readModel: ReadModelName!) {{
  retryReadModel(input: {{ readModel: $readModel }}) {{ freshness {{ {_FRESHNESS} }} }}
}}"""

REBUILD = """mutation ProjectionsRebuild($input: RebuildReadModelInput!) {
  rebuildReadModel(input: $input) {
    documents { isDone position head count differing differences }
    errors { message }
  }
}"""

ABORT = """mutation ProjectionsAbort($input: AbortRebuildInput!) {
  abortRebuild(input: $input) { errors { message } }
}"""

ROLL_BACK = """mutation ProjectionsRollBack($input: RollBackReadModelInput!) {
  rollBackReadModel(input: $input) { errors { message } }
}"""

SKIP = """mutation ProjectionsSkip($input: SkipEventInput!) {
  skipEvent(input: $input) { freshness { state position reason } errors { message } }
}"""

DOCUMENTS: Mapping[str, str] = {
    "projections-status": FRESHNESS,
    "projections-names": NAMES,
    "projections-rebuilds": REBUILDS,
    "projections-skipped": SKIPPED,
    "projections-retry": RETRY,
    "projections-rebuild": REBUILD,
    "projections-abort": ABORT,
    "projections-rollback": ROLL_BACK,
    "projections-skip": SKIP,
}
"""The operations by their ids. The command line sends them with their hashes."""
