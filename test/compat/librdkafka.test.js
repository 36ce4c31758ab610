// The part of librdkafka's own test suite that every change runs; `script/test-peers` runs all of it. Building it takes a
// minute or two the first time; it is kept in .cache.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

test('librdkafka\'s own tests pass', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tarn-suite-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const json = path.join(folder, 'results.json');
  const done = spawnSync(process.execPath, [path.join(here, 'librdkafka/run.mjs'), '--ci', '--lanes', '2', '--json', json], { encoding: 'utf8' });
  assert.ok(done.status === 0 || done.status === 1, done.stdout + done.stderr);
  const { results } = JSON.parse(readFileSync(json, 'utf8'));
  assert.ok(results.length >= 25, `${results.length} entries`);
  for (const { name, states, failure } of results)
    await t.test(name, () => assert.deepEqual(states, ['PASSED'], failure));
});
