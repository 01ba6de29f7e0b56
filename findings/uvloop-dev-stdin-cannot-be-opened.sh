#!/usr/bin/env bash
# With uvloop, a child process can read its standard input, and cannot open it as /dev/stdin.
#
# Versions:  uvloop 0.23.0, Python's own asyncio beside it
# Guess:     create_subprocess_exec(..., stdin=PIPE) gives the child a pipe with either event loop, as subprocess does. A
#            program that takes a file's name reads what it is sent from /dev/stdin.
# Behaviour: uvloop's PIPE is a Unix socket. Reading from the descriptor works. Opening it again by its name does not:
#            Linux refuses to open a socket (ENXIO), so the program says "No such device or address" of /dev/stdin.
#            asyncio's is a pipe, and both work.
# Matters:   Programs are handed a script, a dump or a key by /dev/stdin so that it is in no file and no list of
#            processes. That works in tests, which run on asyncio's loop, and fails under uvicorn, which takes uvloop
#            wherever it is installed. Name "-", or have the program read its standard input without a name.
# Seen:
#   asyncio   stdin is a pipe     cat -            hello   cat /dev/stdin   hello
#   uvloop    stdin is a socket   cat -            hello   cat /dev/stdin   cat: /dev/stdin: No such device or address
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvloop==0.23.0

LC_ALL=C "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys
from subprocess import PIPE, STDOUT

import uvloop

KIND = "import os, stat; print('socket' if stat.S_ISSOCK(os.fstat(0).st_mode) else 'pipe')"


async def said(*command):
    """Return what a program says that is sent a word."""
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    output, _ = await process.communicate(b"hello\n")
    return output.decode().strip()


async def three():
    return await said(sys.executable, "-c", KIND), await said("cat", "-"), await said("cat", "/dev/stdin")


seen = {"asyncio": asyncio.run(three()), "uvloop": uvloop.run(three())}
for loop, (kind, read, opened) in seen.items():
    print(f"{loop:9} stdin is a {kind:8} cat -            {read}   cat /dev/stdin   {opened}")
assert seen["asyncio"] == ("pipe", "hello", "hello")
assert seen["uvloop"] == ("socket", "hello", "cat: /dev/stdin: No such device or address")
PYTHON
