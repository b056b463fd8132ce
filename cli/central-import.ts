import { join } from 'node:path';
import { loadImport } from '../central/config/import-file.ts';
import { LogVisit } from '../central/deadletter/log-visit.ts';
import { MappingFormat } from '../central/formats/mapping/mapping.ts';
import { ProgressFile } from '../central/import/progress-file.ts';
import { type ImportCount, importTable } from '../central/import/table-import.ts';
import { ForeignIntake } from '../central/ingest/foreign/foreign-intake.ts';
import { besides, loadStations, StationMemory, stationFileOf } from '../central/ingest/foreign/station-memory.ts';
import { createKafkaClient } from '../central/recordlog/kafka/clients.ts';
import { KafkaForeignLetters, KafkaForeignLog } from '../central/recordlog/kafka/foreign-records.ts';
import { type RowKey, TableRows } from '../central/sinks/mariadb/table-rows.ts';
import { MooringError } from '../runtime/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { centralConfigOf } from './config-kind.ts';
import { EXIT } from './failure.ts';
import type { Host } from './host.ts';

export interface ImportOptions {
  /** As the tables write it, included. */
  readonly from?: RowKey | undefined;
  /** As the tables write it, not included. */
  readonly until?: RowKey | undefined;
  readonly json: boolean;
  /** Shows how far it has come on standard error. */
  readonly hasBar: boolean;
}

const BYTES_MAX = 64 * 2 ** 20;
const DEADLINE_MS = 60_000;
const BAR_CHARS = 30;

/**
 * `mooring central import FILE -c CONFIG`: rows of somebody's MariaDB as records of existing devices in the log. Returns the
 * exit status: 0, or 1 where something of a row was refused. Throws `CONFIG_INVALID` and `CONFIG_UNREADABLE`; rejects as the
 * database and the log do: to be run again then, which goes on where it was.
 */
export async function runCentralImport(
  configFile: string,
  file: string,
  { from, until, json, hasBar }: ImportOptions,
  { clock, random, stop, streams }: Pick<Host, 'clock' | 'random' | 'stop' | 'streams'>,
): Promise<number> {
  const { kafka, stateDir } = centralConfigOf(configFile);
  const { source, mariadb, tables } = loadImport(file);
  if (kafka === undefined) {
    throw new MooringError('CONFIG_INVALID', 'an import needs kafka, the log that it writes to', {
      context: { config: configFile },
    });
  }
  const { client: kind, brokers } = kafka;
  const client = await createKafkaClient(kind, { brokers, clientId: 'mooring-import', clock, log: silentLog });
  const progress = new ProgressFile(join(stateDir, 'import', `${source}.json`));
  await progress.open();
  // A centre that runs keeps its own, and writes it.
  const own = new StationMemory({ path: stationFileOf(join(stateDir, 'import'), source), clock, log: silentLog });
  await own.open();
  const stations = besides(await loadStations(stationFileOf(stateDir, source)), own);
  const visit = new LogVisit({ client, kafka, clock, random, log: silentLog });
  const rows = new TableRows({ ...mariadb, deadlineMs: DEADLINE_MS, clock });
  const counts: Record<string, ImportCount> = {};
  try {
    await visit.open(stop);
    const outlets = { ...visit, clock };
    for (const table of tables) {
      const intake = new ForeignIntake({
        source,
        format: new MappingFormat(table.mapping),
        stations,
        recordLog: new KafkaForeignLog(outlets),
        letters: new KafkaForeignLetters(outlets),
        dedupeMs: 0,
        bytesMax: BYTES_MAX,
        clock,
        log: silentLog,
      });
      const onProgress = (done: ImportCount, of: number): void => {
        if (hasBar) streams.err.write(barText(table.name, done, of));
      };
      const wallMs = (): number => clock.wallMs();
      const { host, database } = mariadb;
      const place = { host, database };
      const options = { place, table, rows, intake, progress, from, until, wallMs, signal: stop, onProgress };
      const count = await importTable(options);
      counts[table.name] = count;
      if (hasBar) streams.err.write('\r\u001b[K');
      if (!json) streams.out.write(lineOf(table.name, count));
    }
  } finally {
    await rows.close();
    await visit.close();
    await own.close();
  }
  if (json) streams.out.write(`${JSON.stringify({ source, tables: counts })}\n`);
  return Object.values(counts).every(({ refused }) => refused === 0) ? EXIT.ok : EXIT.failure;
}

function lineOf(table: string, { rows, records, refused }: ImportCount): string {
  return `${table}: ${rows} rows, ${records} records, ${refused} refused\n`;
}

function barText(table: string, { rows }: ImportCount, of: number): string {
  const part = of === 0 ? 1 : Math.min(1, rows / of);
  const bar = '#'.repeat(Math.round(part * BAR_CHARS)).padEnd(BAR_CHARS, '.');
  return `\r\u001b[K${table} [${bar}] ${Math.floor(part * 100)} % of ${of} rows`;
}
