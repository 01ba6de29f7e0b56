#!/usr/bin/env bash
# python-calamine reads a column of times as datetimes, except those at midnight, which are dates.
#
# Versions:  python-calamine 0.9.1, openpyxl 3.1.5, xlsxwriter 3.3.1
# Guess:     The cell's format says what it is: a column with a format of date and time is read as datetimes, a column
#            with a format of dates as dates.
# Behaviour: The value decides. A whole number of days is a date, whatever the format; a part of a day alone is a time;
#            everything else is a datetime. One column of order times thus has two types, which Python doesn't compare.
#            openpyxl reads all with a date as datetimes.
# Matters:   An import of orders that sorts them, or takes the newest, works for months, and raises TypeError on the day
#            of the first order at 00:00:00; with dates that were moved by a time zone, or typed in without a time,
#            sooner. Turn each date into a datetime when reading.
# Seen (one column, written as datetimes):
#   written               openpyxl, from both           calamine, from both
#   2026-03-01 10:30:00   datetime 2026-03-01 10:30:00  datetime 2026-03-01 10:30:00
#   2026-03-02 00:00:00   datetime 2026-03-02 00:00:00  date 2026-03-02
#   2026-03-02 00:00:01   datetime 2026-03-02 00:00:01  datetime 2026-03-02 00:00:01
#   max(), openpyxl: 2026-03-02 00:00:01
#   max(), calamine: TypeError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  python-calamine==0.9.1 openpyxl==3.1.5 xlsxwriter==3.3.1

"$folder/venv/bin/python" - <<'PYTHON'
from datetime import date, datetime

import openpyxl
import xlsxwriter
from python_calamine import CalamineWorkbook

TIMES = [datetime(2026, 3, 1, 10, 30), datetime(2026, 3, 2), datetime(2026, 3, 2, 0, 0, 1)]

book = openpyxl.Workbook()
for at in TIMES:
    book.active.append([at])
book.save("by-openpyxl.xlsx")
with xlsxwriter.Workbook("by-xlsxwriter.xlsx", {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
    book.add_worksheet().write_column(0, 0, TIMES)


def by_openpyxl(name):
    return [row[0] for row in openpyxl.load_workbook(name).active.values]


def by_calamine(name):
    return [row[0] for row in CalamineWorkbook.from_path(name).get_sheet_by_index(0).to_python()]


def newest(times):
    try:
        return str(max(times))
    except TypeError as error:
        return type(error).__name__


read = []
for reader in (by_openpyxl, by_calamine):
    first, second = reader("by-openpyxl.xlsx"), reader("by-xlsxwriter.xlsx")
    assert list(map(repr, first)) == list(map(repr, second)), (first, second)
    read.append(first)
print(f"{'written':21} {'openpyxl, from both':29} calamine, from both")
for at, *found in zip(TIMES, *read, strict=True):
    texts = [f"{type(each).__name__} {each}" for each in found]
    print(f"{at!s:21} {texts[0]:29} {texts[1]}")
print(f"max(), openpyxl: {newest(read[0])}\nmax(), calamine: {newest(read[1])}")
assert read[0] == TIMES and [type(each) for each in read[1]] == [datetime, date, datetime], read
assert newest(read[1]) == "TypeError", newest(read[1])
PYTHON
