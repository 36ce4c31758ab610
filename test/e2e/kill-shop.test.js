// kill -9 in the middle of the commerce shop's day, then `tarn run --resume`: every lake table ends up with the rows of
// an undisturbed run. TARN_KILL_ROUNDS sets how many moments are tried.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeFolder, startTarn, tarn } from './tarn.js';

const shop = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../examples/commerce');
const rounds = Math.max(2, Math.round(Number(process.env.TARN_KILL_ROUNDS ?? 12) / 6));
const start = ['run', 'daily_etl', '--date', '2026-03-01', '--param', 'scale=0.01', '--quiet'];

// When and by which load or run a row was written differs from run to run.
const incidental = ['_load_id', '_loaded_at', 'run_id', 'checked_at'];

function copyShop(t) {
  const cwd = makeFolder(t);
  cpSync(shop, cwd, { recursive: true, filter: (file) => !/\/(\.tarn|target)$/.test(file) });
  return cwd;
}

function query(cwd, sql) {
  const done = tarn(['sql', sql, '--format', 'json', '--limit', '0'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout);
}

// Rows and checksum of every table and view.
function contents(cwd) {
  const tables = JSON.parse(tarn(['tables', '--json'], { cwd }).stdout).map((one) => `${one.namespace}.${one.name}`);
  assert.ok(tables.length > 40, `only ${tables.length} tables`);
  const without = incidental.map((name) => `'${name}'`).join(', ');
  const selects = tables.map((name) => `SELECT '${name}' AS name, count(*) AS rows, coalesce(sum(hash(t)::HUGEINT), 0)::VARCHAR AS sum
    FROM (SELECT COLUMNS(c -> c NOT IN (${without})) FROM ${name}) t`);
  return Object.fromEntries(query(cwd, selects.join(' UNION ALL ')).map((row) => [row.name, `${row.rows} rows, ${row.sum}`]));
}

test('the shop, killed at any moment and resumed, has the tables of an undisturbed day', async (t) => {
  const calm = copyShop(t);
  const began = Date.now();
  const undisturbed = tarn(start, { cwd: calm });
  assert.equal(undisturbed.status, 0, undisturbed.stderr);
  const elapsed = Date.now() - began;
  const wanted = contents(calm);
  for (let round = 0; round < rounds; round++) {
    const cwd = copyShop(t);
    const ms = (elapsed * (round + Math.random())) / rounds;
    const runner = startTarn(t, start, { cwd });
    await Promise.race([new Promise((resolve) => { setTimeout(resolve, ms); }), runner.ended]);
    runner.kill('SIGKILL');
    await runner.ended;
    const resumed = tarn(['run', 'daily_etl', '--resume', '--quiet'], { cwd });
    assert.equal(resumed.status, 0, resumed.stderr);
    if (JSON.parse(tarn(['runs', '--json'], { cwd }).stdout).length === 0) assert.equal(tarn(start, { cwd }).status, 0);
    assert.deepEqual(contents(cwd), wanted, `killed after ${ms.toFixed(0)} ms of ${elapsed}`);
  }
});
