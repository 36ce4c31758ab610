// kill -9 at any moment, then `tarn run --resume`: the same results as without, nothing lost, nothing done twice at once.
//
// TARN_KILL_ROUNDS sets how many moments are tried (script/crash tries many). The moments are spread over the time an
// undisturbed run takes, so that each round hits another place.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, startTarn, tarn } from './tarn.js';

const rounds = Number(process.env.TARN_KILL_ROUNDS ?? 12);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// A task that writes its result atomically from the results it needs, and notes when it runs twice at once.
const task = (name, needs) => `
  ${name}:
    type: command
    needs: [${needs.join(', ')}]
    command: |
      exec 9> ${name}.lock; flock -n 9 || echo ${name} >> overlap
      sleep 0.03
      { echo ${name} ${needs.map((need) => `; cat out/${need}`).join('')}; } > out/.${name}
      mv out/.${name} out/${name}
      echo ${name} >> ran
`;
const needs = { a: [], b: [], c: ['a'], d: ['a', 'b'], e: ['c', 'd'], f: ['d'], g: ['e', 'f'] };
const files = {
  'tarn.yml': 'name: shop\n',
  'out/.keep': '',
  'dags/etl.yml': `max_parallel: 2\ntasks:${Object.entries(needs).map(([name, of]) => task(name, of)).join('')}`,
};

const results = (cwd) => Object.fromEntries(Object.keys(needs).map((name) => [name, readFileSync(path.join(cwd, 'out', name), 'utf8')]));
const states = (cwd) => JSON.parse(tarn(['runs', '--json'], { cwd }).stdout).map((run) => run.state);

// Starts the run, kills it after `ms`, and resumes it; it may have been too early (no run yet) or too late (all done).
async function killAndResume(t, cwd, ms) {
  const runner = startTarn(t, ['run', 'etl', '--quiet'], { cwd });
  await pause(ms);
  runner.kill('SIGKILL');
  await runner.ended;
  const resumed = tarn(['run', 'etl', '--resume', '--quiet'], { cwd });
  assert.equal(resumed.status, 0, resumed.stderr);
  if (states(cwd).length === 0) assert.equal(tarn(['run', 'etl', '--quiet'], { cwd }).status, 0);
}

test('a run killed at any moment and resumed gives what an undisturbed one gives', async (t) => {
  const calm = makeFolder(t, files);
  const start = Date.now();
  assert.equal(tarn(['run', 'etl', '--quiet'], { cwd: calm }).status, 0);
  const elapsed = Date.now() - start;
  const wanted = results(calm);
  for (let round = 0; round < rounds; round++) {
    const cwd = makeFolder(t, files);
    const ms = (elapsed * (round + Math.random())) / rounds;
    await killAndResume(t, cwd, ms);
    const context = `killed after ${ms.toFixed(1)} ms`;
    assert.deepEqual(results(cwd), wanted, context);
    assert.deepEqual(states(cwd), ['success'], context);
    assert.equal(existsSync(path.join(cwd, 'overlap')), false, context);
  }
});

// Names of the tasks that the state file says have succeeded.
function succeeded(cwd) {
  const [run] = JSON.parse(tarn(['runs', '--json'], { cwd }).stdout);
  if (!run) return [];
  const shown = JSON.parse(tarn(['runs', run.run_id, '--json'], { cwd }).stdout);
  return shown.tasks.filter((one) => one.state === 'success').map((one) => one.task);
}

const timesRun = (cwd, name) => !existsSync(path.join(cwd, 'ran')) ? 0 :
  readFileSync(path.join(cwd, 'ran'), 'utf8').split('\n').filter((line) => line === name).length;

test('a task that has succeeded is not run again, however often the run is killed', async (t) => {
  const cwd = makeFolder(t, files);
  const settled = {}; // how often a task had run when it was first seen to have succeeded
  for (let attempt = 1; states(cwd)[0] !== 'success'; attempt++) {
    assert.ok(attempt < 200, 'it never gets to the end');
    const resume = states(cwd).length ? ['--resume'] : [];
    const runner = startTarn(t, ['run', 'etl', '--quiet', ...resume], { cwd });
    await Promise.race([pause(10 * attempt), runner.ended]);
    runner.kill('SIGKILL');
    await runner.ended;
    for (const name of succeeded(cwd)) {
      settled[name] ??= timesRun(cwd, name);
      assert.equal(timesRun(cwd, name), settled[name], name);
    }
  }
  assert.equal(existsSync(path.join(cwd, 'overlap')), false);
  assert.deepEqual(readdirSync(path.join(cwd, 'out')).sort(), ['.keep', ...Object.keys(needs)].sort());
});
