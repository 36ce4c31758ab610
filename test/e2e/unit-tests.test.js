// dbt's unit tests: a model's SQL over rows from YAML, CSV and SQL, compared with the rows that it should give.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, tarn } from './tarn.js';

const files = {
  'dbt_project.yml': "name: shop\nversion: '1.0'\nmodels: {+materialized: table}\nvars: {rate: 2}\n",
  'seeds/orders.csv': 'id,amount,day\n1,2.50,2026-01-01\n2,4.00,2026-01-02\n',
  'models/clean.sql': "select id, amount, day, upper('x') as mark from {{ ref('orders') }}",
  'models/short.sql': "{{ config(materialized='ephemeral') }} select id from {{ ref('orders') }}",
  'models/totals.sql': `{{ config(materialized='incremental', unique_key='id') }}
    with c as (select * from {{ ref('clean') }} where id in (select id from {{ ref('short') }}))
    select id, amount * {{ var('rate') }} as total, '{{ env_var("SHOP_REGION", "eu") }}' as region from c
    {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}`,
  'models/report.sql': "select count(*) as n from {{ ref('totals') }}",
  'tests/fixtures/clean_rows.csv': 'id,amount,mark\n1,"1.00",X\n2,,\n',
  'tests/fixtures/ids.sql': 'select 1 as id union all select 2;',
  'models/tests.yml': `unit_tests:
  - name: doubles
    description: Twice the amount.
    model: totals
    config: {tags: [fast]}
    given:
      - input: ref('clean')
        rows: [{id: 1, amount: 1.25}, {id: 2}, {id: 3, amount: 9}]
      - input: ref('short')
        format: sql
        fixture: ids
    expect:
      rows:
        - {id: 2, total: null}
        - {id: 1, total: 2.50}
  - name: only_newer
    model: totals
    overrides: {macros: {is_incremental: true}, vars: {rate: 3}, env_vars: {SHOP_REGION: us}}
    given:
      - {input: ref('clean'), format: csv, fixture: clean_rows}
      - {input: ref('short'), format: sql, rows: select 2 as id union all select 1}
      - {input: this, rows: [{id: 1}]}
    expect:
      format: csv
      rows: |
        id,total,region
        2,,us
`,
};
function dbt(cwd, command, ...args) {
  const done = tarn([command, ...args, '--json'], { cwd });
  const results = done.stdout.startsWith('{') ? JSON.parse(done.stdout).results : [];
  return { ...done, by: Object.fromEntries(results.map((r) => [r.unique_id.split('.').pop(), r])), order: results.map((r) => r.unique_id.split('.').pop()) };
}
const edit = (cwd, from, to) => {
  const file = path.join(cwd, 'models/tests.yml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
};

test('unit tests run in a build before their model; rows are maps, CSV or SQL; overrides hold', (t) => {
  const cwd = makeFolder(t, files);
  for (let i = 0; i < 2; i++) { // the second time `this` is there and the model would be incremental
    const run = dbt(cwd, 'build');
    assert.equal(run.status, 0, run.stderr);
    assert.deepEqual([run.by.doubles.status, run.by.only_newer.status], ['pass', 'pass']);
    assert.ok(run.order.indexOf('doubles') < run.order.indexOf('totals'));
    assert.ok(run.order.indexOf('clean') < run.order.indexOf('doubles'));
  }
  const manifest = JSON.parse(readFileSync(path.join(cwd, 'target/manifest.json'), 'utf8'));
  const unit = manifest.unit_tests['unit_test.shop.totals.doubles'];
  assert.deepEqual([unit.model, unit.depends_on.nodes, unit.config.tags], ['totals', ['model.shop.totals'], ['fast']]);
  assert.match(readFileSync(path.join(cwd, 'target/compiled/shop/models/tests.yml/doubles.sql'), 'utf8'), /__dbt__cte__1__clean/);
});

test('unit tests are selected by name, type, model, tag and resource type', (t) => {
  const cwd = makeFolder(t, files);
  const ls = (...args) => tarn(['ls', '--output', 'name', ...args], { cwd }).stdout.split('\n').filter(Boolean).sort();
  assert.deepEqual(ls('--select', 'test_type:unit'), ['doubles', 'only_newer']);
  assert.deepEqual(ls('--resource-type', 'unit_test', '--select', 'tag:fast'), ['doubles']);
  assert.deepEqual(ls('--select', 'totals'), ['doubles', 'only_newer', 'totals']);
  assert.equal(dbt(cwd, 'build', '--exclude', 'totals+').status, 0);
  assert.deepEqual(Object.keys(dbt(cwd, 'test', '--select', 'doubles').by), ['doubles']);
  assert.deepEqual(Object.keys(dbt(cwd, 'run').by).includes('doubles'), false);
});

test('a failing unit test names the rows, keeps its model from being made, and exits with 1', (t) => {
  const cwd = makeFolder(t, files);
  edit(cwd, '{id: 2, total: null}', '{id: 2, total: 7}');
  const run = dbt(cwd, 'build');
  assert.equal(run.status, 1);
  assert.deepEqual([run.by.doubles.status, run.by.totals.status, run.by.report.status], ['fail', 'skipped', 'skipped']);
  assert.match(run.by.doubles.message, /2 rows are not as expected:\s+missing \{'id': 2, 'total': 7\.0\}\s+unexpected \{'id': 2, 'total': NULL\}/);
});

test('mistakes in a unit test say where and what', (t) => {
  for (const [from, to, said] of [
    ['{id: 2}', '{idd: 2}', /models\/tests\.yml:2: the input ref\('clean'\): clean has no column 'idd'; did you mean 'id'/],
    ["ref('short')\n        format: sql\n        fixture: ids", "ref('short')\n        rows: [{id: 1}]", /ephemeral.*`format: sql`/],
    ["- input: ref('clean')", "- input: ref('orders')", /ref\('orders'\) is not a known parent/],
    ["      - input: ref('clean')\n        rows: [{id: 1, amount: 1.25}, {id: 2}, {id: 3, amount: 9}]\n", '', /gives no rows for ref\('clean'\), which the model reads/],
    ['fixture: ids', 'fixture: idz', /there is no fixture idz\.sql in tests\/fixtures/],
    ['{id: 2, total: null}', '{id: 2, totl: null}', /expect: totals has no column 'totl'; did you mean 'total'/],
  ]) {
    const cwd = makeFolder(t, files);
    edit(cwd, from, to);
    const run = dbt(cwd, 'build');
    assert.equal(run.status, 1, run.stderr);
    assert.equal(run.by.doubles.status, 'error');
    assert.match(run.by.doubles.message, said);
    rmSync(cwd, { recursive: true });
  }
  for (const [from, to, said] of [['model: totals', 'model: totalz', /unit_test 'doubles': ref\('totalz'\).*did you mean 'totals'/],
    ['expect:', 'expects:', /'expects'.*did you mean 'expect'/]]) {
    const cwd = makeFolder(t, files);
    edit(cwd, from, to);
    const run = dbt(cwd, 'build');
    assert.equal(run.status, 2, run.stderr);
    assert.match(run.stderr, said);
  }
});
