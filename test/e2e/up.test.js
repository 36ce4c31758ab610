// `tarn up`: the dag, then where everything lies; and the scripts that a stranger types first, from any folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { jsonLines, makeFolder, tarn } from './tarn.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const dag = (command) => `tasks:\n  a: {type: command, command: "${command}"}\n`;

test('up runs the dag and says where everything lies', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n', 'dags/daily_etl.yml': dag('touch done'), 'dags/other.yml': dag('touch other') });
  const done = tarn(['up', '--batch'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  assert.ok(existsSync(path.join(cwd, 'done')));
  assert.ok(!existsSync(path.join(cwd, 'other')));
  assert.match(done.stdout, /Where everything lies/);
  const log = done.stdout.match(/logs of this run +(\S+)/)[1];
  assert.ok(existsSync(path.join(cwd, log)));
});

test('up --json prints JSON lines only', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n', 'dags/daily_etl.yml': dag('true') });
  assert.equal(jsonLines(tarn(['up', '--json'], { cwd }).stdout).at(-1).state, 'success');
});

test('up --json gives the report as one more line', (t) => {
  const cwd = makeFolder(t);
  tarn(['init', 'shop'], { cwd });
  const shop = path.join(cwd, 'shop');
  tarn(['ingest', 'data/sales.csv'], { cwd: shop });
  const done = tarn(['up', '--json'], { cwd: shop });
  assert.equal(done.status, 0, done.stderr);
  assert.equal(jsonLines(done.stdout).at(-1).title, 'Sales');
});

test('up fails with the dag, and says how to go on', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n', 'dags/daily_etl.yml': dag('echo out of milk; exit 4') });
  const done = tarn(['up'], { cwd });
  assert.equal(done.status, 3);
  assert.match(done.stderr, /out of milk/);
  assert.match(done.stderr, /tarn run daily_etl --resume/);
  assert.doesNotMatch(done.stdout, /Where everything lies/);
});

test('up without a dag says how to write one', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n' });
  const done = tarn(['up'], { cwd });
  assert.notEqual(done.status, 0);
  assert.match(done.stderr, /no dags in .*dags.*daily_etl.yml/);
});

test('script/up works from any folder and passes its arguments on', (t) => {
  const cwd = makeFolder(t, { 'my shop/tarn.yml': 'name: shop\n', 'my shop/dags/daily_etl.yml': dag('touch done') });
  const done = spawnSync(path.join(root, 'script/up'), ['--batch', '--project', 'my shop'], { cwd, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  assert.ok(existsSync(path.join(cwd, 'my shop/done')));
});
