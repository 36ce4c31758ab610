// A person's own files: init, ingest FILE, sql, tables, describe, report.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { binary, makeFolder, tarn } from './tarn.js';

const people = 'id,name,born,height,active\n1,Anna,1990-05-01,1.71,true\n2,"Müller, Ben",1985-12-24,1.80,false\n';

function run(cwd, ...args) {
  const done = tarn(args, { cwd });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout;
}
const project = (t, files = {}) => makeFolder(t, { 'tarn.yml': 'name: mine\n', ...files });
const query = (cwd, sql, ...args) => JSON.parse(run(cwd, 'sql', sql, '--format', 'json', ...args));

test('a CSV file becomes a typed table at once', (t) => {
  const cwd = project(t, { 'People 2026.csv': people });
  run(cwd, 'ingest', 'People 2026.csv');
  assert.deepEqual(query(cwd, 'select id, name, born, height, active from bronze.people_2026 order by id'), [
    { id: 1, name: 'Anna', born: '1990-05-01', height: 1.71, active: true },
    { id: 2, name: 'Müller, Ben', born: '1985-12-24', height: 1.8, active: false },
  ]);
  const types = query(cwd, 'describe bronze.people_2026').slice(0, 5).map((column) => column.column_type);
  assert.deepEqual(types, ['BIGINT', 'VARCHAR', 'DATE', 'DECIMAL(18,2)', 'BOOLEAN']);
  const again = run(cwd, 'ingest', 'People 2026.csv');
  assert.match(again, /loaded before; nothing was changed/);
  assert.deepEqual(query(cwd, 'select count(*) as n from bronze.people_2026'), [{ n: 2 }]);
});

test('values that do not fit their column are rescued', (t) => {
  const lines = ['id,amount'];
  for (let i = 1; i <= 200; i++) lines.push(`${i},${i === 77 ? 'n/a' : i / 4}`);
  const cwd = project(t, { 'sales.csv': `${lines.join('\n')}\n`, 'more.csv': 'id,amount\nX1,5\n201,"1,5"\n' });
  run(cwd, 'ingest', 'sales.csv');
  run(cwd, 'ingest', 'more.csv', '--table', 'sales');
  const bad = query(cwd, 'select id, amount, _rescued from bronze.sales where _rescued is not null order by _file desc, _line');
  assert.deepEqual(bad.map((row) => [row.id, row.amount, JSON.parse(row._rescued)]), [
    [77, null, { amount: 'n/a' }], [null, 5, { id: 'X1' }], [201, null, { amount: '1,5' }],
  ]);
  assert.deepEqual(query(cwd, 'select count(*) as n, count(amount) as amounts from bronze.sales'), [{ n: 202, amounts: 200 }]);
});

test('patterns, folders, formats, tabs and pipes', (t) => {
  const cwd = project(t, {
    'in/a.csv': 'x|y\n1|2\n', 'in/b.csv': 'x|y\n3|4\n', 'in/deep/c.csv': 'y|x\n6|5\n',
    'events.log': '{"kind": "click", "at": "2026-01-01T10:00:00Z", "n": 3, "code": "0012"}\n', 'tabs.tsv': 'a\tb\n1\t2\n',
  });
  run(cwd, 'ingest', 'in', '--table', 'numbers');
  run(cwd, 'ingest', 'in/*.csv', '--table', 'pattern');
  run(cwd, 'ingest', 'events.log', '--format', 'ndjson');
  run(cwd, 'ingest', 'tabs.tsv');
  assert.deepEqual(query(cwd, 'select x, y from bronze.numbers order by x'), [{ x: 1, y: 2 }, { x: 3, y: 4 }, { x: 5, y: 6 }]);
  assert.deepEqual(query(cwd, 'select count(*) as n from bronze.pattern'), [{ n: 2 }]);
  assert.deepEqual(query(cwd, 'select kind, "at", n, code from bronze.events'),
    [{ kind: 'click', at: '2026-01-01 10:00:00', n: 3, code: '0012' }]);
  assert.deepEqual(query(cwd, 'select a, b from bronze.tabs'), [{ a: 1, b: 2 }]);
});

