import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProgressFile } from '../../central/import/progress-file.ts';
import { TableRows } from '../../central/sinks/mariadb/table-rows.ts';
import { systemClock } from '../../runtime/clock.ts';
import { ADMIN, Mariadb } from '../engines/mariadb.ts';
import { query } from './mariadb-harness.ts';

describe('rows of a table', { tags: ['mariadb'] }, () => {
  let folder = '';
  let mariadb: Mariadb;
  let rows: TableRows;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mooring-table-rows-'));
    mariadb = await Mariadb.start();
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, ADMIN.password, { mode: 0o600 });
    const place = { host: '127.0.0.1', port: mariadb.port, user: ADMIN.user, passwordFile, database: 'd' };
    rows = new TableRows({ ...place, deadlineMs: 10_000, clock: systemClock });
    await ask('CREATE DATABASE d');
  });
  afterAll(async () => {
    await rows.close();
    await mariadb.stop();
    rmSync(folder, { recursive: true });
  });

  async function ask(sql: string): Promise<unknown> {
    return await query(JSON.stringify({ port: mariadb.port }), sql);
  }

  /** Each row's column `v`, page by page. */
  async function pagesOf(table: string, rowsMax: number): Promise<unknown[][]> {
    const pages: unknown[][] = [];
    for (let after: string | undefined; pages.length < 20; ) {
      const page = await rows.page({ table, key: 'k', after, from: undefined, until: undefined }, rowsMax);
      if (page === undefined) return pages;
      pages.push(page.rows.map(({ v }) => v));
      after = page.last;
    }
    return expect.fail('it does not end');
  }

  test('each is read once, also where keys are beyond 53 bits, or are the same to the collation only', async () => {
    await ask('CREATE TABLE d.big (k BIGINT, v INT)');
    await ask('INSERT INTO d.big VALUES (1541815603606036481,1),(1541815603606036482,2),(1541815603606036583,3)');
    expect(await pagesOf('big', 2)).toEqual([[1, 2], [3]]);
    await ask('CREATE TABLE d.names (k VARCHAR(9), v INT) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci');
    await ask(`INSERT INTO d.names VALUES ('th1',1),('TH1',2),('Th1',3),('th2',4)`);
    expect((await pagesOf('names', 2)).map((page) => page.toSorted())).toEqual([[1, 2, 3], [4]]);
    await ask('CREATE TABLE d.amounts (k DECIMAL(30,10), v INT)');
    await ask('INSERT INTO d.amounts VALUES (12345678901234567.1,1),(12345678901234567.2,2),(12345678901234567.2,3)');
    expect((await pagesOf('amounts', 1)).map((page) => page.toSorted())).toEqual([[1], [2, 3]]);
  });

  test('a value is the one that the table has, and a TIMESTAMP says that it is UTC', async () => {
    await ask(
      'CREATE TABLE d.exact (k INT, b BIGINT, small DECIMAL(6,2), large DECIMAL(30,10), t TIMESTAMP NULL, n BIGINT)',
    );
    await ask(
      `INSERT INTO d.exact VALUES (1,9007199254740993,21.50,12345678901234567.1234567891,FROM_UNIXTIME(1751364000),NULL)`,
    );
    const page = await rows.page({ table: 'exact', key: 'k', after: undefined, from: undefined, until: undefined }, 9);
    expect(page?.rows).toEqual([
      {
        ...{ k: 1, b: '9007199254740993', small: 21.5, large: '12345678901234567.1234567891' },
        ...{ t: '2025-07-01 10:00:00Z', n: null },
      },
    ]);
  });

  test('a key that is not found again by its text, and a bound that is no number, are refused', async () => {
    await ask('CREATE TABLE d.floats (k FLOAT, v INT)');
    await expect(pagesOf('floats', 2)).rejects.toMatchObject({ code: 'SINK_UNFIT', context: { type: 'float' } });
    const range = { table: 'big', key: 'k', after: undefined, from: '1 OR 1', until: undefined };
    await expect(rows.count(range)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('how far an import has come is of its place and range only', async () => {
    const progress = new ProgressFile(join(folder, 'progress.json'));
    await progress.open();
    const range = { host: 'db', database: 'd', key: 'k', from: null, until: '9' };
    await progress.reached('big', range, '5');
    const again = new ProgressFile(join(folder, 'progress.json'));
    await again.open();
    expect(again.lastOf('big', range)).toBe('5');
    for (const other of [{ host: 'b' }, { database: 'e' }, { key: 'v' }, { from: '1' }, { until: null }])
      expect(() => again.lastOf('big', { ...range, ...other })).toThrow('that of another');
  });
});
