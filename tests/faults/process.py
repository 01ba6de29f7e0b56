"""What a process takes, as the system sees it."""

from pathlib import Path


def resident_mb(process: int) -> float:
    """Megabytes of memory that are the process's own."""
    status = Path(f"/proc/{process}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024 / 1e6


def open_files(process: int) -> int:
    """How many files, sockets included, it has open."""
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())
