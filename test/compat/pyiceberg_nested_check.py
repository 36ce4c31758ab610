"""Makes tables with PyIceberg whose nested columns change between files, and compares what Tarn reads with its own scan.

One table is evolved by field id (members renamed, moved, widened, dropped, and a dropped name used again; names that the
writer escapes in its files); one adopts a file without field ids by a name mapping, then changes, too. Usage:
pyiceberg_nested_check.py TARN, the binary."""
# needs: pyiceberg[sql-sqlite,pyarrow]==0.12.0
import json
import os
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, FloatType, IntegerType, ListType, LongType, MapType, NestedField, StringType, StructType


def append(table, rows):
    table.append(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()))


def field(number, name, kind):
    return NestedField(number, name, kind, required=False)


def make_evolved(catalog):
    table = catalog.create_table("fixture.nested", Schema(
        field(1, "id", LongType()),
        field(2, "v", StructType(field(5, "a", IntegerType()), field(6, "b", StringType()), field(7, "od d.x", StringType()))),
        field(3, "l", ListType(8, StructType(field(9, "p", LongType()), field(10, "q", LongType())), element_required=False)),
        field(4, "m", MapType(11, StringType(), 12, StructType(field(13, "z", FloatType())), value_required=False))))
    append(table, [
        {"id": 1, "v": {"a": 1, "b": "x", "od d.x": "odd"}, "l": [{"p": 1, "q": 2}, None], "m": [("k", {"z": 1.5}), ("n", None)]},
        {"id": 2, "v": None, "l": None, "m": None},
        {"id": 3, "v": {"a": None, "b": None, "od d.x": None}, "l": [], "m": []}])
    with table.update_schema(allow_incompatible_changes=True) as update:
        update.rename_column("v.a", "a2")
        update.update_column("v.a", LongType())
        update.delete_column("v.b")
        update.add_column(("v", "new"), DoubleType())
        update.rename_column("l.element.q", "q2")
        update.move_first("l.element.q")
        update.update_column("m.value.z", DoubleType())
    with table.update_schema() as update:
        update.add_column(("v", "b"), LongType())
        update.rename_column("m.value.z", "zz")
    append(table, [{"id": 4, "v": {"a2": 1 << 40, "od d.x": "o2", "new": 2.5, "b": 7}, "l": [{"q2": 5, "p": 6}],
                    "m": [("j", {"zz": 3.5})]}])
    return table


def make_adopted(catalog, folder):
    table = catalog.create_table("fixture.adopted", Schema(
        field(1, "id", LongType()),
        field(2, "v", StructType(field(4, "a", LongType()), field(5, "b", StringType()))),
        field(3, "l", ListType(6, StructType(field(7, "p", LongType())), element_required=False))))
    kinds = pa.schema([("id", pa.int64()), ("v", pa.struct([("a", pa.int64()), ("b", pa.string())])),
                       ("l", pa.list_(pa.struct([("p", pa.int64())])))])
    rows = [{"id": 1, "v": {"a": 1, "b": "x"}, "l": [{"p": 3}, None]}, {"id": 2, "v": None, "l": []}]
    path = os.path.join(folder, "plain.parquet")
    pq.write_table(pa.Table.from_pylist(rows, schema=kinds), path)
    table.add_files([f"file://{path}"])
    with table.update_schema() as update:
        update.rename_column("v.a", "n")
        update.rename_column("l.element.p", "item")
        update.add_column(("v", "c"), LongType())
    append(table, [{"id": 3, "v": {"n": 9, "b": "z", "c": 4}, "l": []}])
    return table


def plain(value):
    """Maps as PyIceberg gives them (pairs) and as Tarn does (objects) become the same."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, tuple) for item in value):
        return {key: plain(item) for key, item in value}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def read(tarn, folder, name):
    out = subprocess.run([tarn, "sql", f"SELECT * FROM fixture.{name} ORDER BY id", "--format", "json", "--project", folder],
                         check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)


def main(tarn):
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "tarn.yml"), "w", encoding="utf-8") as out:
            out.write("name: nested\n")
        data = os.path.join(folder, ".tarn")
        build = os.path.join(os.path.dirname(os.path.abspath(tarn)), "..", "test", "lake_fixture")
        subprocess.run([build, data], stdout=subprocess.DEVNULL, check=True)
        catalog = SqlCatalog("tarn", uri=f"sqlite:///{data}/state.db", warehouse=f"file://{data}/lake")
        for table in make_evolved(catalog), make_adopted(catalog, folder):
            name = table.name()[-1]
            want = sorted(plain(table.scan().to_arrow().to_pylist()), key=lambda row: row["id"])
            have = read(tarn, folder, name)
            empty_map = [{**row, "m": {}} if row.get("m") == [] else row for row in want]
            same = have == empty_map
            print(f"  {name}: {len(have)} rows {'equal' if same else 'DIFFER'}")
            failures += not same
            if not same:
                print("    PyIceberg:", empty_map, "\n    Tarn:     ", have)
    return 1 if failures else 0


sys.exit(main(sys.argv[1]))
