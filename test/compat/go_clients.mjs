// Go's Kafka clients against `tarn broker`:  node test/compat/go_clients.mjs PROGRAM (built from test/compat/go_clients)
import { spawnSync } from 'node:child_process';
import { startBroker } from './broker.js';

const broker = await startBroker({ args: ['--durability', 'none'] });
const done = spawnSync(process.argv[2], [broker.address], { stdio: 'inherit', timeout: 300_000 });
await broker.stop();
process.exitCode = done.status ?? 1;
