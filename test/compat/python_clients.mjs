// Python's Kafka clients against `tarn broker`:  node test/compat/python_clients.mjs PYTHON
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBroker } from './broker.js';

const broker = await startBroker({ args: ['--durability', 'none'] });
const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'python_clients.py');
const done = spawnSync(process.argv[2], [script, broker.address], { stdio: 'inherit', timeout: 300_000 });
await broker.stop();
process.exitCode = done.status ?? 1;
