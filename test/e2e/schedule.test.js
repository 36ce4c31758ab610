// `tarn run DAG` and `tarn runs`: order, parallelism, retries, timeouts, selection, resume, refusal, signals.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { hasEnded, jsonLines, makeFolder, startTarn, tarn, until } from './tarn.js';

const project = (t, dag, files = {}) => makeFolder(t, { 'tarn.yml': 'name: shop\n', 'dags/etl.yml': dag, ...files });

// Runs the dag with --json: { status, tasks: {name: last event}, order: [names that succeeded], end, stderr }.
function runDag(cwd, ...args) {
  const done = tarn(['run', ...args, '--json'], { cwd });
  const events = jsonLines(done.stdout);
  const tasks = Object.fromEntries(events.filter((e) => e.event === 'task').map((e) => [e.task, e]));
  const order = events.filter((e) => e.state === 'success' && e.event === 'task').map((e) => e.task);
  return { ...done, events, tasks, order, end: events.find((e) => e.event === 'run') };
}

test('tasks run in the order of their needs, and tell what they did', (t) => {
  const cwd = project(t, `
tasks:
  last: {type: command, command: "cat a b > last", needs: [first, second]}
  first: {type: command, command: "echo 1 > a; echo '3 rows' > $TARN_SUMMARY_FILE"}
  second: {type: command, command: "cat a > b", needs: first}
`);
  const run = runDag(cwd, 'etl');
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(run.order, ['first', 'second', 'last']);
  assert.equal(run.tasks.first.summary, '3 rows');
  assert.equal(readFileSync(path.join(cwd, 'last'), 'utf8'), '1\n1\n');
  assert.equal(run.end.state, 'success');
});

test('tasks without a need of each other run side by side, within max_parallel and pools', (t) => {
  // Each waits for the other's mark: one after the other they would run into the timeout.
  const meet = (mine, other) => `{type: command, timeout: 30s, command: "touch ${mine}; until test -e ${other}; do sleep 0.01; done"}`;
  const cwd = project(t, `max_parallel: 2\ntasks:\n  a: ${meet('a', 'b')}\n  b: ${meet('b', 'a')}\n`);
  assert.equal(runDag(cwd, 'etl').status, 0);

  const alone = '{type: command, pool: one, command: "mkdir lock && sleep 0.05 && rmdir lock"}';
  writeFileSync(path.join(cwd, 'dags/pool.yml'),
    `max_parallel: 4\npools: {one: 1}\ntasks:\n  a: ${alone}\n  b: ${alone}\n  c: ${alone}\n`);
  const run = runDag(cwd, 'pool');
  assert.equal(run.status, 0, run.stderr);
});

test('a task is told its date, run, day and params', (t) => {
  const cwd = project(t, `
timezone: Europe/Berlin
params: {days: 30, who: all}
env: {COLOUR: red}
tasks:
  a:
    type: command
    env: {SHAPE: round}
    command: [sh, -c, 'echo $TARN_DATE $TARN_INTERVAL_START $TARN_INTERVAL_END $TARN_PARAM_DAYS $TARN_PARAM_WHO $COLOUR $SHAPE $TARN_TASK $TARN_TRY "$0" > told', "\${TARN_DATE}!"]
`);
  assert.equal(runDag(cwd, 'etl', '--date', '2026-03-29', '--param', 'days=7').status, 0);
  assert.equal(readFileSync(path.join(cwd, 'told'), 'utf8').trim(),
    '2026-03-29 2026-03-28T23:00:00Z 2026-03-29T22:00:00Z 7 all red round a 1 2026-03-29!');
});

test('a failing task is tried again with growing delays, each try with its own log', (t) => {
  const cwd = project(t, `
defaults: {retries: 2, retry_delay: 10ms, retry_delay_max: 15ms}
tasks:
  a: {type: command, command: "echo this is try $TARN_TRY; test $TARN_TRY = 3"}
`);
  const run = runDag(cwd, 'etl');
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(run.events.filter((e) => e.state === 'retrying').map((e) => e.error), ['this is try 1', 'this is try 2']);
  const shown = JSON.parse(tarn(['runs', run.end.run_id, '--json'], { cwd }).stdout);
  assert.deepEqual(shown.tasks[0].tries.map((a) => [a.try, a.exit_code]), [[1, 1], [2, 1], [3, 0]]);
  for (const attempt of shown.tasks[0].tries)
    assert.equal(readFileSync(attempt.log, 'utf8'), `this is try ${attempt.try}\n`);
});

test('what needs a failed task is not run, the rest is; all_done runs anyway', (t) => {
  const cwd = project(t, `
tasks:
  bad: {type: command, command: "echo no such luck; exit 7"}
  child: {type: command, command: "touch child", needs: bad}
  other: {type: command, command: "touch other"}
  sweep: {type: command, command: "touch sweep", needs: [child, other], trigger: all_done}
`);
  const run = runDag(cwd, 'etl');
  assert.equal(run.status, 3);
  assert.equal(run.tasks.bad.error, 'no such luck');
  assert.equal(run.tasks.child.state, 'upstream_failed');
  assert.deepEqual(['child', 'other', 'sweep'].map((name) => existsSync(path.join(cwd, name))), [false, true, true]);
  assert.match(run.stderr, /1 of 4 tasks of etl failed.*--resume/);
});

