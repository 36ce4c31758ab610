"""Builds dbt projects with Tarn and with dbt-duckdb and compares them: the status of every node, the rows of every table.

Also reads Tarn's manifest.json and run_results.json with dbt's own reader, checks them against dbt's schemas, and reads
them with OpenLineage's. Usage: dbt_check.py TARN PROJECT..."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import duckdb
import jsonschema
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.artifacts.schemas.run import RunResultsArtifact
from openlineage.common.provider.dbt.local import DbtLocalArtifactProcessor


def run(command, folder, env=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def read_artifacts(target):
    """Validates both files and gives {unique_id: status}."""
    for kind, name in ((WritableManifest, "manifest.json"), (RunResultsArtifact, "run_results.json")):
        path = os.path.join(target, name)
        document = json.load(open(path, encoding="utf-8"))
        for error in jsonschema.Draft202012Validator(kind.json_schema()).iter_errors(document):
            raise SystemExit(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
        kind.read_and_check_versions(path)
    results = json.load(open(os.path.join(target, "run_results.json"), encoding="utf-8"))["results"]
    return {result["unique_id"]: result["status"] for result in results}


def tarn_rows(tarn, folder, relation):
    code, out, err = run([tarn, "sql", "--json", f"select columns(*)::varchar from {relation} order by all"], folder)
    if code:
        raise SystemExit(err)
    value = json.loads(out)
    return [list(row.values()) for row in (value if isinstance(value, list) else value["rows"])]


def dbt_rows(connection, relation):
    rows = connection.sql(f"select columns(*)::varchar from {relation} order by all").fetchall()
    return [list(row) for row in rows]


def without_run_times(rows, relation):
    """A snapshot's times and ids are those of its run."""
    return [row[:-4] for row in rows] if 'history"' in relation else rows


def check(tarn, project):
    work = tempfile.mkdtemp(prefix="tarn-dbt-")
    mine, theirs = os.path.join(work, "tarn"), os.path.join(work, "dbt")
    ignore = shutil.ignore_patterns("target", ".tarn", "*.duckdb", ".git", "logs")
    shutil.copytree(project, mine, ignore=ignore)
    shutil.copytree(project, theirs, ignore=ignore)
    failures = 0
    for attempt in ("build", "build again"):
        run([tarn, "build", "--quiet"], mine)
        have = read_artifacts(os.path.join(mine, "target"))
        code, out, _ = run([os.path.join(os.path.dirname(sys.executable), "dbt"), "build", "--profiles-dir", theirs], theirs,
                           {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})
        results = json.load(open(os.path.join(theirs, "target/run_results.json"), encoding="utf-8"))["results"]
        want = {result["unique_id"]: result["status"] for result in results if result["unique_id"].split(".")[0] != "operation"}
        for node in sorted(set(have) | set(want)):
            if have.get(node) != want.get(node):
                failures += 1
                print(f"  {attempt}: {node}: tarn {have.get(node)}, dbt {want.get(node)}")
        database = next(name for name in os.listdir(theirs) if name.endswith(".duckdb"))
        manifest = json.load(open(os.path.join(mine, "target/manifest.json"), encoding="utf-8"))
        tables = 0
        with duckdb.connect(os.path.join(theirs, database), read_only=True) as connection:
            for node in manifest["nodes"].values():
                if not node["relation_name"] or have.get(node["unique_id"]) != "success":
                    continue
                relation = f'"{node["schema"]}"."{node["alias"]}"'
                one = without_run_times(tarn_rows(tarn, mine, relation), relation)
                other = without_run_times(dbt_rows(connection, relation), relation)
                tables += 1
                if one != other:
                    failures += 1
                    print(f"  {attempt}: {relation} differs:\n    tarn {one[:3]}\n    dbt  {other[:3]}")
        print(f"  {os.path.basename(os.path.abspath(project))}, {attempt}: {len(want)} nodes, {tables} tables compared")
    os.environ["DBT_PROFILES_DIR"] = mine
    events = DbtLocalArtifactProcessor(producer="https://example.org/tarn", job_namespace="tarn", project_dir=mine).parse()
    print(f"  OpenLineage's reader makes {len(events.events())} events of it")
    shutil.rmtree(work)
    return failures


sys.exit(1 if sum(check(os.path.abspath(sys.argv[1]), project) for project in sys.argv[2:]) else 0)
