// kill -9 in the middle of `tarn build`: the next build ends with the tables of an undisturbed one, and goes on with the
// same run when it is given its id. TARN_KILL_ROUNDS sets how many moments are tried.
import assert from 'node:assert/strict';
import path from 'node:path';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { makeFolder, startTarn, tarn } from './tarn.js';

const rounds = Number(process.env.TARN_KILL_ROUNDS ?? 12);
const days = 4;

const chain = (i) => `select id, day, amount + ${i} as amount from {{ ref('${i === 0 ? 'base' : `step_${i - 1}`}') }}`;
const files = {
  'dbt_project.yml': "name: shop\nversion: '1.0'\nvars: {day: 1}\nmodels: {+materialized: table}\n",
  'seeds/codes.csv': 'code,name\n1,one\n2,two\n',
  // day by day more rows, as a source would bring them
  'models/base.sql': "select i as id, i // 1000 as day, (i * 7 % 100)::bigint as amount from range({{ var('day') }} * 1000) t(i)",
  ...Object.fromEntries([0, 1, 2, 3].map((i) => [`models/step_${i}.sql`, chain(i)])),
  'models/seen.sql': `{{ config(materialized='incremental') }}
    select id, day, amount from {{ ref('step_1') }}
    {% if is_incremental() %} where id > (select coalesce(max(id), -1) from {{ this }}) {% endif %}`,
  'models/latest.sql': `{{ config(materialized='incremental', unique_key='slot', incremental_strategy='delete+insert') }}
    select id % 1000 as slot, max(id) as id, max(day) as day from {{ ref('step_2') }} group by 1`,
  'models/by_day.sql': `{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by=['day']) }}
    select day, sum(amount)::bigint as amount from {{ ref('step_3') }} group by 1`,
  'models/named.sql': "{{ config(materialized='view') }} select s.*, c.name from {{ ref('seen') }} s left join {{ ref('codes') }} c on c.code = s.id",
  'models/schema.yml': 'models:\n  - name: seen\n    columns: [{name: id, tests: [unique, not_null]}]\n  - name: latest\n    columns: [{name: slot, tests: [unique]}]\n',
  'snapshots/history.sql': `{% snapshot history %}{{ config(unique_key='id', strategy='check', check_cols=['day']) }}
    select id % 10 as id, max(day) as day from {{ ref('base') }} group by 1{% endsnapshot %}`,
};
const tables = ['codes', 'base', 'step_3', 'seen', 'latest', 'by_day', 'named'];

const build = (day, ...more) => ['build', '--quiet', '--vars', `{day: ${day}}`, ...more];

function contents(cwd) {
  const selects = tables.map((name) => `select '${name}' as name, count(*) as rows, sum(hash(t)::hugeint)::varchar as sum from main.${name} t`);
  selects.push("select 'history', count(*), sum(hash(id, day, dbt_valid_to is null)::hugeint)::varchar from main.history");
  const done = tarn(['sql', selects.join(' union all '), '--format', 'json'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout);
}

// Starts a build and kills it after `ms`.
async function killed(t, cwd, ms, args) {
  const child = startTarn(t, args, { cwd });
  await Promise.race([new Promise((resolve) => { setTimeout(resolve, ms); }), child.ended]);
  child.kill('SIGKILL');
  await child.ended;
}

async function undisturbed(t) {
  const cwd = makeFolder(t, files);
  const states = [];
  let elapsed = 0;
  for (let day = 1; day <= days; day++) {
    const start = Date.now();
    const done = tarn(build(day), { cwd });
    elapsed = Date.now() - start;
    assert.equal(done.status, 0, done.stderr);
    states.push(contents(cwd));
  }
  return { states, elapsed };
}

test('a build killed at any moment and run again gives the tables of an undisturbed one', async (t) => {
  const { states, elapsed } = await undisturbed(t);
  for (let round = 0; round < rounds; round += days) {
    const cwd = makeFolder(t, files);
    for (let day = 1; day <= days; day++) {
      const ms = (elapsed * ((round + day - 1) % rounds + Math.random())) / rounds;
      await killed(t, cwd, ms, build(day));
      const again = tarn(build(day), { cwd });
      assert.equal(again.status, 0, again.stderr);
      assert.deepEqual(contents(cwd), states[day - 1], `day ${day}, killed after ${ms.toFixed(1)} ms of ${elapsed}`);
    }
    const swept = tarn(['maintain', '--orphan-hours', '0', '--json'], { cwd });
    assert.equal(swept.status, 0, swept.stderr);
    assert.deepEqual(contents(cwd), states[days - 1], 'after the orphans were swept');
    const left = readdirSync(path.join(cwd, '.tarn/lake/main/by_day/data')).filter((name) => name.startsWith('tmp-'));
    assert.deepEqual(left, []);
  }
});

test('a killed build that is given its id again does nothing twice', async (t) => {
  // appends whatever comes: only the id of the run tells that it was done
  const counting = { 'models/counted.sql': "{{ config(materialized='incremental') }} select i as id from {{ ref('step_3') }} s, range(3) t(i) where s.id < 10" };
  const calm = makeFolder(t, { ...files, ...counting });
  const start = Date.now();
  assert.equal(tarn(build(1, '--run-id', 'calm'), { cwd: calm }).status, 0);
  const elapsed = Date.now() - start;
  for (let round = 0; round < rounds; round++) {
    const cwd = makeFolder(t, { ...files, ...counting });
    const ms = (elapsed * (round + Math.random())) / rounds;
    for (const run of ['first', 'second']) {
      await killed(t, cwd, ms, build(1, '--run-id', run));
      const again = tarn(build(1, '--run-id', run), { cwd });
      assert.equal(again.status, 0, again.stderr);
    }
    const { stdout } = tarn(['sql', 'select count(*) as n, count(distinct id) as ids from main.counted', '--format', 'json'], { cwd });
    assert.deepEqual(JSON.parse(stdout), [{ n: 60, ids: 3 }], `killed after ${ms.toFixed(1)} ms of ${elapsed}`);
  }
});
