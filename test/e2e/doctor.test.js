// `tarn doctor`: what it looks at, and that it names what is broken and how to mend it.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, tarn } from './tarn.js';

const examine = (cwd, ...args) => {
  const done = tarn(['doctor', '--json', ...args], { cwd });
  return { ...done, findings: JSON.parse(done.stdout) };
};
const dag = 'tasks:\n  a: {type: command, command: "true"}\n';

test('a sound project has nothing to mend, and looking at it changes nothing', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n' });
  const before = readdirSync(cwd);
  const { status, findings, stderr } = examine(cwd);
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(cwd), before);
  assert.deepEqual(findings.filter((one) => one.level === 'fail'), []);
  for (const what of ['DuckDB', 'SQLite', 'memory', 'disk', 'data folder', 'port 8080', 'node', 'state.db'])
    assert.ok(findings.some((one) => one.check === what), what);
});

test('outside of a project the machine alone is looked at', (t) => {
  const { status, findings } = examine(makeFolder(t));
  assert.equal(status, 0);
  assert.match(findings.find((one) => one.check === 'project').found, /none here/);
});

test('a damaged state file fails, with what to do', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n', 'dags/etl.yml': dag });
  assert.equal(tarn(['run', 'etl'], { cwd }).status, 0);
  const file = path.join(cwd, '.tarn/state.db');
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 4096); // all but the first page
  writeFileSync(file, bytes);
  const { status, findings } = examine(cwd);
  assert.equal(status, 1);
  const found = findings.find((one) => one.check === 'state.db');
  assert.equal(found.level, 'fail');
  assert.match(found.mend, /backup/);
});

test('a table whose files are gone or damaged fails by its name, the others are counted', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n', 'good.csv': 'a,b\n1,2\n', 'gone.csv': 'a,b\n1,2\n', 'bad.csv': 'a,b\n1,2\n' });
  assert.equal(tarn(['ingest', 'good.csv', 'gone.csv', 'bad.csv'], { cwd }).status, 0);
  const lake = path.join(cwd, '.tarn/lake/bronze');
  rmSync(path.join(lake, 'gone/data'), { recursive: true });
  const manifest = readdirSync(path.join(lake, 'bad/metadata')).find((name) => name.endsWith('.avro'));
  writeFileSync(path.join(lake, 'bad/metadata', manifest), 'no manifest at all');
  const { status, findings } = examine(cwd);
  assert.equal(status, 1);
  const tables = findings.filter((one) => one.check.startsWith('table ') && one.level === 'fail').map((one) => one.check);
  assert.deepEqual(tables.sort(), ['table bronze.bad', 'table bronze.gone']);
  assert.match(findings.find((one) => one.check === 'tables').found, /of \d+ can be read/);
});

test('a data folder that cannot be made and a port that is taken are named', async (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n', plain: 'a file' });
  const { status, findings } = examine(cwd, '--data', '/proc/nowhere');
  assert.equal(status, 1);
  assert.equal(findings.find((one) => one.check === 'data folder').level, 'fail');

  const server = createServer();
  server.on('error', () => {}); // somebody else has it: just as good
  server.listen(8081, '127.0.0.1');
  await Promise.race([once(server, 'listening'), once(server, 'error')]);
  t.after(() => server.close());
  const taken = examine(cwd).findings.find((one) => one.check === 'port 8081');
  assert.equal(taken.level, 'warn');
  assert.match(taken.mend, /8081/);
});

test('a broken project file is a finding', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'naem: shop\n' });
  mkdirSync(path.join(cwd, 'below'));
  const { status, findings } = examine(path.join(cwd, 'below'));
  assert.equal(status, 1);
  assert.match(findings.find((one) => one.check === 'project').found, /tarn.yml:1: .*naem.*name/);
});
