// Runs every test and ends with the line `N passed, N failed`: the rules of the tree (script/check), the unit tests as
// built for use and again under AddressSanitizer and UndefinedBehaviorSanitizer, and the end-to-end tests against the
// real binary. Says little when all is well; when something fails, shows what that test printed.
import { spawn } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cores = availableParallelism ? availableParallelism() : cpus().length;
const fileTimeoutMs = 420_000; // librdkafka.test.js builds a C library first
const words = process.argv.slice(2);
const wanted = (name) => words.length === 0 || words.some((word) => name.includes(word));

const totals = { passed: 0, failed: 0, skipped: 0 };

function report(name, { passed, failed, skipped = 0, output }, startMs) {
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  const seconds = ((Date.now() - startMs) / 1000).toFixed(1);
  const counts = `${passed} passed${failed ? `, ${failed} FAILED` : ''}${skipped ? `, ${skipped} skipped` : ''}`;
  console.log(`  ${failed ? 'FAIL' : 'ok  '} ${name.padEnd(34)} ${counts} (${seconds} s)`);
  if (failed) console.log(output.trimEnd().replace(/^/gm, '    | '));
}

function run(command, args, { env = {}, timeoutMs = 0 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs,
    });
    const pieces = [];
    child.stdout.on('data', (data) => pieces.push(data));
    child.stderr.on('data', (data) => pieces.push(data));
    child.on('error', (error) => resolve({ code: 127, output: String(error) }));
    child.on('close', (code, signal) => {
      const output = Buffer.concat(pieces).toString();
      resolve({ code: signal ? 128 : code, output: signal ? `${output}\nended by ${signal}` : output });
    });
  });
}

async function checkTree() {
  const start = Date.now();
  const { code, output } = await run('script/check', []);
  report('rules of the tree', { passed: code ? 0 : 1, failed: code ? 1 : 0, output }, start);
}

// Counts cmocka's cases, not only the programs, from Meson's log.
function readUnitLog(file) {
  const result = { passed: 0, failed: 0, output: '' };
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const test = JSON.parse(line);
    const text = `${test.stdout ?? ''}\n${test.stderr ?? ''}`;
    const ok = text.match(/^\[ {7}OK \] /gm)?.length ?? 0;
    const bad = new Set([...text.matchAll(/^\[ {2}FAILED {2}\] (\w+)\s*$/gm)].map((match) => match[1])).size;
    const fine = test.result === 'OK';
    result.passed += fine ? Math.max(ok, 1) : ok;
    if (!fine) {
      result.failed += Math.max(bad, 1);
      result.output += `${test.name}: ${test.result}\n${text}\n`;
    }
  }
  return result;
}

async function unitTests(name, build, setupArgs, env) {
  const start = Date.now();
  const fail = (output) => report(name, { passed: 0, failed: 1, output }, start);
  if (!existsSync(path.join(root, build, 'build.ninja'))) {
    const setup = await run('meson', ['setup', build, ...setupArgs]);
    if (setup.code) return fail(setup.output);
  }
  const log = path.join(build, 'meson-logs', 'testlog.json');
  const { code, output } = await run('meson', ['test', '-C', build, '--suite', 'unit'], { env });
  if (!existsSync(path.join(root, log)) || output.includes('FAILED: ')) return fail(output);
  const result = readUnitLog(path.join(root, log));
  if (code && !result.failed) return fail(output);
  report(name, result, start);
}

// One process per file: its own crash or hang stays its own.
async function endToEndFile(file) {
  const start = Date.now();
  const { code, output } = await run(process.execPath, ['--test-reporter=tap', file], {
    env: { TARN: process.env.TARN ?? path.join(root, 'build/src/tarn') }, timeoutMs: fileTimeoutMs,
  });
  const count = (word) => Number(output.match(new RegExp(`^# ${word} (\\d+)$`, 'm'))?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  report(path.relative(path.join(root, 'test'), file), {
    passed: count('pass'), failed: code && !failed ? 1 : failed, skipped: count('skipped'), output,
  }, start);
}

async function endToEnd() {
  const files = ['e2e', 'compat'].flatMap((folder) => {
    const directory = path.join(root, 'test', folder);
    if (!existsSync(directory)) return [];
    return readdirSync(directory).filter((name) => name.endsWith('.test.js')).map((name) => path.join(directory, name));
  }).filter((file) => wanted(path.basename(file))).sort();
  const next = async () => {
    for (let file = files.shift(); file; file = files.shift()) await endToEndFile(file);
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(cores, files.length)) }, next));
}

if (wanted('format')) await checkTree();
if (wanted('unit')) await unitTests('unit tests', 'build', []);
if (wanted('asan')) {
  await unitTests('unit tests under ASan and UBSan', 'build-asan',
    ['-Doptimization=1', '-Ddebug=true', '-Db_sanitize=address,undefined', '-Db_lundef=false'], {
      ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
      LSAN_OPTIONS: `suppressions=${path.join(root, 'test/lsan.supp')}:print_suppressions=0`,
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    });
}
await endToEnd();
if (words.length && totals.passed + totals.failed + totals.skipped === 0) {
  console.error(`script/test: nothing is named like ${words.join(' or ')}`);
  process.exitCode = 2;
}
if (totals.skipped) console.log(`${totals.skipped} skipped`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
if (totals.failed) process.exitCode = 1;
