// The whole shop, once, at a small scale: every step of its dag succeeds, every injected structural fault is found and
// nothing else is accused, and every table of the lake reads back equal through a reader nobody here wrote.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expectedOf, openIcebird, readMetadata, sorted, textOf } from './icebird.js';
import { tarn } from './tarn.js';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(path.join(tmpdir(), 'tarn-commerce-'));
const project = path.join(folder, 'commerce');
const orders = 4000;
let icebird;

function run(...args) {
  const done = tarn([...args, '--project', project]);
  assert.equal(done.status, 0, `tarn ${args.join(' ')}: ${done.stderr}\n${done.stdout}`);
  return done.stdout;
}
const query = (sql) => JSON.parse(run('sql', sql, '--format', 'json', '--limit', '0'));

before(async () => {
  cpSync(path.join(root, 'examples/commerce'), project, {
    recursive: true, filter: (from) => !/\/(\.tarn|target)(\/|$)/.test(from),
  });
  icebird = await openIcebird();
  run('generate', '--set', `orders=${orders}`, '--quiet');
  run('run', 'daily_etl', '--from', 'ingest', '--quiet');
});

after(() => {
  icebird?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('every structural fault is found and nothing else is accused', () => {
  const score = JSON.parse(run('quality', 'score', '--json'));
  assert.ok(score.structural_injected > 100, JSON.stringify(score).slice(0, 500));
  assert.equal(score.recall, 1);
  assert.equal(score.precision, 1);
});

test('the same money stands in every gold table', () => {
  const [sums] = query(`SELECT
    (SELECT sum(revenue) FROM silver.fact_sales)::VARCHAR AS sales,
    (SELECT sum(revenue) FROM gold.daily_revenue)::VARCHAR AS daily,
    (SELECT sum(revenue) FROM gold.monthly_revenue)::VARCHAR AS monthly,
    (SELECT sum(revenue) FROM gold.revenue_by_category)::VARCHAR AS category`);
  assert.ok(Number(sums.sales) > 1000);
  assert.equal(sums.daily, sums.sales);
  assert.equal(sums.monthly, sums.sales);
  assert.equal(sums.category, sums.sales);
});

test('a second run changes nothing', () => {
  const checksum = () => query(`SELECT (SELECT sum(hash(t)) FROM silver.fact_sales t)::VARCHAR AS sales,
    (SELECT sum(hash(t)) FROM gold.customer_rfm t)::VARCHAR AS rfm, (SELECT count(*) FROM bronze.orders) AS orders`);
  const once = checksum();
  run('run', 'daily_etl', '--from', 'ingest', '--quiet');
  assert.deepEqual(checksum(), once);
});

test('icebird reads every table of the lake and sees what DuckDB sees', async () => {
  const tables = JSON.parse(run('tables', '--json')).filter((table) => table.kind === 'table');
  assert.ok(tables.length > 40);
  for (const { namespace, name } of tables) {
    const { metadata_location: location } = JSON.parse(run('describe', `${namespace}.${name}`, '--json'));
    const metadata = readMetadata(location);
    const columns = metadata.schemas.find((schema) => schema['schema-id'] === metadata['current-schema-id']).fields;
    const want = query(`SELECT COLUMNS(*)::VARCHAR FROM "${namespace}"."${name}"`);
    const have = metadata['current-snapshot-id'] > 0 ? await icebird.read(location) : [];
    assert.equal(have.length, want.length, `${namespace}.${name}`);
    assert.deepEqual(
      sorted(have.map((row) => columns.map((column) => textOf(row[column.name], typeName(column.type))))),
      sorted(want.map((row) => columns.map((column) => expectedOf(row[column.name], typeName(column.type))))),
      `${namespace}.${name}`);
  }
});

const typeName = (type) => (typeof type === 'string' ? type : type.type);

test('a single day of the shop goes the same way: what its files lack reads NULL', () => {
  const data = ['--data', path.join(folder, 'one-day')];
  run('generate', '--days', '1', '--set', 'orders=200', '--quiet', ...data);
  run('run', 'daily_etl', '--from', 'ingest', '--quiet', ...data);
  const sql = 'select count(channel) as before, count(sales_channel) > 0 as after from bronze.orders';
  assert.deepEqual(JSON.parse(run('sql', sql, '--format', 'json', ...data)), [{ before: 0, after: true }]);
});
