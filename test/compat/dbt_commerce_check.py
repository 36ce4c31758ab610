"""Builds the commerce project with dbt-duckdb and with Tarn from the same bronze and quarantine tables and compares
every table row for row: the project is a plain dbt project, and Tarn's answers are dbt's.

    dbt_commerce_check.py TARN     needs dbt-duckdb; exits 1 when a test of dbt fails or a table differs
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

root = Path(__file__).resolve().parents[2]
tarn = os.path.abspath(sys.argv[1])
PROFILE = """
commerce:
  target: dev
  outputs:
    dev: {type: duckdb, path: %s, schema: main, threads: 1}
"""


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def table_folders(lake, namespace):
    """Name and data files of each table. The lake is new, so every data file belongs to the table's current state."""
    for folder in sorted((lake / namespace).iterdir()):
        if list(folder.glob("data/**/*.parquet")):
            yield folder.name, f"read_parquet('{folder}/data/**/*.parquet', union_by_name = true, hive_partitioning = false)"


def main(folder):
    project, data = folder / "commerce", folder / "data"
    shutil.copytree(root / "examples/commerce", project, ignore=shutil.ignore_patterns(".tarn", "target", "logs"))
    common = ["--data", str(data), "--quiet"]
    run(tarn, "generate", "--set", "orders=5000", *common, cwd=project)
    run(tarn, "ingest", *common, cwd=project)
    run(tarn, "quality", "--layer", "bronze", *common, cwd=project)
    run(tarn, "build", *common, cwd=project)

    database = folder / "dbt.duckdb"
    with duckdb.connect(str(database)) as connection:
        for namespace in ("bronze", "quarantine"):
            connection.execute(f"create schema {namespace}")
            for name, files in table_folders(data / "lake", namespace):
                connection.execute(f"create table {namespace}.{name} as from {files}")
    (folder / "profiles.yml").write_text(PROFILE % database)
    dbt = Path(sys.executable).parent / "dbt"
    run(str(dbt), "--quiet", "build", "--profiles-dir", str(folder), "--target-path", str(folder / "dbt-target"),
        "--log-path", str(folder / "dbt-logs"), cwd=project)
    results = json.loads((folder / "dbt-target/run_results.json").read_text())["results"]
    print(f"dbt: {len(results)} nodes, all succeeded")

    different = compared = 0
    with duckdb.connect(str(database), read_only=True) as connection:
        for namespace in ("reference", "staging", "silver", "gold"):
            for name, files in table_folders(data / "lake", namespace):
                mine, theirs = f"from {files}", f"from {namespace}.{name}"
                rows = connection.execute(
                    f"select (select count(*) {theirs}), (select count(*) from ({mine} except all {theirs})),"
                    f" (select count(*) from ({theirs} except all {mine}))").fetchone()
                compared += 1
                if rows[1] or rows[2]:
                    different += 1
                    print(f"{namespace}.{name}: {rows[1]} rows only in Tarn, {rows[2]} only in dbt, of {rows[0]}")
    print(f"{compared} tables compared, {different} different")
    return 1 if different or compared < 30 else 0


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp(prefix="tarn-dbt-"))
    try:
        status = main(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(status)