test('files without a header get names; a declaration gives better ones', (t) => {
  const cwd = project(t, {
    'plain.csv': '1,2.5\n2,3.5\n', 'named.csv': '1;x\n2;y\n',
    'sources/mine.yml': 'source: mine\ntype: files\nentities:\n  named:\n    files: {format: csv, delimiter: ";", header: false}\n    columns: [id, letter]\n',
  });
  run(cwd, 'ingest', 'plain.csv', 'named.csv');
  assert.deepEqual(query(cwd, 'select column1, column2 from bronze.plain order by 1'),
    [{ column1: 1, column2: 2.5 }, { column1: 2, column2: 3.5 }]);
  assert.deepEqual(query(cwd, 'select id, letter from bronze.named order by 1'), [{ id: '1', letter: 'x' }, { id: '2', letter: 'y' }]);
});

test('sql prints tables, CSV, JSON and Markdown, of several statements, from a file or standard input', (t) => {
  const cwd = project(t, { 'q.sql': "select 1 as a; -- one; not two\nselect 'x;y' as b\n" });
  assert.equal(run(cwd, 'sql', "select 12 as n, 'a\"b,c' as t, null::varchar as z"), '  n │ t     │ z\n────┼───────┼──────\n 12 │ a"b,c │ NULL\n1 row\n');
  assert.equal(run(cwd, 'sql', "select 12 as n, 'a\"b,c' as t, null as z, '' as e", '--format', 'csv'), 'n,t,z,e\n12,"a""b,c",,""\n');
  assert.deepEqual(query(cwd, "select 1.5 as d, [1, 2] as l, {'k': date '2026-01-01'} as s"), [{ d: 1.5, l: [1, 2], s: { k: '2026-01-01' } }]);
  assert.equal(run(cwd, 'sql', "select 'a|b' as t, 2 as n", '--format', 'markdown'), '| t | n |\n| --- | ---: |\n| a\\|b | 2 |\n');
  assert.match(run(cwd, 'sql', '-f', 'q.sql', '--format', 'csv'), /^a\n1\n\nb\nx;y\n$/);
  const piped = spawnSync(binary, ['sql', '--format', 'csv'], { cwd, input: 'select 42 as answer', encoding: 'utf8' });
  assert.equal(piped.stdout, 'answer\n42\n');
  assert.match(run(cwd, 'sql', 'select * from range(500)', '--limit', '3'), /the first 3 rows; there are more/);
  assert.equal(run(cwd, 'sql', 'select * from range(5000)', '--format', 'csv').split('\n').length, 5002);
});

test('sql only reads, and says who writes', (t) => {
  const cwd = project(t, { 'p.csv': people });
  run(cwd, 'ingest', 'p.csv');
  for (const sql of ['drop table bronze.p', 'insert into bronze.p values (1)', 'create table x as select 1', 'delete from bronze.p',
    "copy bronze.p to 'x.csv'", '/* c */ update bronze.p set id = 1', "attach 'x.db'"]) {
    const done = tarn(['sql', sql], { cwd });
    assert.equal(done.status, 2, sql);
    assert.match(done.stderr, /only reads; the lake is written by models .* and by `tarn ingest`/);
  }
  const bad = tarn(['sql', 'select *\nfrom bronze.pp'], { cwd });
  assert.equal(bad.status, 3);
  assert.match(bad.stderr, /pp does not exist[^]*LINE 2/);
});

test('tables, describe and time travel', (t) => {
  const cwd = project(t, { 'p.csv': 'id\n1\n', 'q.csv': 'id\n2\n' });
  run(cwd, 'ingest', 'p.csv');
  const first = JSON.parse(run(cwd, 'describe', 'bronze.p', '--json')).snapshots[0];
  run(cwd, 'ingest', 'q.csv', '--table', 'p');
  const tables = JSON.parse(run(cwd, 'tables', '--json'));
  assert.deepEqual(tables.map((one) => `${one.namespace}.${one.name}`), ['bronze.p', 'bronze.rejected_files', 'bronze.rejected_rows']);
  assert.deepEqual([tables[0].rows, tables[0].kind], [2, 'table']);
  assert.match(run(cwd, 'tables'), /bronze\.p +│ table │ +2 │/);
  const text = run(cwd, 'describe', 'p');
  assert.match(text, /bronze\.p: 2 rows in \d files/);
  assert.match(text, /_line +│ BIGINT +│ Line of the file/);
  assert.deepEqual(query(cwd, 'select count(*) as n from bronze.p'), [{ n: 2 }]);
  assert.deepEqual(query(cwd, 'select count(*) as n from bronze.p', '--at', first.id), [{ n: 1 }]);
  assert.deepEqual(query(cwd, 'select count(*) as n from bronze.p', '--at', first.time), [{ n: 1 }]);
  assert.equal(JSON.parse(run(cwd, 'describe', 'bronze.p', '--json', '--at', first.id)).rows, 1);
  const early = tarn(['sql', 'from bronze.p', '--at', '2020-01-01'], { cwd });
  assert.equal(early.status, 2);
  const odd = tarn(['sql', 'from bronze.p', '--at', 'yesterday'], { cwd });
  assert.equal(odd.status, 2);
  const missing = tarn(['describe', 'bronze.pp'], { cwd });
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /bronze\.p\b/); // the nearest one
});