test('a task over its timeout is ended with everything it started', async (t) => {
  const cwd = project(t, `
tasks:
  a: {type: command, timeout: 300ms, command: "sleep 600 & echo $! > pid; wait"}
`);
  const run = runDag(cwd, 'etl');
  assert.equal(run.status, 3);
  assert.match(run.tasks.a.error, /timeout of 0.3 s/);
  const pid = Number(readFileSync(path.join(cwd, 'pid'), 'utf8'));
  await until('the grandchild is gone', () => hasEnded(pid));
});

const append = (name, needs) =>
  `  ${name}: {type: command, command: "echo ${name} >> ran"${needs ? `, needs: [${needs}]` : ''}}\n`;

test('--from runs a task and all that need it, --only that one', (t) => {
  const cwd = project(t, `max_parallel: 1\ntasks:\n${append('a')}${append('b', 'a')}${append('c', 'b')}${append('d', 'a')}`);
  const ran = () => readFileSync(path.join(cwd, 'ran'), 'utf8').split('\n').filter(Boolean);
  assert.equal(runDag(cwd, 'etl', '--from', 'b').status, 0);
  assert.deepEqual(ran(), ['b', 'c']);
  assert.equal(runDag(cwd, 'etl', '--only', 'd').status, 0);
  assert.deepEqual(ran(), ['b', 'c', 'd']);
});

test('--resume goes on with a failed run and runs nothing twice', (t) => {
  const cwd = project(t, `tasks:\n${append('a')}  b: {type: command, command: "test -e fixed && echo b >> ran", needs: a}\n${append('c', 'b')}`);
  const first = runDag(cwd, 'etl');
  assert.equal(first.status, 3);
  writeFileSync(path.join(cwd, 'fixed'), '');
  const second = runDag(cwd, '--resume');
  assert.equal(second.status, 0, second.stderr);
  assert.equal(second.end.run_id, first.end.run_id);
  assert.equal(second.end.kept, 1);
  assert.equal(readFileSync(path.join(cwd, 'ran'), 'utf8'), 'a\nb\nc\n');
  const third = tarn(['run', '--resume'], { cwd });
  assert.equal(third.status, 0);
  assert.match(third.stderr, /nothing to resume/);
});

test('--resume refuses a dag that has other tasks by now', (t) => {
  const cwd = project(t, 'tasks:\n  a: {type: command, command: "exit 1"}\n');
  assert.equal(runDag(cwd, 'etl').status, 3);
  writeFileSync(path.join(cwd, 'dags/etl.yml'), `tasks:\n${append('a')}${append('b')}`);
  const resumed = tarn(['run', '--resume'], { cwd });
  assert.equal(resumed.status, 2);
  assert.match(resumed.stderr, /other tasks than it had then/);
});

const waiting = 'tasks:\n  a: {type: command, command: "echo $$ > started; exec sleep 600"}\n  b: {type: command, command: "true", needs: a}\n';

