// Starts `tarn broker` on a free port over a folder of its own, for foreign clients and suites.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const binary = path.resolve(process.env.TARN ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '../../build/src/tarn'));
const startTimeoutMs = 30_000;

// What else each kind of broker is told, and what its clients have to say.
const kinds = {
  plain: { args: [] },
  delay: { args: ['--rebalance-delay', '3000'] },
  noautocreate: { args: ['--no-auto-create'] },
  acl: { args: ['--authorize', '--allow-if-no-acl'] },
  reauth: {
    args: ['--listener', 'SASL_PLAINTEXT://127.0.0.1:0', '--user', 'alice:secret', '--reauth', '10000'],
    properties: { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanisms': 'SCRAM-SHA-512', 'sasl.username': 'alice', 'sasl.password': 'secret' },
  },
  sasl: {
    args: ['--listener', 'SASL_PLAINTEXT://127.0.0.1:0', '--user', 'alice:secret'],
    properties: { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanisms': 'SCRAM-SHA-256', 'sasl.username': 'alice', 'sasl.password': 'secret' },
  },
};

// `{ address, data, process, ended(), stop() }`; stop() ends it as Ctrl-C does and removes the folder unless `data` was given.
export async function startBroker({ kind = 'plain', partitions, data, args = [] } = {}) {
  const folder = data ?? mkdtempSync(path.join(tmpdir(), 'tarn-broker-'));
  const child = spawn(binary, [
    'broker', '--data', folder, '--json', '--registry-port', '-1', '--rest-port', '-1', ...(kinds[kind].args.includes('--listener') ? [] : ['--port', '0']),
    ...(partitions ? ['--partitions', String(partitions)] : []), ...kinds[kind].args, ...args,
  ], { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill); // also when whoever started it fails
  let end, errors = '', output = '';
  child.stderr.on('data', (piece) => { errors = (errors + piece).slice(-20_000); });
  const closed = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      process.removeListener('exit', kill);
      end = `${signal ?? `exit code ${code}`}\n${errors}`;
      resolve();
    });
  });
  const line = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => { child.kill('SIGKILL'); reject(new Error('tarn broker said nothing')); }, startTimeoutMs);
    closed.then(() => { clearTimeout(timer); reject(new Error(`tarn broker ended: ${end}`)); });
    child.stdout.on('data', (piece) => {
      output += piece;
      if (!output.includes('\n')) return;
      clearTimeout(timer);
      resolve(JSON.parse(output.slice(0, output.indexOf('\n'))));
    });
  });
  return {
    ...line, properties: kinds[kind].properties, address: `127.0.0.1:${line.listeners[0].port}`, data: folder, process: child,
    ended: () => end,
    async stop(signal = 'SIGINT') {
      if (!end) child.kill(signal);
      await closed;
      if (!data) rmSync(folder, { recursive: true, force: true });
    },
  };
}
