// What the end-to-end tests share: the real binary, projects in temporary folders, bounded waits.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const binary = path.resolve(process.env.TARN ?? path.join(here, '../../build/src/tarn'));
const waitMaxMs = 60_000;

// A folder with these files (path: text), removed when the test `t` ends.
export function makeFolder(t, files = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tarn-e2e-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

// Runs `tarn ARGS` to its end: { status, signal, stdout, stderr }.
export function tarn(args, { cwd, env = {} } = {}) {
  const done = spawnSync(binary, args, { cwd, env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.error) throw done.error;
  return done;
}

// Starts `tarn ARGS` and returns the child; `child.ended` resolves to { status, signal, stdout, stderr }.
export function startTarn(t, args, { cwd, env = {} } = {}) {
  const child = spawn(binary, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let stdout = '', stderr = '';
  child.stdout.on('data', (data) => { stdout += data; });
  child.stderr.on('data', (data) => { stderr += data; });
  child.ended = new Promise((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  return child;
}

// Runs what is handed to it when the test `t` ends, the last first (t.after runs the first first).
const stacks = new WeakMap();
export function later(t, close) {
  if (!stacks.has(t)) {
    const stack = [];
    stacks.set(t, stack);
    t.after(async () => { while (stack.length) await stack.pop()(); });
  }
  stacks.get(t).push(close);
}

// Waits until `condition()` gives something true, and returns it.
export async function until(what, condition) {
  const deadline = Date.now() + waitMaxMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited too long until ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

export const jsonLines = (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line));

// True when the process has ended, also while nobody has asked for its exit code.
export function hasEnded(pid) {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
