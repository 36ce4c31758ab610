// `tarn build|run|test|seed|snapshot|compile|ls` on dbt projects: every materialisation, tests, selection, failures,
// resume, artifacts.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { jsonLines, makeFolder, tarn } from './tarn.js';

const projectYml = `
name: shop
version: '1.0'
profile: shop
vars: {limit: 2, shop: {greeting: hello}}
models:
  shop:
    +materialized: table
    +tags: [all]
    staging: {+materialized: view, +tags: [staging]}
    marts: {+schema: marts}
seeds:
  shop: {raw_codes: {+column_types: {code: varchar}}}
`;
const raw = 'id,name,amount,day,at,flag,code\n1,Ann,1.5,2026-01-01,2026-01-01 10:00:00,true,007\n'
  + '2,"Bob, jr",2,2026-01-02,2026-01-02 11:30:00,false,008\n3,,null,,,,009\n';
const project = (t, files = {}) => makeFolder(t, { 'dbt_project.yml': projectYml, 'seeds/raw.csv': raw, ...files });

// Runs with --json: { status, stderr, by: {name: result}, results }.
function dbt(cwd, command, ...args) {
  const done = tarn([command, ...args, '--json'], { cwd });
  let results = [];
  if (done.stdout.startsWith('{')) results = JSON.parse(done.stdout).results;
  const by = Object.fromEntries(results.map((r) => [r.unique_id.split('.').slice(2).join('.').replace(/\.[0-9a-f]{10}$/, ''), r]));
  return { ...done, results, by };
}
const statuses = (run) => Object.fromEntries(Object.entries(run.by).map(([name, r]) => [name, r.status]));
function rows(cwd, sql) {
  const done = tarn(['sql', sql, '--json'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  const value = JSON.parse(done.stdout);
  return Array.isArray(value) ? value : value.rows;
}
const names = (run) => run.results.map((r) => r.unique_id.split('.')[2]);

test('seeds get their types from their values', (t) => {
  const cwd = project(t, { 'seeds/raw_codes.csv': 'code,n\n001,12345678901\n002,2\n' });
  const run = dbt(cwd, 'seed');
  assert.equal(run.status, 0, run.stderr);
  const types = (table) => Object.fromEntries(rows(cwd, `select column_name, data_type from information_schema.columns where table_name = '${table}'`)
    .map((r) => [r.column_name, r.data_type]));
  assert.deepEqual(types('raw'), {
    id: 'INTEGER', name: 'VARCHAR', amount: 'DOUBLE', day: 'DATE', at: 'TIMESTAMP', flag: 'BOOLEAN', code: 'INTEGER',
  });
  assert.deepEqual(types('raw_codes'), { code: 'VARCHAR', n: 'BIGINT' });
  assert.deepEqual(rows(cwd, 'select name, amount from main.raw order by id'),
    [{ name: 'Ann', amount: 1.5 }, { name: 'Bob, jr', amount: 2 }, { name: null, amount: null }]);
  assert.equal(run.by.raw.adapter_response.rows_affected, 3);
});

test('views, tables, ephemeral models, macros, vars, schemas and aliases', (t) => {
  const cwd = project(t, {
    'macros/cents.sql': "{% macro cents(column, scale=2) %}round({{ column }} * 100, {{ scale }}){% endmacro %}",
    'models/staging/stg_raw.sql': "select id, name, {{ cents('amount') }} as cents from {{ ref('raw') }}",
    'models/staging/named.sql': "{{ config(materialized='ephemeral') }}\nwith x as (select * from {{ ref('stg_raw') }}) select * from x where name is not null",
    'models/staging/twice.sql': "{{ config(materialized='ephemeral') }} select *, 2 as two from {{ ref('named') }};",
    'models/marts/final.sql': `{{ config(alias='the_end') }}
-- a comment
with a as (select * from {{ ref('twice') }}), b as (select count(*) as n from {{ ref('named') }})
select a.*, b.n, '{{ var("greeting") }}' as greeting, '{{ this }}' as this, '{{ target.schema }}' as target from a, b
limit {{ var('limit') }}`,
  });
  const run = dbt(cwd, 'build');
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(names(run).sort(), ['final', 'raw', 'stg_raw']);
  assert.equal(run.by.stg_raw.relation_name, '"tarn"."main"."stg_raw"');
  assert.deepEqual(rows(cwd, 'select * from main_marts.the_end order by id'), [
    { id: 1, name: 'Ann', cents: 150, two: 2, n: 2, greeting: 'hello', this: '"main_marts"."the_end"', target: 'main' },
    { id: 2, name: 'Bob, jr', cents: 200, two: 2, n: 2, greeting: 'hello', this: '"main_marts"."the_end"', target: 'main' },
  ]);
  const again = dbt(cwd, 'run', '--vars', '{limit: 1, greeting: bye}');
  assert.equal(again.status, 0, again.stderr);
  assert.deepEqual(rows(cwd, 'select greeting from main_marts.the_end'), [{ greeting: 'bye' }]);
});

test('a view becomes a table and a table a view when the configuration says so', (t) => {
  const cwd = project(t, { 'models/m.sql': 'select 1 as a' });
  const kind = () => tarn(['tables', '--json'], { cwd }).stdout.includes('"view"');
  assert.equal(dbt(cwd, 'run').status, 0);
  assert.equal(kind(), false);
  writeFileSync(path.join(cwd, 'models/m.sql'), "{{ config(materialized='view') }} select 2 as a");
  assert.equal(dbt(cwd, 'run').status, 0);
  assert.equal(kind(), true);
  assert.deepEqual(rows(cwd, 'select * from main.m'), [{ a: 2 }]);
  writeFileSync(path.join(cwd, 'models/m.sql'), 'select 3 as a');
  assert.equal(dbt(cwd, 'run').status, 0);
  assert.deepEqual(rows(cwd, 'select * from main.m'), [{ a: 3 }]);
});

const incremental = (config, sql) => `{{ config(materialized='incremental', ${config}) }}\n${sql}`;

test('incremental models: append, replace by key, merge of some columns, full refresh', (t) => {
  const step = "{{ var('step', 1) }}";
  const cwd = project(t, {
    'models/appended.sql': incremental('', `select ${step} as step {% if is_incremental() %} where ${step} > (select max(step) from {{ this }}) {% endif %}`),
    'models/replaced.sql': incremental("unique_key='id'", `select * from (values (1, ${step}), (${step} + 1, ${step})) t(id, step)`),
    'models/two_keys.sql': incremental("unique_key=['a', 'b'], incremental_strategy='delete+insert'", `select 1 as a, ${step} as b, 'x' as c union all select 1, 1, 'step ${step}'`),
    'models/merged.sql': incremental("unique_key='id', incremental_strategy='merge', merge_update_columns=['last']", `select 1 as id, ${step} as first, ${step} as last`),
  });
  for (const n of [1, 2, 2, 3]) {
    const run = dbt(cwd, 'run', '--vars', `{step: ${n}}`);
    assert.equal(run.status, 0, run.stderr);
  }
  assert.deepEqual(rows(cwd, 'select step from main.appended order by 1'), [{ step: 1 }, { step: 2 }, { step: 3 }]);
  assert.deepEqual(rows(cwd, 'select id, step from main.replaced order by 1, 2'),
    [{ id: 1, step: 3 }, { id: 2, step: 1 }, { id: 3, step: 2 }, { id: 4, step: 3 }]);
  assert.deepEqual(rows(cwd, 'select b, c from main.two_keys order by 1'),
    [{ b: 1, c: 'step 3' }, { b: 2, c: 'x' }, { b: 3, c: 'x' }]);
  assert.deepEqual(rows(cwd, 'select * from main.merged'), [{ id: 1, first: 1, last: 3 }]);
  assert.equal(dbt(cwd, 'run', '--full-refresh', '--vars', '{step: 9}').status, 0);
  assert.deepEqual(rows(cwd, 'select step from main.appended'), [{ step: 9 }]);
});

test('on_schema_change: ignore, append, sync, fail', (t) => {
  const model = (policy) => incremental(`on_schema_change='${policy}'`, "select 1 as a {% if var('more', false) %}, 2 as b {% else %}, 3 as c {% endif %}");
  const cwd = project(t, Object.fromEntries(['ignore', 'append_new_columns', 'sync_all_columns', 'fail'].map((p) => [`models/m_${p}.sql`, model(p)])));
  assert.equal(dbt(cwd, 'run').status, 0);
  const run = dbt(cwd, 'run', '--vars', '{more: true}');
  assert.equal(run.status, 1);
  assert.deepEqual(statuses(run), { m_ignore: 'success', m_append_new_columns: 'success', m_sync_all_columns: 'success', m_fail: 'error' });
  const columns = (name) => Object.keys(rows(cwd, `select * from main.m_${name}`)[0]);
  assert.deepEqual(columns('ignore'), ['a', 'c']);
  assert.deepEqual(columns('append_new_columns'), ['a', 'c', 'b']);
  assert.deepEqual(columns('sync_all_columns'), ['a', 'b']);
  assert.deepEqual(rows(cwd, 'select count(*) as n from main.m_fail'), [{ n: 1 }]);
});

test('snapshots keep the versions of a row', (t) => {
  const cwd = project(t, {
    'snapshots/s.sql': "{% snapshot by_time %}{{ config(target_schema='history', unique_key='id', strategy='timestamp', updated_at='at') }}\n"
      + "select 1 as id, '{{ var(\"state\", \"new\") }}' as state, timestamp '2026-01-0{{ var(\"day\", 1) }}' as at{% endsnapshot %}\n"
      + "{% snapshot by_value %}{{ config(target_schema='history', unique_key='id', strategy='check', check_cols=['state'], invalidate_hard_deletes=true) }}\n"
      + "select 1 as id, '{{ var(\"state\", \"new\") }}' as state where '{{ var(\"state\", \"new\") }}' <> 'gone'{% endsnapshot %}",
  });
  for (const vars of ['{}', '{}', '{state: paid, day: 2}', '{state: gone, day: 3}']) {
    const run = dbt(cwd, 'snapshot', '--vars', vars);
    assert.equal(run.status, 0, run.stderr);
  }
  assert.deepEqual(rows(cwd, 'select state, dbt_valid_from, dbt_valid_to from history.by_time order by 2').map((r) => [r.state, r.dbt_valid_to === null]),
    [['new', false], ['paid', false], ['gone', true]]);
  assert.deepEqual(rows(cwd, 'select state, dbt_valid_to is null as open from history.by_value order by dbt_valid_from').map((r) => [r.state, r.open]),
    [['new', false], ['paid', false]]);
});

const tests = `
version: 2
models:
  - name: good
    description: "{{ doc('good_doc') }}"
    columns:
      - name: id
        description: the key
        tests: [unique, not_null]
      - name: kind
        data_tests:
          - accepted_values: {values: [a, b]}
          - accepted_values: {arguments: {values: [a]}, config: {severity: warn}, name: kind_is_a}
          - not_null: {config: {where: "id < 3"}}
          - relationships: {to: ref('bad'), field: kind}
  - name: bad
    tests:
      - dbt_utils.unique_combination_of_columns: {combination_of_columns: [id, kind]}
      - even: {column: id}
    columns:
      - name: id
        tests:
          - unique
          - test_name: not_null
            name: bad_id_is_there
            config: {store_failures: true, tags: [kept], error_if: ">1"}
`;
const tested = {
  'models/good.sql': "select * from (values (1, 'a'), (2, 'b'), (3, null)) t(id, kind)",
  'models/bad.sql': "select * from (values (2, 'a'), (2, 'b'), (null, 'b'), (null, 'c')) t(id, kind)",
  'models/after.sql': "select * from {{ ref('bad') }}",
  'models/last.sql': "select * from {{ ref('after') }} union all select * from {{ ref('good') }}",
  'models/schema.yml': tests,
  'models/d.md': '{% docs good_doc %}\nIt is *good*.\n{% enddocs %}',
  'tests/none_negative.sql': "select * from {{ ref('good') }} where id < 0",
  'tests/generic/even.sql': '{% test even(model, column) %}\nselect * from {{ model }} where {{ column }} % 2 = 1\n{% endtest %}',
};

test('tests: results, severity, names, stored failures; a failed test stops the children in build', (t) => {
  const cwd = project(t, tested);
  const run = dbt(cwd, 'build');
  assert.equal(run.status, 1);
  assert.deepEqual(statuses(run), {
    raw: 'success', good: 'success', bad: 'success', after: 'skipped', last: 'skipped',
    unique_good_id: 'pass', not_null_good_id: 'pass', accepted_values_good_kind__a__b: 'pass', kind_is_a: 'warn', not_null_good_kind: 'pass',
    relationships_good_kind__kind__ref_bad_: 'pass', dbt_utils_unique_combination_of_columns_bad_id__kind: 'pass', even_bad_id: 'pass',
    unique_bad_id: 'fail', bad_id_is_there: 'fail', none_negative: 'pass',
  });
  assert.equal(run.by.unique_bad_id.failures, 1);
  assert.match(run.by.bad_id_is_there.message, /Got 2 results, configured to fail if >1/);
  assert.equal(run.by.after.failures, null);
  assert.deepEqual(rows(cwd, 'select * from main_dbt_test__audit.bad_id_is_there'), [{ id: null, kind: 'b' }, { id: null, kind: 'c' }]);
  assert.match(run.stderr, /3 of|2 of/);
  const only = dbt(cwd, 'test', '--select', 'good');
  assert.equal(only.status, 0, only.stderr);
  assert.equal(only.by.kind_is_a.status, 'warn');
  assert.equal(only.by.kind_is_a.failures, 1);
});

test('selection', (t) => {
  const cwd = project(t, { ...tested, 'models/staging/s1.sql': "select * from {{ ref('raw') }}", 'models/staging/s2.sql': "select * from {{ ref('s1') }}" });
  const ls = (...args) => {
    const done = tarn(['ls', '--resource-type', 'model', 'seed', '--output', 'name', ...args], { cwd });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout.split('\n').filter(Boolean).sort();
  };
  assert.deepEqual(ls(), ['after', 'bad', 'good', 'last', 'raw', 's1', 's2']);
  assert.deepEqual(ls('--select', '+last'), ['after', 'bad', 'good', 'last']);
  assert.deepEqual(ls('--select', '1+last'), ['after', 'good', 'last']);
  assert.deepEqual(ls('--select', 'raw+'), ['raw', 's1', 's2']);
  assert.deepEqual(ls('--select', 'raw+1'), ['raw', 's1']);
  assert.deepEqual(ls('--select', '@s1'), ['raw', 's1', 's2']);
  assert.deepEqual(ls('--select', 'tag:staging'), ['s1', 's2']);
  assert.deepEqual(ls('--select', 'path:models/staging', 'raw'), ['raw', 's1', 's2']);
  assert.deepEqual(ls('--select', 'models/staging,+s1'), ['s1']);
  assert.deepEqual(ls('--select', 's[12]', '--exclude', 's2'), ['s1']);
  assert.deepEqual(ls('--select', 'config.materialized:view'), ['s1', 's2']);
  assert.deepEqual(ls('--select', 'staging'), ['s1', 's2']);
  assert.deepEqual(ls('--select', 'shop.staging.s1 resource_type:seed'), ['raw', 's1']);
  assert.deepEqual(ls('--select', 'good.sql'), ['good']);
  const tests = tarn(['ls', '--select', 'test_type:singular', 'test_name:even', '--output', 'name'], { cwd });
  assert.deepEqual(tests.stdout.split('\n').filter(Boolean).sort(), ['even_bad_id', 'none_negative']);
  assert.match(tarn(['ls', '--select', 'tga:x'], { cwd }).stderr, /unknown method 'tga'; did you mean 'tag'/);
  const typo = tarn(['build', '--select', 'good', 'gooed'], { cwd });
  assert.match(typo.stderr, /'gooed' matches nothing; did you mean 'good'/);
  assert.equal(typo.status, 2);
  for (const fine of [['--select', 'gooed*'], ['--select', 'tag:none'], ['--select', 'good', '--exclude', 'gooed']]) {
    const { status, stderr } = tarn(['ls', ...fine], { cwd });
    assert.equal(status, 0);
    assert.match(stderr, /warning: the selection '.*' matches nothing/);
  }
});

test('a failing model skips its children and says which line of which file', (t) => {
  const cwd = project(t, {
    'models/a.sql': 'select 1 as id',
    'models/b.sql': "select\n    id,\n    nmae\nfrom {{ ref('a') }}",
    'models/c.sql': "select * from {{ ref('b') }}",
    'models/d.sql': "select cast('x' || id as integer) as n from {{ ref('a') }}",
  });
  const run = dbt(cwd, 'run');
  assert.equal(run.status, 1);
  assert.deepEqual(statuses(run), { a: 'success', b: 'error', c: 'skipped', d: 'error' });
  assert.match(run.by.b.message, /model b \(models\/b\.sql\): [\s\S]*nmae[\s\S]*target\/compiled\/shop\/models\/b\.sql:3/);
  assert.match(run.by.d.message, /Could not convert/);
  assert.match(run.by.c.message, /model 'b' did not succeed/);
  assert.match(run.stderr, /2 of 4 failed, 1 skipped/);
  assert.equal(readFileSync(path.join(cwd, 'target/compiled/shop/models/b.sql'), 'utf8').split('\n')[2], '    nmae');
});

test('a resumed run makes nothing twice', (t) => {
  const cwd = project(t, {
    'models/log.sql': incremental('', 'select 1 as one'),
    'models/next.sql': "select count(*) as n, {{ var('fail', 1) }} / 1 as x from {{ ref('log') }} where {% if var('fail', false) %}nothing{% else %}true{% endif %}",
  });
  const run = dbt(cwd, 'run', '--run-id', 'r1', '--vars', '{fail: true}');
  assert.deepEqual(statuses(run), { log: 'success', next: 'error' });
  const resumed = dbt(cwd, 'run', '--run-id', 'r1');
  assert.equal(resumed.status, 0, resumed.stderr);
  assert.match(resumed.by.log.message, /committed before/);
  assert.deepEqual(rows(cwd, 'select n from main.next'), [{ n: 1 }]);
  assert.equal(dbt(cwd, 'run', '--run-id', 'r2').status, 0);
  assert.deepEqual(rows(cwd, 'select n from main.next'), [{ n: 2 }]);
});

test('templates that run SQL: run_query, statement, adapter, hooks, dispatch', (t) => {
  const cwd = project(t, {
    'macros/m.sql': "{% macro kinds() %}{{ return(adapter.dispatch('kinds')()) }}{% endmacro %}{% macro default__kinds() %}{{ return(['x']) }}{% endmacro %}"
      + "{% macro duckdb__kinds() %}{{ return(run_query('select kind from ' ~ ref('kinds_table') ~ ' order by 1').columns[0].values()) }}{% endmacro %}",
    'models/kinds_table.sql': "select unnest(['a', 'b']) as kind",
    'models/m.sql': `-- depends_on: {{ ref('kinds_table') }}
{{ config(pre_hook="create or replace temp table hooked as select 42 as n", post_hook=["select 1", {"sql": "select 2", "transaction": false}]) }}
{% call statement('top', fetch_result=True) %}select count(*) from {{ ref('kinds_table') }}{% endcall %}
select {% if execute %}{{ load_result('top').data[0][0] }}{% else %}0{% endif %} as total, (select n from hooked) as n
{% for kind in kinds() %}, '{{ kind }}' as {{ kind }}{% endfor %}
{% for column in adapter.get_columns_in_relation(ref('kinds_table')) %}, '{{ column.name }}:{{ column.dtype }}' as c{{ loop.index }}{% endfor %}
, {{ dbt_utils.generate_surrogate_key(['1', "'b'"]) }} as key, {{ dbt.datediff("date '2026-01-01'", "date '2026-03-01'", 'month') }} as months`,
  });
  const run = dbt(cwd, 'run');
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(rows(cwd, 'select * exclude (key) from main.m'), [{ total: 2, n: 42, a: 'a', b: 'b', c1: 'kind:VARCHAR', months: 2 }]);
  assert.deepEqual(rows(cwd, "select key = md5('1-b') as same from main.m"), [{ same: true }]);
});

const mistakes = [
  ['unknown ref', { 'models/a.sql': "select *\nfrom {{ ref('rwa') }}" }, /models\/a\.sql:2: model 'a': ref\('rwa'\).*did you mean 'raw'/],
  ['unknown source', { 'models/a.sql': "select * from {{ source('x', 'y') }}" }, /source\('x', 'y'\) is not declared/],
  ['a cycle', { 'models/a.sql': "select * from {{ ref('b') }}", 'models/b.sql': "select * from {{ ref('a') }}" }, /in a circle: b \(models\/b\.sql\) -> a \(models\/a\.sql\) -> b;/],
  ['two models of one name', { 'models/a.sql': 'select 1', 'models/x/a.sql': 'select 1' }, /two nodes named 'a': models\/a\.sql and models\/x\/a\.sql/],
  ['two nodes of one table', { 'models/a.sql': 'select 1', 'models/b.sql': "{{ config(alias='a') }} select 1" }, /both be the table main\.a/],
  ['an unknown test', { 'models/a.sql': 'select 1 as a', 'models/s.yml': 'models:\n  - name: a\n    columns:\n      - name: a\n        tests: [uniqe]\n' }, /s\.yml:5.*no generic test 'uniqe'; did you mean 'unique'/],
  ['a wrong YAML type', { 'models/s.yml': 'models:\n  - name: a\n    columns: 3\n', 'models/a.sql': 'select 1' }, /s\.yml:3/],
  ['bad YAML', { 'models/s.yml': 'models: [\n' }, /s\.yml/],
  ['bad Jinja', { 'models/a.sql': 'select {{ 1 + }}' }, /models\/a\.sql:1/],
  ['an undefined macro', { 'models/a.sql': 'select\n{{ no_such_macro() }}' }, /models\/a\.sql:2.*no_such_macro/, true],
  ['a raised error', { 'models/a.sql': "{{ exceptions.raise_compiler_error('not like this') }}" }, /models\/a\.sql:1.*not like this/],
  ['a Python model', { 'models/a.py': 'x' }, /a\.py.*Python/],
  ['bad vars', {}, /--vars/, false, ['--vars', '[1, 2]']],
];
for (const [what, files, message, runs, args = []] of mistakes) {
  test(`a clear error for ${what}`, (t) => {
    const cwd = project(t, files);
    const done = tarn(['build', ...args], { cwd });
    assert.equal(done.status, runs ? 1 : done.status, done.stderr);
    assert.notEqual(done.status, 0);
    assert.match(done.stderr, message);
    assert.doesNotMatch(done.stderr, /assert|core dumped/);
  });
}

test('sources: their tables, their tests, and what is read from them', (t) => {
  const cwd = project(t, {
    'models/sources.yml': "sources:\n  - name: landed\n    schema: main\n    tables:\n      - name: things\n        identifier: raw\n        columns:\n          - name: id\n            tests: [not_null, unique]\n",
    'models/a.sql': "select id from {{ source('landed', 'things') }}",
  });
  assert.equal(dbt(cwd, 'seed').status, 0);
  const run = dbt(cwd, 'build', '--select', 'source:landed+');
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(statuses(run), { a: 'success', source_not_null_landed_things_id: 'pass', source_unique_landed_things_id: 'pass' });
});

test('artifacts: manifest.json and run_results.json as dbt writes them', (t) => {
  const cwd = project(t, tested);
  dbt(cwd, 'build');
  const manifest = JSON.parse(readFileSync(path.join(cwd, 'target/manifest.json'), 'utf8'));
  const results = JSON.parse(readFileSync(path.join(cwd, 'target/run_results.json'), 'utf8'));
  assert.equal(manifest.metadata.dbt_schema_version, 'https://schemas.getdbt.com/dbt/manifest/v12.json');
  for (const key of ['nodes', 'sources', 'macros', 'docs', 'exposures', 'metrics', 'groups', 'selectors', 'disabled', 'parent_map', 'child_map',
    'group_map', 'saved_queries', 'semantic_models', 'unit_tests']) assert.ok(manifest[key], key);
  const last = manifest.nodes['model.shop.last'];
  assert.deepEqual(last.depends_on.nodes, ['model.shop.after', 'model.shop.good']);
  assert.deepEqual(manifest.child_map['model.shop.after'], ['model.shop.last']);
  assert.equal(manifest.nodes['model.shop.good'].description, 'It is *good*.');
  assert.deepEqual(manifest.nodes['model.shop.good'].config.tags, ['all']);
  const unique = Object.values(manifest.nodes).find((n) => n.name === 'unique_good_id');
  assert.deepEqual(unique.test_metadata, { name: 'unique', kwargs: { column_name: 'id', model: "{{ get_where_subquery(ref('good')) }}" }, namespace: null });
  assert.equal(unique.attached_node, 'model.shop.good');
  assert.equal(results.metadata.dbt_schema_version, 'https://schemas.getdbt.com/dbt/run-results/v6.json');
  for (const result of results.results) {
    assert.ok('failures' in result && 'compiled_code' in result && Array.isArray(result.timing), result.unique_id);
    assert.ok(manifest.nodes[result.unique_id], result.unique_id);
  }
});

test('compile writes plain SQL and touches no table', (t) => {
  const cwd = project(t, { 'models/a.sql': "select * from {{ ref('raw') }} where id > {{ var('limit') }}" });
  const done = tarn(['compile', '--quiet'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  assert.equal(readFileSync(path.join(cwd, 'target/compiled/shop/models/a.sql'), 'utf8'), 'select * from "main"."raw" where id > 2');
  assert.deepEqual(jsonLines(tarn(['ls', '--json', '--select', 'a'], { cwd }).stdout)[0].depends_on, ['seed.shop.raw']);
  assert.doesNotMatch(tarn(['tables'], { cwd }).stdout, /raw/);
});

test('tests of many columns share a scan and still report each by itself', (t) => {
  const columns = ['a', 'b', 'c', 'd'].map((name) => `      - name: ${name}\n        tests: [not_null, unique, {accepted_values: {values: [1, 2], quote: false}}]`);
  const cwd = project(t, {
    'models/m.sql': 'select * from (values (1, 1, 1, null), (2, 1, 3, 2)) t(a, b, c, d)',
    'models/m.yml': `models:\n  - name: m\n    columns:\n${columns.join('\n')}\n      - name: missing\n        tests: [not_null]\n`,
  });
  const run = dbt(cwd, 'build');
  assert.deepEqual(Object.entries(statuses(run)).filter(([, s]) => s === 'fail').map(([name]) => name).sort(),
    ['accepted_values_m_c__False__1__2', 'not_null_m_d', 'unique_m_b']);
  assert.equal(run.by.not_null_m_missing.status, 'error');
  assert.equal(run.by.unique_m_b.failures, 1);
  const clean = dbt(cwd, 'test', '--exclude', 'not_null_m_missing');
  assert.equal(clean.by.unique_m_b.status, 'fail');
  assert.equal(clean.by.not_null_m_a.status, 'pass');
});

test('packages: macros and models of an installed one, dispatch order, its vars', (t) => {
  const cwd = project(t, {
    'dbt_packages/tools/dbt_project.yml': 'name: tools\nversion: "1"\nvars: {tools: {unit: cm}}\nmodels: {tools: {+schema: tools}}\n',
    'dbt_packages/tools/macros/t.sql': "{% macro unit() %}{{ return(adapter.dispatch('unit', 'tools')()) }}{% endmacro %}{% macro default__unit() %}'{{ var('unit', 'none') }}'{% endmacro %}"
      + "{% macro default__other() %}'tools'{% endmacro %}{% macro other() %}{{ adapter.dispatch('other', 'tools')() }}{% endmacro %}",
    'dbt_packages/tools/models/from_tools.sql': 'select {{ unit() }} as unit',
    'macros/o.sql': "{% macro default__other() %}'shop'{% endmacro %}",
    'models/a.sql': "select unit, {{ tools.other() }} as other from {{ ref('tools', 'from_tools') }}",
  });
  mkdirSync(path.join(cwd, 'dbt_packages/tools/seeds'));
  const run = dbt(cwd, 'build');
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(rows(cwd, 'select * from main.a'), [{ unit: 'cm', other: 'shop' }]);
  assert.ok(existsSync(path.join(cwd, 'target/compiled/tools/models/from_tools.sql')));
});

test('a template that cannot be read is a mistake in the project, with file, line and column', (t) => {
  for (const [sql, said] of [["select 1\nfrom {{ ref('x' }}", /broken\.sql:2:\d+: /], ['{% if true %}select 1', /broken\.sql:1:/]]) {
    const { status, stderr } = tarn(['build'], { cwd: project(t, { 'models/broken.sql': sql }) });
    assert.equal(status, 2, stderr);
    assert.match(stderr, said);
  }
});

test('an enforced contract fixes names and types, or the model is not made', (t) => {
  const contract = (columns, materialized) => `models:\n  - name: m\n    config: {contract: {enforced: true}, materialized: ${materialized}}\n    columns: [${columns}]\n`;
  const good = '{name: label, data_type: string}, {name: id, data_type: int}, {name: price, data_type: "decimal(18, 2)"}';
  const sql = "select 1 as id, 1.5::decimal(5,1) as price, 'x' as label";
  for (const materialized of ['table', 'incremental']) {
    const cwd = project(t, { 'models/m.sql': sql, 'models/m.yml': contract(good, materialized) });
    for (let i = 0; i < 2; i++) assert.equal(dbt(cwd, 'build', '--select', 'm').status, 0);
    assert.deepEqual(rows(cwd, 'describe main.m').map((c) => `${c.column_name} ${c.column_type}`),
      ['label VARCHAR', 'id INTEGER', 'price DECIMAL(18,2)']);
  }
  for (const [columns, said] of [
    ['{name: id, data_type: bigint}, {name: price, data_type: decimal}, {name: kind, data_type: string}',
      /contract of 'm' does not hold.*\n  id: INTEGER in the SQL, BIGINT in the contract\n  kind: missing in the SQL, VARCHAR in the contract\n  label: VARCHAR in the SQL, missing in the contract/],
    ['{name: id}', /gives the column 'id' no data_type/], ['{name: id, data_type: integr}', /contract of 'm'.*integr/], ['', /declares no columns/],
  ]) for (const materialized of ['table', 'view']) {
    const run = dbt(project(t, { 'models/m.sql': sql, 'models/m.yml': contract(columns, materialized) }), 'build', '--select', 'm');
    assert.equal(run.status, 1, run.stderr);
    assert.match(run.by.m.message, said);
  }
});

test('a snapshot may be nothing but YAML', (t) => {
  const cwd = project(t, { 'models/m.sql': 'select 1 as id, {{ var("v", 1) }} as v', 'snapshots/all.yml': `snapshots:
  - name: m_history
    relation: ref('m')
    description: What m was.
    config: {schema: kept, unique_key: id, strategy: check, check_cols: [v]}
    columns: [{name: id, tests: [not_null]}]
` });
  for (const v of [1, 1, 2]) assert.equal(dbt(cwd, 'build', '--select', 'm+', '--vars', `{v: ${v}}`).status, 0);
  assert.deepEqual(rows(cwd, 'select v, dbt_valid_to is null as open from main_kept.m_history order by v'),
    [{ v: 1, open: false }, { v: 2, open: true }]);
  const wrong = dbt(project(t, { 'snapshots/all.yml': "snapshots:\n  - name: h\n    relation: ref('x')\n    config: {unique_key: id}\n" }), 'build');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /snapshots\/all\.yml:2: snapshot 'h': ref\('x'\)/);
});
