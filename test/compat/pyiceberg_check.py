"""Opens a folder that lake_fixture wrote with PyIceberg's SqlCatalog and compares every table with what DuckDB read.

Then appends with PyIceberg, so that the pointers are proven to be moved by others too. Usage: pyiceberg_check.py [DATA];
without DATA it writes the folder itself, with the fixture of the build folder $BUILD (build)."""
# needs: pyiceberg[sql-sqlite,pyarrow]==0.12.0
import datetime
import decimal
import json
import os
import subprocess
import sys
import tempfile
import uuid

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import EqualTo


def text(value, kind):
    """The value as DuckDB prints it."""
    if value is None:
        return None
    if kind == "boolean":
        return str(value).lower()
    if kind in ("float", "double"):
        return repr(float(value))
    if kind.startswith("decimal"):
        return format(decimal.Decimal(value), "f")
    if kind == "binary":
        return "".join(chr(b) if 32 <= b < 127 and b not in (34, 39, 92) else f"\\x{b:02X}" for b in value)
    if kind in ("timestamp", "timestamptz"):
        out = value.strftime("%Y-%m-%d %H:%M:%S") + (f".{value.microsecond:06d}".rstrip("0") if value.microsecond else "")
        return out + ("+00" if kind == "timestamptz" else "")
    if kind == "uuid":
        return str(uuid.UUID(bytes=value) if isinstance(value, bytes) else value)
    if kind.startswith("list"):
        return "[" + ", ".join("NULL" if item is None else str(item) for item in value) + "]"
    if kind.startswith("struct"):
        return "{" + ", ".join(f"'{key}': {item}" for key, item in value.items()) + "}"
    if kind.startswith("map"):
        return "{" + ", ".join(f"{key}={item}" for key, item in value) + "}"
    return str(value)


def rows_of(table, columns):
    arrow = table.scan().to_arrow()
    return [[text(row[column["name"]], column["type"]) for column in columns] for row in arrow.to_pylist()]


def key(row):
    return [(value is None, str(value)) for value in row]


def main(data):
    expected = json.load(open(os.path.join(data, "expected.json"), encoding="utf-8"))
    catalog = SqlCatalog("tarn", uri=f"sqlite:///{data}/state.db", warehouse=f"file://{data}/lake")
    failures = 0
    for want in expected["tables"]:
        table = catalog.load_table((want["ns"], want["name"]))
        have = sorted(rows_of(table, want["columns"]), key=key)
        should = sorted(want["rows"], key=key)
        same = have == should
        print(f"  {want['name']}: {len(have)} rows {'equal' if same else 'DIFFER'}")
        failures += not same
        for one, other in zip(have, should):
            if one != other:
                print("    PyIceberg:", one, "\n    DuckDB:   ", other)
                break
    table = catalog.load_table(("fixture", "by_region"))
    some = table.scan(row_filter=EqualTo("region", "region 1"))
    print(f"  by_region, one region: {len(list(some.plan_files()))} files, {some.to_arrow().num_rows} rows")
    failures += some.to_arrow().num_rows != 7
    for name, column, value in (("by_bucket", "i", 7), ("by_bucket", "region", "region 1"),
                                ("by_amount", "amount", decimal.Decimal("8.75"))):
        found = catalog.load_table(("fixture", name)).scan(row_filter=EqualTo(column, value))
        files, rows = len(list(found.plan_files())), found.to_arrow().num_rows
        print(f"  {name}, {column} = {value}: {files} files, {rows} rows")
        failures += rows != (7 if column == "region" else 1)
    merged = catalog.load_table(("fixture", "merged"))
    merged.append(merged.scan(limit=1).to_arrow())
    failures += catalog.load_table(("fixture", "merged")).scan().to_arrow().num_rows != 106
    return 1 if failures else 0


def write_and_check():
    build = os.environ.get("BUILD", "build")
    with tempfile.TemporaryDirectory() as data:
        with open(os.path.join(data, "expected.json"), "wb") as out:
            subprocess.run([os.path.join(build, "test/lake_fixture"), data], stdout=out, check=True)
        return main(data)


sys.exit(main(sys.argv[1]) if len(sys.argv) > 1 else write_and_check())
