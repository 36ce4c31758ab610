// Selections with a name (selectors.yml), and against an earlier run (state:, result:).
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, tarn } from './tarn.js';

const files = {
  'dbt_project.yml': "name: shop\nversion: '1.0'\nmodels: {+materialized: table}\n",
  'seeds/raw.csv': 'id,name\n1,a\n2,b\n',
  'macros/twice.sql': '{% macro twice(x) %}{{ x }} * 2{% endmacro %}',
  'models/a.sql': "{{ config(tags=['nightly']) }} select id from {{ ref('raw') }}",
  'models/b.sql': "select {{ twice('id') }} as id from {{ ref('a') }}",
  'models/c.sql': "{{ config(tags=['nightly']) }} select id from {{ ref('b') }}",
  'models/d.sql': "select r.id from {{ ref('raw') }} r join {{ ref('c') }} c using (id)",
  'models/schema.yml': `models:
  - name: a
    columns: [{name: id, tests: [not_null, {relationships: {to: ref('raw'), field: id}}]}]
  - name: b
    columns: [{name: id, tests: [unique]}]
`,
  'selectors.yml': `selectors:
  - name: text
    definition: a+1,tag:nightly c
  - name: pair
    definition: {tag: nightly}
  - name: method
    definition: {method: fqn, value: b, parents: true, parents_depth: 1, children: true, exclude: [{method: fqn, value: d}]}
  - name: both
    definition:
      union:
        - intersection: [{tag: nightly}, '+b']
        - {method: selector, value: pair}
        - exclude: [c]
  - name: quiet
    definition: {method: fqn, value: a, indirect_selection: cautious}
  - name: none
    definition: {method: fqn, value: a, indirect_selection: empty}
  - name: circle
    definition: {method: selector, value: circle}
`,
};
const run = (cwd, ...args) => {
  const done = tarn(args, { cwd });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout;
};
const ls = (cwd, ...args) => run(cwd, 'ls', '--output', 'name', ...args).split('\n').filter(Boolean).sort();
const models = (cwd, ...args) => ls(cwd, '--exclude-resource-type', 'test', ...args);
const edit = (cwd, name, from, to) => {
  const file = path.join(cwd, name);
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
};

test('selectors.yml: text, methods, unions, intersections, exclusions, other selectors', (t) => {
  const cwd = makeFolder(t, files);
  assert.deepEqual(models(cwd, '--selector', 'text'), ['a', 'c']);
  assert.deepEqual(models(cwd, '--selector', 'pair'), ['a', 'c']);
  assert.deepEqual(models(cwd, '--selector', 'method'), ['a', 'b', 'c']);
  assert.deepEqual(models(cwd, '--selector', 'both'), ['a']);
  assert.deepEqual(ls(cwd, '--selector', 'quiet'), ['a', 'not_null_a_id']); // the other test also needs raw
  assert.deepEqual(ls(cwd, '--selector', 'none'), ['a']);
  for (const [args, said] of [[['--selector', 'pairs'], /no selector 'pairs'.*did you mean 'pair'/],
    [['--selector', 'circle'], /go in a circle/], [['--selector', 'pair', '--select', 'a'], /--selector says all/]]) {
    const { status, stderr } = tarn(['build', ...args], { cwd });
    assert.equal(status, 2);
    assert.match(stderr, said);
  }
});

test('the default selector holds when nothing else is said', (t) => {
  const cwd = makeFolder(t, { ...files, 'selectors.yml': "selectors:\n  - name: usual\n    default: \"{{ target.name == 'dev' }}\"\n    definition: a b\n" });
  assert.deepEqual(models(cwd), ['a', 'b']);
  assert.deepEqual(models(cwd, '--select', 'c'), ['c']);
  assert.deepEqual(models(cwd, '--exclude', 'c'), ['a', 'b', 'd', 'raw']);
});

test('state: what is new, modified and unmodified against an earlier manifest', (t) => {
  const cwd = makeFolder(t, files);
  run(cwd, 'build', '--quiet');
  cpSync(path.join(cwd, 'target'), path.join(cwd, 'before'), { recursive: true });
  const state = (word) => models(cwd, '--state', 'before', '--select', word);
  assert.deepEqual(state('state:modified'), []);
  assert.deepEqual(state('state:unmodified'), ['a', 'b', 'c', 'd', 'raw']);
  edit(cwd, 'models/a.sql', 'select id', 'select id, 1 as one');
  edit(cwd, 'models/d.sql', 'select r.id', "{{ config(tags=['x']) }} select r.id");
  writeFileSync(path.join(cwd, 'models/e.sql'), "select 1 as id from {{ ref('d') }}");
  assert.deepEqual(state('state:modified'), ['a', 'd', 'e']);
  assert.deepEqual(state('state:modified+'), ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(state('state:modified.configs'), ['d', 'e']);
  assert.deepEqual(state('state:new'), ['e']);
  assert.deepEqual(state('state:old'), ['a', 'b', 'c', 'd', 'raw']);
  assert.deepEqual(state('state:modified.macros,state:old'), []);
  edit(cwd, 'macros/twice.sql', '* 2', '+ 0');
  assert.deepEqual(state('state:modified.macros,state:old'), ['b']);
  for (const [args, said] of [[['--select', 'state:modified'], /--state DIR/], [['--select', 'state:changed', '--state', 'before'], /a state is new, old/],
    [['--select', 'state:new', '--state', 'nowhere'], /nowhere\/manifest\.json: No such file/]]) {
    const { status, stderr } = tarn(['ls', ...args], { cwd });
    assert.equal(status, 2);
    assert.match(stderr, said);
  }
});

test('result: what failed or was skipped in the last run', (t) => {
  const cwd = makeFolder(t, { ...files, 'models/b.sql': "select id, 1/0::int as x, error('no') as y from {{ ref('a') }}" });
  assert.equal(tarn(['build'], { cwd }).status, 1);
  assert.deepEqual(models(cwd, '--select', 'result:error'), ['b']);
  assert.deepEqual(models(cwd, '--select', 'result:error+'), ['b', 'c', 'd']);
  assert.deepEqual(models(cwd, '--select', 'result:skipped'), ['c', 'd']);
  assert.deepEqual(models(cwd, '--select', 'result:success', '--exclude', 'raw'), ['a']);
});

test('retry runs again what failed or was skipped, with the vars of that run', (t) => {
  const cwd = makeFolder(t, { ...files, 'models/b.sql': "select id, {{ var('what') }} as x from {{ ref('a') }}" });
  const results = (done) => Object.fromEntries(JSON.parse(done.stdout).results.map((r) => [r.unique_id.split('.')[2], r.status]));
  assert.equal(tarn(['retry'], { cwd }).status, 2); // nothing has run yet
  const first = tarn(['build', '--vars', '{what: nowhere}', '--json'], { cwd });
  assert.equal(first.status, 1);
  assert.equal(results(first).b, 'error');
  const second = tarn(['retry', '--json'], { cwd });
  assert.equal(second.status, 1);
  assert.deepEqual(results(second), { b: 'error', unique_b_id: 'skipped', c: 'skipped', d: 'skipped' });
  const third = tarn(['retry', '--vars', '{what: 1}', '--json'], { cwd });
  assert.equal(third.status, 0, third.stderr);
  assert.deepEqual(results(third), { b: 'success', unique_b_id: 'pass', c: 'success', d: 'success' });
  assert.match(run(cwd, 'retry'), /nothing to run again/);
});
