// kill -9 while clients write and read (test/crash/crash.h says which and what is checked): everything that was
// acknowledged is there, once where that was promised, transactions whole. A few rounds here, many in script/crash.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { binary, makeFolder } from './tarn.js';

const rounds = process.env.TARN_KILL_ROUNDS ?? '4';
const crash = process.env.BROKER_CRASH ?? fileURLToPath(new URL('../../build/test/broker_crash', import.meta.url));

test('killed again and again, nothing promised is lost', async (t) => {
  const folder = makeFolder(t);
  const { stdout } = await promisify(execFile)(crash, [binary, folder, rounds, `${Date.now() % 1e6}`]);
  t.diagnostic(stdout.trim());
  const { exact, committed, aborted, group_commits: commits } = JSON.parse(stdout);
  for (const count of [exact, committed, commits]) assert.ok(count > 0);
  if (rounds > 20) assert.ok(aborted > 0);
});
