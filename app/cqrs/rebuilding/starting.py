"""The generation of a read model that serves when a program starts."""

from datetime import UTC, datetime

from app.cqrs.documents.read_model import ReadModel
from app.cqrs.projecting.generations import Generations
from app.cqrs.rebuilding.records import GenerationRecord, GenerationRecords, RecordMoved


async def record_at_start(
    model: ReadModel, store: Generations, records: GenerationRecords
) -> GenerationRecord:
    """Return the record of the read model's generations, which is made if this code has none.

    A program with other code builds its own documents. Until then, those of another program serve if the read
    model declares that its queries can read them (`also_reads`): nobody else knows their shape. They are
    complete up to their position, and stand still. Otherwise the own documents serve as they grow.
    """
    while True:
        try:
            return await _record_at_start(model, store, records)
        except RecordMoved:  # Another process starts at the same time, and its record is to be read.
            continue


async def _record_at_start(
    model: ReadModel, store: Generations, records: GenerationRecords
) -> GenerationRecord:
    record = await records.record(model)
    if record.revision or not model.also_reads:
        return record
    stored = [each for each in await store.generations(model) if each.position]
    readable = [each for each in stored if each.generation.fingerprint in model.also_reads]
    if not readable or any(each.generation.is_of_same_code(record.own) for each in stored):
        return record
    latest = max(readable, key=lambda each: each.position).generation
    served = (await records.record(model.of(latest))).serving  # It may have been rebuilt, and rolled back.
    former = served if any(each.generation == served for each in readable) else latest
    return await records.save(record.lent(datetime.now(UTC), former))
