/** Rows of a real MariaDB into a real Kafka, by a process that is killed in the middle. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../runtime/random.ts';
import { MAIN, mooring } from '../test/cli/mooring.ts';
import { query } from '../test/conformance/mariadb-harness.ts';
import { ADMIN, Mariadb } from '../test/engines/mariadb.ts';
import { sharedKafka } from '../test/kafka/shared.ts';
import { Topics } from '../test/kafka/topics.ts';
import { eventually, Programs } from '../test/processes.ts';

const ROWS = 4000;
const SETTLE_MS = 60_000;

let folder: string;
let programs: Programs;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-import-'));
  programs = new Programs();
});
afterEach(async () => {
  await programs.end();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, ...lines: readonly string[]): void {
  writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
}

/** Every second time has two rows. */
function timeOf(row: number): string {
  const second = Math.floor((row * 2) / 3);
  return new Date(Date.UTC(2023, 0, 1) + second * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14);
}

describe('an import', { tags: ['kafka', 'mariadb'], timeout: 240_000 }, () => {
  test('killed in the middle and run again, it has every row once by id; what cannot be used is refused', async () => {
    const mariadb = await Mariadb.start();
    try {
      const place = JSON.stringify({ port: mariadb.port });
      await query(place, 'CREATE DATABASE meteo1');
      await query(place, 'CREATE TABLE meteo1.ane0 (utctimestamp BIGINT, windspeed DECIMAL(6,2), winddirection FLOAT)');
      const rows = Array.from({ length: ROWS }, (_, row) => `(${timeOf(row)},${row / 100},${row % 360})`);
      await query(place, `INSERT INTO meteo1.ane0 VALUES ${rows.join(',')},(20239901000000,1,1),(NULL,2,2)`);
      await query(place, `INSERT INTO meteo1.ane0 VALUES (20240101000000,3,3)`);
      const address = await sharedKafka();
      const prefix = `import-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`;
      write(
        'central.yaml',
        `kafka: { brokers: ['${address}'], partitions: 2, prefix: ${prefix} }`,
        'ingest: { udp: { listen: 127.0.0.1:0, keys: . } }',
        'sinks: { archive: { files: { path: records } } }',
        'state: state',
      );
      write('password', ADMIN.password);
      write(
        'buoy.yaml',
        'source: meteo',
        'zone: UTC',
        `mariadb: { host: 127.0.0.1, port: ${mariadb.port}, database: meteo1, user: ${ADMIN.user}, password: password }`,
        'tables: { ane0: { key: utctimestamp, mapping: ane0.yaml } }',
      );
      write(
        'ane0.yaml',
        'message: json',
        'source_id: { constant: meteo1 }',
        'time: { field: utctimestamp, form: digits }',
        'metrics: { wind_speed: { field: windspeed, unit: m/s }, wind_direction: winddirection }',
      );
      const args = [
        ...['central', 'import', join(folder, 'buoy.yaml'), '-c', join(folder, 'central.yaml')],
        ...['--until', '20240101000000', '--json'],
      ];
      const first = programs.start({ name: 'import', command: process.execPath, args: [MAIN, ...args] });
      const progress = join(folder, 'state', 'import', 'meteo.json');
      await eventually('some rows are noted', SETTLE_MS, () => existsSync(progress));
      await first.kill();
      const reached = JSON.parse(readFileSync(progress, 'utf8')).last.ane0.last;
      expect(Number(reached)).toBeLessThan(Number(timeOf(ROWS - 1)));

      const second = mooring(args, folder);
      expect(second.stderr).toBe('');
      expect(second.status).toBe(1);
      const { tables } = JSON.parse(second.stdout);
      expect(tables.ane0).toMatchObject({
        rows: rows.filter((_, row) => Number(timeOf(row)) > Number(reached)).length + 1,
        refused: 1,
      });

      const found = (await new Topics(address).read(`${prefix}.records`)).map(({ value }) => JSON.parse(value));
      const byId = new Map(found.map((record) => [record.id, record]));
      const said = [...byId.values()].map(({ timestamp, wind_speed }) => `${timestamp} ${wind_speed}`).sort();
      const expected = rows.map((_, row) => {
        const [year, month, day, hour, minute, s] = (timeOf(row).match(/^(....)(..)(..)(..)(..)(..)$/) ?? []).slice(1);
        return `${year}-${month}-${day}T${hour}:${minute}:${s}.000Z ${row / 100}`;
      });
      expect(said).toEqual(expected.sort());
      expect(await new Topics(address).count(`${prefix}.deadletter`)).toBe(1);
    } finally {
      await mariadb.stop();
    }
  });
});
