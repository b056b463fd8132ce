import { existsSync } from 'node:fs';
import { type ManifestReport, verifyManifests } from '../central/manifests/verify.ts';
import { openStoreReader } from '../daemon/store/reader.ts';
import { countOf } from '../protocol/intervals.ts';
import { MooringError } from '../runtime/errors.ts';
import { findHourFiles, recordsOf } from './audit/hour-files.ts';
import { isComplete, Ledger, type RunReport, type StoreRun } from './audit/ledger.ts';
import { tableOf } from './audit/table.ts';

export interface AuditOptions {
  /** Path of a gateway's store, to compare with what it holds and what was acknowledged. */
  readonly store?: string;
  /** Which of the store's forwarders; may be left out where there is only one. */
  readonly forwarder?: string;
  /** Whether the files are held to their manifests too, to the byte. */
  readonly manifests?: boolean;
}

/** A gateway's store, as far as the audit asks it; opened read only. Throws a `MooringError` when it cannot be read. */
export type OpenStore = (path: string) => {
  readonly forwarders: readonly string[];
  /** Oldest first: only the last one can still grow. */
  runs(forwarder?: string): readonly StoreRun[];
  close(): void;
};

/** What `mooring audit --json` prints. */
export interface AuditReport {
  /** There are runs, without holes or duplicates, with nothing acknowledged that is missing, and as manifests say. */
  readonly ok: boolean;
  readonly runs: readonly RunReport[];
  /** Records of other devices, whose ids name no run: counted, not judged. */
  readonly foreign: number;
  /** `FILE:LINE` of last lines that are not finished: being written, or cut short. Not counted. */
  readonly unfinished: readonly string[];
  /** Where it was asked for. */
  readonly manifests?: ManifestReport;
}

/**
 * Judges whether the files of a sink hold every record of every run, once. Reads the store before the files, so that
 * nothing counts as acknowledged that was not yet so when the files were read; and again after them, to know the runs
 * that came up meanwhile. Without a store a sink that is being written to may seem to have holes, as records arrive in
 * any order. Throws a `MooringError` when anything cannot be read.
 */
export async function audit(
  recordsDir: string,
  { store, forwarder, manifests = false }: AuditOptions = {},
  openStore: OpenStore = openExistingStore,
): Promise<AuditReport> {
  const ledger = new Ledger();
  const readStore = (): readonly StoreRun[] =>
    store === undefined ? [] : storeRunsOf(openStore(store), store, forwarder);
  const storeRuns = readStore();
  const unfinished: string[] = [];
  for (const path of await findHourFiles(recordsDir)) {
    for await (const record of recordsOf(recordsDir, path, (place) => unfinished.push(place))) {
      ledger.addRecord(record);
    }
  }
  for (const run of storeRuns) ledger.addStoreRun(run, run === storeRuns.at(-1));
  const known = new Set(storeRuns.map(({ run }) => run));
  for (const { run, gateway } of readStore()) {
    if (!known.has(run)) ledger.addStoreRun({ run, gateway, last: 0, unsettled: [], acked: [] }, true);
  }
  const runs = ledger.runs();
  const verified = manifests ? await manifestsOf(recordsDir) : undefined;
  const ok = runs.length > 0 && isComplete(runs) && (verified?.wrong.length ?? 0) === 0;
  const found = { ok, runs, foreign: ledger.foreign, unfinished };
  return verified === undefined ? found : { ...found, manifests: verified };
}

/**
 * `mooring audit RECORDS_DIR [--store FILE [--forwarder NAME]] [--manifests]`: prints a row a run and a verdict, or one JSON object.
 * Returns the exit status: 0 complete, 1 holes, duplicates, acknowledged but missing or not as a manifest says, 2 cannot read, or nothing to judge.
 */
export async function runAudit(
  recordsDir: string,
  { json, ...options }: AuditOptions & { readonly json: boolean },
  out: { write(text: string): unknown },
  openStore: OpenStore = openExistingStore,
): Promise<number> {
  try {
    const report = await audit(recordsDir, options, openStore);
    out.write(json ? `${JSON.stringify(report)}\n` : inWords(report, options.store !== undefined));
    if (report.runs.length === 0) return 2;
    return report.ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    const { code, message, hint = '', context } = error;
    const place = String(context.place ?? context.path ?? recordsDir);
    const problem = { code, place, message, hint };
    out.write(json ? `${JSON.stringify({ ok: false, error: problem })}\n` : `${place}: ${message}. ${hint}\n`);
    return 2;
  }
}

/** SQLite itself would say only that it is unable to open the file. */
function openExistingStore(path: string): ReturnType<OpenStore> {
  if (existsSync(path)) return openStoreReader(path);
  const hint = "Give the gateway's `store.path`.";
  throw new MooringError('AUDIT_UNREADABLE', 'there is no such file', { context: { path }, hint });
}

function storeRunsOf(reader: ReturnType<OpenStore>, path: string, forwarder: string | undefined): readonly StoreRun[] {
  try {
    const names = reader.forwarders;
    const isKnown = forwarder === undefined ? names.length <= 1 : names.includes(forwarder);
    if (!isKnown) {
      const message = forwarder === undefined ? 'has several forwarders' : `has no forwarder ${forwarder}`;
      const hint = `Name one with --forwarder: ${names.join(', ')}.`;
      throw new MooringError('AUDIT_UNREADABLE', message, { context: { place: path }, hint });
    }
    return reader.runs(forwarder);
  } finally {
    reader.close();
  }
}

function inWords({ ok, runs, foreign, unfinished, manifests }: AuditReport, withStore: boolean): string {
  const sum = (of: (run: RunReport) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const parts = [
    `${counted(
      sum((run) => run.records),
      'record',
    )} of ${counted(runs.length, 'run')}`,
    `${sum((run) => countOf(run.holes))} missing`,
    `${sum((run) => run.duplicates)} twice`,
    ...(withStore ? [`${sum((run) => run.unsettled)} unsent`] : []),
    ...(withStore ? [`${sum((run) => run.acked_but_missing)} lost (acknowledged, not in the files)`] : []),
    ...(manifests === undefined ? [] : manifestWords(manifests)),
    ...(foreign > 0 ? [`${counted(foreign, 'foreign record')} not judged`] : []),
  ];
  const notes = [
    ...unfinished.map((place) => `${place}: last line is not finished; not counted\n`),
    ...(manifests?.wrong ?? []).map(({ path, what }) => `${path}: ${what} since its manifest was made\n`),
  ];
  const verdict = runs.length === 0 ? 'nothing to judge' : ok ? completeness(withStore) : 'NOT COMPLETE';
  return `${tableOf(runs, withStore)}${notes.join('')}${verdict}: ${parts.join(', ')}\n`;
}

function manifestWords({ manifests, intact, wrong }: ManifestReport): string[] {
  return [`${counted(intact, 'file')} as in ${counted(manifests, 'manifest')}`, `${wrong.length} not`];
}

async function manifestsOf(recordsDir: string): Promise<ManifestReport> {
  try {
    return await verifyManifests(recordsDir);
  } catch (cause) {
    const { path = recordsDir } = cause as NodeJS.ErrnoException;
    const hint = 'Check that this user may read it.';
    throw new MooringError('AUDIT_UNREADABLE', 'cannot be read', { cause, context: { place: path }, hint });
  }
}

/** What was made after the newest record that arrived, only the store can know. */
function completeness(withStore: boolean): string {
  return withStore ? 'complete' : 'complete up to the newest record in the files';
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
