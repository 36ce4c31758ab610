// `tarn source freshness`: the age of each source against what its YAML declares.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, tarn } from './tarn.js';

const sources = `sources:
  - name: bronze
    loaded_at_field: moment
    freshness: {warn_after: {count: 1, period: day}, error_after: {count: 1000, period: day}}
    tables:
      - name: orders
      - name: old
        freshness: {error_after: {count: 20, period: day}}
      - name: unwatched
        freshness: null
      - name: only_new
        identifier: orders
        config: {freshness: {filter: "id > 5"}}
      - name: committed
        identifier: old
        loaded_at_field: null
      - name: asked
        identifier: old
        loaded_at_query: select now()
  - name: plain
    schema: bronze
    tables: [{name: orders}]
`;
function project(t, more = {}) {
  const cwd = makeFolder(t, { 'dbt_project.yml': "name: shop\nversion: '1.0'\n", 'models/sources.yml': sources, ...more });
  const ago = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 19).replace('T', ' ');
  writeFileSync(path.join(cwd, 'orders.csv'), `id,moment\n1,${ago(30)}\n2,${ago(2)}\n`);
  writeFileSync(path.join(cwd, 'old.csv'), `id,moment\n1,${ago(30)}\n2,\n`);
  assert.equal(tarn(['ingest', 'orders.csv', 'old.csv', '--quiet'], { cwd }).status, 0);
  return cwd;
}
function freshness(cwd, ...args) {
  const done = tarn(['source', 'freshness', '--json', ...args], { cwd });
  const results = done.stdout ? JSON.parse(done.stdout).results : [];
  return { ...done, results, by: Object.fromEntries(results.map((r) => [r.unique_id.split('.').slice(2).join('.'), r])) };
}

test('freshness passes, warns and fails by the newest row, a query or the last commit', (t) => {
  const cwd = project(t);
  const run = freshness(cwd);
  assert.equal(run.status, 1);
  assert.deepEqual(Object.fromEntries(Object.entries(run.by).map(([name, r]) => [name, r.status])), {
    'bronze.orders': 'warn', 'bronze.old': 'error', 'bronze.only_new': 'runtime error', 'bronze.committed': 'pass', 'bronze.asked': 'pass',
  });
  const days = run.by['bronze.orders'].max_loaded_at_time_ago_in_s / 86_400;
  assert.ok(days > 1.9 && days < 2.1, `${days}`);
  assert.deepEqual(run.by['bronze.old'].criteria,
    { warn_after: { count: 1, period: 'day' }, error_after: { count: 20, period: 'day' }, filter: null });
  assert.match(run.by['bronze.only_new'].error, /no row says when it was loaded/);
  assert.deepEqual(JSON.parse(readFileSync(path.join(cwd, 'target/sources.json'), 'utf8')).results.length, 5);

  const one = freshness(cwd, '--select', 'source:bronze.orders');
  assert.equal(one.status, 0, one.stderr); // a warning is none
  assert.equal(one.results.length, 1);
  const text = tarn(['source', 'freshness'], { cwd });
  assert.match(text.stdout, /bronze\.old +│ error +│ +30 days/);
  assert.match(text.stderr, /2 of 5 sources are not as fresh as declared/);
});

test('freshness says what is wrong with its declaration, and when nothing is declared', (t) => {
  const wrong = project(t, { 'models/sources.yml': sources.replace('{count: 1, period: day}', '{count: 1, period: week}') });
  const run = freshness(wrong);
  assert.equal(run.status, 2);
  assert.match(run.stderr, /sources\.yml:\d+: a limit of freshness is \{count: 12, period: minute, hour or day\}/);
  const none = makeFolder(t, { 'dbt_project.yml': "name: shop\nversion: '1.0'\n" });
  assert.match(tarn(['source', 'freshness'], { cwd: none }).stdout, /No source declares/);
  assert.equal(tarn(['source'], { cwd: none }).status, 2);
});
