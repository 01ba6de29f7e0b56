#!/usr/bin/env bash
# The copy that SQLite's VACUUM INTO makes of a WAL database is not in WAL mode, that of the backup API is.
#
# Versions:  SQLite 3.54.1 (apsw 3.54.1.0)
# Guess:     WAL is a property of the database file, which lasts until somebody changes it. A copy that is made with
#            SQLite's own means has it, too, like user_version, whichever means it is.
# Behaviour: VACUUM INTO keeps user_version, and writes a file with a rollback journal. The backup API copies the pages
#            as they are, and with them the mode.
# Matters:   The snapshot is put in the place of the database, and all works, but now a reader that is in the middle of a
#            long result makes each commit fail with "database is locked", which never happened before. Set the mode
#            whenever the database is opened, and not only when it is made.
# Seen:
#                journal_mode   user_version   a write while another connection reads
#   original     wal            7              committed
#   VACUUM INTO  delete         7              BusyError: database is locked
#   backup API   wal            7              committed
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.54.1.0
cd "$folder"

"$folder/venv/bin/python" - <<'PYTHON'
import apsw

original = apsw.Connection("original.db")
original.pragma("journal_mode", "wal")
original.pragma("user_version", 7)
original.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
original.execute("INSERT INTO orders VALUES (1), (2)")
original.execute("VACUUM INTO 'vacuum.db'")
backup = apsw.Connection("backup.db")
with backup.backup("main", original, "main") as copying:
    copying.step()
backup.close()

seen = {}
print(f"{'':12} {'journal_mode':14} {'user_version':14} a write while another connection reads")
for name, file in (("original", "original.db"), ("VACUUM INTO", "vacuum.db"), ("backup API", "backup.db")):
    reader, writer = apsw.Connection(file), apsw.Connection(file)
    mode, version = reader.pragma("journal_mode"), reader.pragma("user_version")
    rows = reader.execute("SELECT id FROM orders")
    next(rows)  # the result is not read to its end yet
    try:
        writer.execute("INSERT INTO orders VALUES (3)")
        answer = "committed"
    except apsw.BusyError as error:
        answer = f"BusyError: {error}"
    seen[name] = mode, version, answer
    print(f"{name:12} {mode:14} {version:<14} {answer}")
assert seen == {
    "original": ("wal", 7, "committed"),
    "VACUUM INTO": ("delete", 7, "BusyError: database is locked"),
    "backup API": ("wal", 7, "committed"),
}, seen
PYTHON
