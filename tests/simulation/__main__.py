"""`python -m tests.simulation --rounds 10000 --seed 1`: so many seeds, from that one on."""

import argparse
import sys

from tests.simulation.campaign import campaign
from tests.simulation.roles.world import RoleWorld
from tests.simulation.world import World


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=200, metavar="N", help="how many seeds (200)")
    arguments.add_argument("--seed", type=int, default=1, metavar="N", help="the first of them (1)")
    arguments.add_argument("--roles", action="store_true", help="several processes with roles, and a broker")
    asked = arguments.parse_args()
    try:
        print(campaign(asked.rounds, asked.seed, RoleWorld if asked.roles else World))
    except AssertionError as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
