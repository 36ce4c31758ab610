// The incremental strategy microbatch, and --empty: what models see of their inputs.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, tarn } from './tarn.js';

const model = (config = '', from = "{{ ref('events') }}") => `{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened',
    begin='2026-01-30', batch_size='day'${config}) }}
  select happened, id, '{{ model.batch.id if model.batch else "" }}' as batch from ${from}`;
const files = {
  'dbt_project.yml': "name: shop\nversion: '1.0'\nmodels: {+materialized: table}\n",
  'models/events.sql': "{{ config(materialized='view', event_time='happened') }} select happened, id from {{ ref('raw') }}",
  'models/daily.sql': model(),
};
// rows at noon of so many days from 2026-01-29 on
const rows = (days, from = 1) => `id,happened\n${Array.from({ length: days }, (_, i) => `${from + i},${new Date(Date.UTC(2026, 0, 29 + i, 12)).toISOString().slice(0, 19)}`).join('\n')}\n`;
const project = (t, more = {}) => makeFolder(t, { ...files, 'seeds/raw.csv': rows(5), ...more });
function build(cwd, ...args) {
  const done = tarn(['build', '--quiet', ...args], { cwd });
  assert.equal(done.status, 0, done.stderr);
}
function query(cwd, sql) {
  const done = tarn(['sql', sql, '--format', 'json'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout);
}
const ids = (cwd) => query(cwd, 'select id from main.daily order by 1').map((row) => row.id);

test('the first run makes every batch from begin on; each sees the rows of its stretch only', (t) => {
  const cwd = project(t);
  build(cwd, '--event-time-end', '2026-02-02');
  assert.deepEqual(query(cwd, 'select id, batch, strftime(happened, \'%m-%d\') as day from main.daily order by 1'), [
    { id: 2, batch: '2026-01-30T00:00:00Z', day: '01-30' }, { id: 3, batch: '2026-01-31T00:00:00Z', day: '01-31' },
    { id: 4, batch: '2026-02-01T00:00:00Z', day: '02-01' }]);
});

test('later runs replace the last batches: late and changed rows come, older ones stay', (t) => {
  const cwd = project(t);
  build(cwd, '--event-time-end', '2026-02-02');
  writeFileSync(path.join(cwd, 'seeds/raw.csv'), rows(6, 101));
  build(cwd, '--event-time-end', '2026-02-03 18:00:00'); // the day itself and one before
  assert.deepEqual(ids(cwd), [2, 3, 4, 105, 106]);
  build(cwd, '--event-time-start', '2026-01-31', '--event-time-end', '2026-02-01');
  assert.deepEqual(ids(cwd), [2, 4, 103, 105, 106]);
  writeFileSync(path.join(cwd, 'models/daily.sql'), model(', lookback=3'));
  build(cwd, '--event-time-end', '2026-02-04'); // a day that has just ended is the current one
  assert.deepEqual(ids(cwd), [2, 103, 104, 105, 106]);
  build(cwd, '--full-refresh', '--event-time-end', '2026-02-04');
  assert.deepEqual(ids(cwd), [102, 103, 104, 105, 106]);
});

test('batches of months and years; an input without event_time or with render() is read whole', (t) => {
  const sums = "{{ ref('events') }} where (select count(*) from {{ ref('events').render() }}) = 5";
  const cwd = project(t, { 'models/daily.sql': model().replace("'day'", "'month'").replace("'2026-01-30'", "'2026-01-15'"),
    'models/whole.sql': model('', sums).replace("'day'", "'year'") });
  build(cwd, '--event-time-end', '2026-02-02');
  assert.deepEqual(query(cwd, 'select batch, count(*) as n from main.daily group by 1 order by 1'),
    [{ batch: '2026-01-01T00:00:00Z', n: 3 }, { batch: '2026-02-01T00:00:00Z', n: 2 }]);
  assert.deepEqual(query(cwd, 'select batch, count(*) as n from main.whole group by 1'), [{ batch: '2026-01-01T00:00:00Z', n: 5 }]);
  const blind = project(t, { 'models/daily.sql': model('', "{{ ref('raw') }}") });
  const done = tarn(['build', '--event-time-end', '2026-01-31'], { cwd: blind });
  assert.match(done.stdout + done.stderr, /'daily': none of its inputs has an event_time/);
});

test('mistakes in the configuration of a microbatch model are named', (t) => {
  for (const [from, to, said] of [["event_time='happened',", '', /'daily' needs event_time/], ["'day'", "'week'", /needs a batch_size of hour, day, month or year/],
    ["begin='2026-01-30',", '', /needs begin/], ["'day'", "'day', lookback='x'", /needs a lookback/], ["'2026-01-30'", "'2125-01-01'", /has no batch/], ["'day'", "'hour'", /more than 10000 batches/]]) {
    const cwd = project(t, { 'models/daily.sql': model().replace(from, to) });
    const done = tarn(['build', '--quiet', '--event-time-end', '2028-01-01'], { cwd });
    assert.equal(done.status, 1);
    assert.match(done.stderr, said);
  }
  const done = tarn(['build', '--event-time-start', 'soon'], { cwd: project(t) });
  assert.equal(done.status, 2);
  assert.match(done.stderr, /--event-time-start is a time/);
});

test('--empty makes every table without rows', (t) => {
  const cwd = project(t, { 'models/copy.sql': "with e as (select * from {{ ref('events') }} as e where e.id > 0) select * from e" });
  build(cwd, '--empty', '--exclude', 'daily');
  assert.deepEqual(query(cwd, 'select (select count(*) from main.raw) as raw, (select count(*) from main.copy) as copy'), [{ raw: 5, copy: 0 }]);
  assert.deepEqual(query(cwd, 'select column_type from (describe main.copy)').map((c) => c.column_type), ['TIMESTAMP', 'INTEGER']);
});
