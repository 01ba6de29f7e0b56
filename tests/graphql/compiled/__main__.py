"""Compares for longer: `python -m tests.graphql.compiled --rounds 100000 --seed 1`."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from app.config import Settings
from app.graphql.internals.strawberry import core_schema
from schema.root import schema
from tests.graphql.compiled.comparison import Comparison, Different
from tests.graphql.compiled.generator import Generator
from tests.graphql.compiled.shop import keeping, quiet_shop

SETS = 10


async def campaign(rounds: int, seed: int) -> bool:
    """Compares so many operations; whether none was answered differently."""
    with tempfile.TemporaryDirectory() as folder:
        async with quiet_shop(Settings(data_dir=Path(folder), read_cache_mb=0)) as (circle, known):
            comparison, start = Comparison(keeping(circle), known.viewers), time.monotonic()
            operations = Generator(core_schema(schema), known, seed).operations(sets=SETS)
            try:
                while comparison.counts["operations"] < rounds:
                    await comparison.compare(next(operations))
                    if comparison.counts["operations"] % 5000 == 0:
                        print(f"{time.monotonic() - start:.0f} s: {dict(comparison.counts)}", flush=True)
            except Different as difference:
                print(difference)
                return False
            print(f"seed {seed}, {time.monotonic() - start:.0f} s: {dict(comparison.counts)}")
            return comparison.counts["compiled"] > 0.9 * comparison.counts["valid"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    raise SystemExit(0 if asyncio.run(campaign(given.rounds, given.seed)) else 1)


if __name__ == "__main__":
    main()