const report = `title: Numbers
description: All of them.
currency: "€"
parameters:
  least: (select min(amount) from bronze.sales)
sections:
  - title: Figures
    layout: kpi
    sql: |
      select 'Revenue' as label, sum(amount)::double as value, 20.0::double as previous, 'money' as format, 'all days' as note
      from bronze.sales
      union all select 'Returns', 3, 2, 'integer', null
  - title: Rows
    sql: select name, amount from bronze.sales where amount >= {{ least }} order by id
    columns:
      amount: {title: Amount, format: money, bar: true}
  - title: Nobody
    sql: select 1 as n where false
    empty: There is nobody.
  - layout: text
    sql: select count(*) as n from bronze.sales
    text: "{{ n }} rows."
`;

test('report: text, Markdown, CSV, JSON, parameters', (t) => {
  const cwd = project(t, { 'sales.csv': 'id,name,amount\n1,a,5.50\n2,b,1994.50\n', 'reports/numbers.yml': report });
  run(cwd, 'ingest', 'sales.csv');
  const text = run(cwd, 'report', 'numbers');
  assert.match(text, /Numbers\n═══════\nAll of them\.\n/);
  assert.match(text, /Revenue +€2,000\.00 +▲ 9900\.0 % +all days\n/);
  assert.match(text, /b +│ +€1,994\.50 │ ████████████████\n/);
  assert.match(text, /There is nobody\./);
  assert.match(text, /2 rows\./);
  assert.match(run(cwd, 'report', 'numbers', '--format', 'markdown'), /^# Numbers[^]*## Rows\n\n\| name \| Amount \|[^]*\| b \| €1,994\.50 \|/);
  assert.match(run(cwd, 'report', 'numbers', '--format', 'csv'), /name,amount\na,5\.50\nb,1994\.50\n/);
  run(cwd, 'report', 'numbers', '--set', 'least=100', '--output', 'out.md', '--format', 'markdown');
  assert.doesNotMatch(readFileSync(path.join(cwd, 'out.md'), 'utf8'), /\| a \|/);
  const json = JSON.parse(run(cwd, 'report', 'numbers', '--json'));
  assert.equal(json.parameters.least, '5.50');
  assert.equal(json.sections[0].rows[0].value, 2000);

  const missing = tarn(['report', 'number'], { cwd });
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /there are: numbers/);
  writeFileSync(path.join(cwd, 'reports/broken.yml'), 'title: x\nsections:\n  - sqll: select 1\n');
  const broken = tarn(['report', 'broken'], { cwd });
  assert.equal(broken.status, 2);
  assert.match(broken.stderr, /broken\.yml:3.*sqll.*sql/);
  writeFileSync(path.join(cwd, 'reports/wrong.yml'), 'title: x\nsections:\n  - title: Bad one\n    sql: select nope\n');
  assert.match(tarn(['report', 'wrong'], { cwd }).stderr, /wrong\.yml:3: the section Bad one: .*nope/);
});

