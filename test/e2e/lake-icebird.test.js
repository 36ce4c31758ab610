// Every kind of lake table, read back by icebird (a reader nobody here wrote) and compared with what DuckDB reads:
// types, partitions, schema evolution, rows deleted by copy-on-write, merged manifests, names that SQL must quote.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expectedOf, openIcebird, readMetadata, sorted, textOf } from './icebird.js';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const data = mkdtempSync(path.join(tmpdir(), 'tarn-icebird-'));
let icebird;
let tables;

before(async () => {
  const fixture = process.env.LAKE_FIXTURE ?? path.join(root, 'build/test/lake_fixture');
  tables = JSON.parse(execFileSync(fixture, [data], { maxBuffer: 1 << 28 })).tables;
  icebird = await openIcebird();
});

after(() => {
  icebird?.close();
  rmSync(data, { recursive: true, force: true });
});

// Not `nested`, whose structs have changed: icebird takes members as the files name them (PyIceberg reads it).
for (const name of ['types', 'by_day', 'by_region', 'by_bucket', 'evolved', 'changed', 'merged', 'names']) {
  test(`icebird reads ${name}`, async () => {
    const table = tables.find((candidate) => candidate.name === name);
    const rows = await icebird.read(table.metadata);
    const have = rows.map((row) => table.columns.map((column) => textOf(row[column.name], column.type)));
    const want = table.rows.map((row) => row.map((text, i) => expectedOf(text, table.columns[i].type)));
    assert.ok(want.length > 0);
    assert.deepEqual(sorted(have), sorted(want));
  });
}

test('snapshot ids survive readers that hold numbers as doubles', () => {
  for (const table of tables)
    for (const snapshot of readMetadata(table.metadata).snapshots)
      assert.ok(Number.isSafeInteger(snapshot['snapshot-id']) && snapshot['snapshot-id'] > 0);
});