test('a second runner of the same dag is refused while one lives', async (t) => {
  const cwd = project(t, waiting);
  const first = startTarn(t, ['run', 'etl', '--quiet'], { cwd });
  await until('the first one is at work', () => existsSync(path.join(cwd, 'started')));
  const second = tarn(['run', 'etl'], { cwd });
  assert.equal(second.status, 3);
  assert.match(second.stderr, new RegExp(`run by process ${first.pid}`));
  assert.match(tarn(['run', '--resume'], { cwd }).stderr, /being run by process/);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} ends the tasks, records the run and ends the runner by that signal`, async (t) => {
    const cwd = project(t, waiting);
    const runner = startTarn(t, ['run', 'etl', '--json'], { cwd });
    const pid = await until('the task is at work', () =>
      existsSync(path.join(cwd, 'started')) && Number(readFileSync(path.join(cwd, 'started'), 'utf8')));
    runner.kill(signal);
    const done = await runner.ended;
    assert.equal(done.signal, signal);
    assert.equal(jsonLines(done.stdout).at(-1).state, 'cancelled');
    assert.ok(hasEnded(pid));
    assert.equal(JSON.parse(tarn(['runs', '--json'], { cwd }).stdout)[0].state, 'cancelled');
    writeFileSync(path.join(cwd, 'dags/etl.yml'), waiting.replace('exec sleep 600', 'true'));
    const resumed = runDag(cwd, '--resume');
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.deepEqual(resumed.order, ['a', 'b']);
  });
}

test('a run whose runner was killed shows as broken off; a new one takes its place', async (t) => {
  const cwd = project(t, waiting);
  const runner = startTarn(t, ['run', 'etl', '--quiet'], { cwd });
  const pid = await until('the task is at work', () =>
    existsSync(path.join(cwd, 'started')) && Number(readFileSync(path.join(cwd, 'started'), 'utf8')));
  runner.kill('SIGKILL');
  await runner.ended;
  await until('the task has died with its runner', () => hasEnded(pid));
  assert.equal(JSON.parse(tarn(['runs', '--json'], { cwd }).stdout)[0].state, 'broken off');
  writeFileSync(path.join(cwd, 'dags/etl.yml'), waiting.replace('exec sleep 600', 'true'));
  const next = tarn(['run', 'etl'], { cwd });
  assert.equal(next.status, 0, next.stderr);
  assert.match(next.stderr, /This replaces .*, which was broken off/);
  assert.deepEqual(JSON.parse(tarn(['runs', '--json'], { cwd }).stdout).map((r) => r.state), ['success', 'lost']);
});

test('what a killed run left running is ended before the next one starts', async (t) => {
  // The stray leaves the group and outlives its parent, as a daemon would.
  const cwd = project(t, 'tasks:\n  a: {type: command, command: "setsid sh -c \'echo $$ > stray; exec sleep 600\' & echo > started; exec sleep 600"}\n');
  const runner = startTarn(t, ['run', 'etl', '--quiet'], { cwd });
  const stray = await until('the stray is there', () =>
    existsSync(path.join(cwd, 'stray')) && Number(readFileSync(path.join(cwd, 'stray'), 'utf8')));
  runner.kill('SIGKILL');
  await runner.ended;
  assert.ok(!hasEnded(stray));
  writeFileSync(path.join(cwd, 'dags/etl.yml'), 'tasks:\n  a: {type: command, command: "true"}\n');
  assert.equal(tarn(['run', '--resume'], { cwd }).status, 0);
  await until('the stray is gone', () => hasEnded(stray));
});

test('mistakes in a dag name the file, the line and the nearest valid word', (t) => {
  const cwd = project(t, '');
  const cases = [
    ['tasks:\n  a: {type: comand, command: x}\n', /etl.yml:2: .*comand.*command/],
    ['tasks:\n  a: {type: command, command: x, need: b}\n', /etl.yml:2: .*'need'.*needs/],
    ['tasks:\n  a: {type: command, command: x, needs: bb}\n  b: {type: command, command: x}\n', /etl.yml:2: .*no task 'bb'/],
    ['tasks:\n  a: {type: command, command: x, needs: b}\n  b: {type: command, command: x, needs: a}\n', /circle: a needs b needs a/],
    ['tasks:\n  a: {type: command, command: x, needs: a}\n', /circle: a needs a/],
    ['tasks:\n  a: {type: command}\n', /etl.yml:2: .*key command/],
    ['tasks:\n  a: {type: command, command: x, timeout: soon}\n', /timeout is a time such as/],
    ['tasks:\n  a: {type: command, command: x, retries: -1}\n', /retries/],
    ['tasks:\n  a: {type: command, command: x, pool: io}\n', /no pool 'io'/],
    ['tasks:\n  ../a: {type: command, command: x}\n', /no name for a task/],
    ['schedule: "61 * * * *"\ntasks:\n  a: {type: command, command: x}\n', /etl.yml:1: .*'61' is no minute/],
    ['timezone: Europe/Berlyn\ntasks:\n  a: {type: command, command: x}\n', /etl.yml:1: .*Europe\/Berlyn/],
    ['tasks: []\n', /etl.yml:1: /],
    ['', /etl.yml:1: /],
    ['task: {}\n', /'task'.*tasks/],
  ];
  for (const [text, wanted] of cases) {
    writeFileSync(path.join(cwd, 'dags/etl.yml'), text);
    const done = tarn(['run', 'etl'], { cwd });
    assert.equal(done.status, 2, `${text}\n${done.stderr}`);
    assert.match(done.stderr, wanted, text);
  }
  assert.deepEqual(existsSync(path.join(cwd, '.tarn/log')) ? readdirSync(path.join(cwd, '.tarn/log')) : [], []);
});

test('wrong arguments are refused in words', (t) => {
  const cwd = project(t, `params: {days: 3}\ntasks:\n${append('a')}`);
  const cases = [
    [['run', 'elt'], /no dag 'elt'; did you mean 'etl'/],
    [['run', 'etl', '--from', 'aa'], /no task 'aa'/],
    [['run', 'etl', '--date', '2026-02-30'], /--date is a day/],
    [['run', 'etl', '--param', 'dais=3'], /no param 'dais'/],
    [['run', 'etl', '--param', 'days'], /NAME=VALUE/],
    [['run', 'etl', '--from', 'a', '--only', 'a'], /exclude each other/],
    [['run', 'etl', '--resume', '--date', '2026-01-01'], /takes no --date/],
    [['run', 'etl', 'other'], /one dag at a time/],
    [['runs', 'nothing'], /no run 'nothing'/],
  ];
  for (const [args, wanted] of cases) {
    const done = tarn(args, { cwd });
    assert.notEqual(done.status, 0, args.join(' '));
    assert.match(done.stderr, wanted);
  }
});