test('init makes a project that works, and refuses a folder with something in it', (t) => {
  const cwd = makeFolder(t);
  run(cwd, 'init', 'shop');
  const shop = path.join(cwd, 'shop');
  run(shop, 'ingest', 'data/sales.csv');
  assert.deepEqual(query(shop, 'select count(*) as n from bronze.sales'), [{ n: 9 }]);
  const done = tarn(['run', 'daily'], { cwd: shop });
  assert.equal(done.status, 0, done.stderr + done.stdout);
  assert.deepEqual(query(shop, "select count(*) as n from quarantine.sales where severity = 'error'"), [{ n: 2 }]);
  assert.match(run(shop, 'report', 'sales'), /Revenue[^]*Day by day[^]*2 rows are held back/);

  const again = tarn(['init', 'shop'], { cwd });
  assert.equal(again.status, 3);
  assert.match(again.stderr, /shop: the folder is not empty/);
  mkdirSync(path.join(cwd, 'empty'));
  run(cwd, 'init', 'empty');
  assert.equal(tarn(['init'], { cwd }).status, 2);
});

test('a new project comes up at once; a file put into data/ is loaded by the next run', (t) => {
  const cwd = makeFolder(t);
  run(cwd, 'init', 'shop');
  const shop = path.join(cwd, 'shop');
  const shown = run(shop, 'up');
  assert.match(shown, /Day by day[^]*Where everything lies[^]*from main\.daily_sales limit 5/);
  writeFileSync(path.join(shop, 'data/people.csv'), people);
  run(shop, 'run', 'daily');
  assert.deepEqual(query(shop, 'select count(*) as n from bronze.people'), [{ n: 2 }]);
  assert.deepEqual(query(shop, 'select count(*) as n from bronze.sales'), [{ n: 9 }]);
  assert.match(run(shop, 'report'), /Day by day/);
});

test('a project builds before anything was checked: the rules that its models rely on run first', (t) => {
  const cwd = makeFolder(t);
  run(cwd, 'init', 'shop');
  const shop = path.join(cwd, 'shop');
  run(shop, 'ingest', 'data/sales.csv');
  run(shop, 'build', '--quiet');
  const counts = () => query(shop, `select (select count(*) from bronze.sales) as sales, (select count(*) from main.stg_sales) as kept,
    (select count(distinct _line) from quarantine.sales where severity = 'error') as held`);
  assert.deepEqual(counts(), [{ sales: 9, kept: 7, held: 2 }]);
  run(shop, 'quality', '--layer', 'bronze', '--quiet');
  run(shop, 'build', '--quiet');
  assert.deepEqual(counts(), [{ sales: 9, kept: 7, held: 2 }]);
});

test('options out of range are named with what they take', (t) => {
  const cwd = project(t);
  for (const [args, said] of [
    [['tables', '--threads', '-1'], /--threads is 1 or more, not -1/],
    [['quality', '--layer', 'nope'], /--layer is bronze, silver or gold, not 'nope'/],
    [['tables', 'a', 'b'], /it takes one namespace, not 2/],
    [['init', 'a', 'b'], /it takes one folder, not 2/],
    [['version', '--nonsense'], /there is no option '--nonsense'/],
  ]) {
    const done = tarn(args, { cwd });
    assert.equal(done.status, 2, args.join(' '));
    assert.match(done.stderr, said);
  }
});

test('init --example copies a whole example', (t) => {
  const cwd = makeFolder(t);
  run(cwd, 'init', 'mine', '--example', 'commerce');
  assert.match(readFileSync(path.join(cwd, 'mine/tarn.yml'), 'utf8'), /name: commerce/);
  assert.match(tarn(['init', 'other', '--example', 'nope'], { cwd }).stderr, /no example 'nope'/);
});

test('a data folder that is mistyped is not made, a report that is not there does not empty a file', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: mine\n', 'reports/daily.yml': 'title: Daily\nsections:\n  - {title: One, sql: select 1 as one}\n', 'out.txt': 'kept' });
  for (const args of [['tables'], ['describe', 'bronze.x'], ['sql', 'select 1'], ['report', 'daily']]) {
    const done = tarn([...args, '--data', 'typo'], { cwd });
    assert.equal(done.status, 2, done.stderr);
    assert.match(done.stderr, /opening the data folder typo: it is not there/);
    assert.equal(existsSync(path.join(cwd, 'typo')), false);
  }
  assert.notEqual(tarn(['report', 'nope', '--output', 'out.txt'], { cwd }).status, 0);
  assert.equal(readFileSync(path.join(cwd, 'out.txt'), 'utf8'), 'kept');
  assert.equal(tarn(['report', 'daily', '--output', 'out.txt'], { cwd }).status, 0);
  assert.match(readFileSync(path.join(cwd, 'out.txt'), 'utf8'), /Daily/);
});
