import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import type { Database, SqliteError as SqliteErrorClass } from 'better-sqlite3';
import { MooringError, type MooringErrorOptions } from '../../runtime/errors.ts';
import { APPLICATION_ID, MIGRATIONS, PAGE_BYTES, SCHEMA_VERSION } from './schema.ts';

export type Db = Database;
type SqliteError = InstanceType<typeof SqliteErrorClass>;

/** Node-API version that better-sqlite3 is built for; an older Node does not refuse it but crashes. */
const NODE_API_MIN = 10;
const FILE_MODE = 0o640;
const BUSY_TIMEOUT_MS = 5000;
const SYNCHRONOUS_FULL = 2;
/** On the way to it, SQLite first makes the index of the log as long as it has to be. */
const DISK_FULL: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE']);
const NOT_A_STORE: ReadonlySet<string> = new Set(['SQLITE_NOTADB', 'SQLITE_CORRUPT', 'SQLITE_FORMAT']);

/** Throws `NODE_TOO_OLD` where better-sqlite3 would crash the process. */
export function requireNodeApi(version: string = process.versions.napi ?? '0'): void {
  if (Number(version) >= NODE_API_MIN) return;
  throw new MooringError('NODE_TOO_OLD', `this Node has Node-API ${version}; the store needs ${NODE_API_MIN}`, {
    context: { node: process.version },
    hint: 'Install Node 24.',
  });
}

export interface ConnectionOptions {
  readonly path: string;
  /** The write-ahead log is copied into the database when it has grown to this. */
  readonly walBytes: number;
}

/**
 * Opens or makes a store for writing and brings its schema up to date.
 * Throws `STORE_NEWER_SCHEMA`, `STORE_DAMAGED`, `STORE_FAILED`, `STORE_FULL` or `NODE_TOO_OLD`.
 */
export function openForWriting({ path, walBytes }: ConnectionOptions): Db {
  claimName(path);
  return guarded(path, () => {
    const db = openDatabase(path, {});
    try {
      const version = requireStore(db, path);
      if (version === 0) db.pragma(`page_size = ${PAGE_BYTES}`);
      const pragmas: Readonly<Record<string, string | number>> = {
        journal_mode: 'wal',
        synchronous: SYNCHRONOUS_FULL,
        busy_timeout: BUSY_TIMEOUT_MS,
        wal_autocheckpoint: Math.max(1, Math.floor(walBytes / PAGE_BYTES)),
        journal_size_limit: walBytes,
      };
      for (const [name, value] of Object.entries(pragmas)) db.pragma(`${name} = ${value}`);
      migrate(db, version);
      // Only now: the build of SQLite at hand sets `synchronous` anew when the mode becomes WAL.
      db.pragma(`synchronous = ${SYNCHRONOUS_FULL}`);
      touch(db);
      for (const [name, value] of Object.entries(pragmas)) {
        const actual = db.pragma(name, { simple: true });
        if (actual !== value) throw pragmaRefused(path, name, value, actual);
      }
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Opens a store read only. Where nobody has it open and this user may not write beside it, it is read as a file that
 * does not change. Throws `STORE_NEWER_SCHEMA`, `STORE_DAMAGED`, `STORE_FAILED` or `NODE_TOO_OLD`.
 */
export function openForReading(path: string): Db {
  return guarded(path, () => {
    const db = openDatabase(path, { readonly: true, fileMustExist: true });
    try {
      requireVersion(db, path);
      return db;
    } catch (error) {
      db.close();
      if (!isSqliteError(error) || !/^SQLITE_(CANTOPEN|READONLY)/.test(error.code) || hasLog(path)) throw error;
    }
    const url = `file:${encodeURI(path).replaceAll('?', '%3f').replaceAll('#', '%23')}?immutable=1`;
    const unchanging = openDatabase(url, { readonly: true, fileMustExist: true });
    try {
      requireVersion(unchanging, path);
      return unchanging;
    } catch (error) {
      unchanging.close();
      throw error;
    }
  });
}

/** Runs `work`, giving what SQLite throws the store's codes. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isSqliteError(error) ? storeError(path, error) : error;
  }
}

/** Makes the names in a folder durable. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What the system says of a file of the store, with the store's codes. */
export function fileError(path: string, message: string, cause: unknown): MooringError {
  const { code } = cause as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new MooringError(isFull ? 'STORE_FULL' : 'STORE_FAILED', message, {
    cause,
    context: { path, reason: code },
    hint: isFull ? 'Make room on the disk.' : 'Check that this user may write there.',
  });
}

/** Makes the file, where there is none, before SQLite would make it readable for everybody. The log gets the same mode. */
function claimName(path: string): void {
  try {
    closeSync(openSync(path, 'a', FILE_MODE));
  } catch (cause) {
    throw fileError(path, 'the store cannot be opened', cause);
  }
}

function openDatabase(path: string, options: { readonly?: boolean; fileMustExist?: boolean }): Db {
  requireNodeApi();
  const Sqlite = createRequire(import.meta.url)('better-sqlite3') as typeof import('better-sqlite3');
  return new Sqlite(path, options);
}

/** The schema's version; 0 where the file is new. */
function requireStore(db: Db, path: string): number {
  const applicationId = db.pragma('application_id', { simple: true });
  const version = Number(db.pragma('user_version', { simple: true }));
  const isNew = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  if (isNew && applicationId === 0 && version === 0) return 0;
  if (applicationId !== APPLICATION_ID) {
    throw new MooringError('STORE_DAMAGED', 'is no store of Mooring', {
      context: { path },
      hint: 'It is another database. Name another path.',
    });
  }
  if (version > SCHEMA_VERSION) {
    throw new MooringError('STORE_NEWER_SCHEMA', 'the store was written by a newer version of Mooring', {
      context: { path, version, versionMax: SCHEMA_VERSION },
      hint: 'Install that version again; this one would not understand all of it.',
    });
  }
  return version;
}

function requireVersion(db: Db, path: string): void {
  if (requireStore(db, path) === SCHEMA_VERSION) return;
  throw new MooringError('STORE_FAILED', 'the store is empty or of an older version', {
    context: { path },
    hint: 'Start the gateway once: it brings the store up to date.',
  });
}

function migrate(db: Db, from: number): void {
  for (let version = from; version < SCHEMA_VERSION; version += 1) {
    const step = MIGRATIONS[version] as string;
    db.exec(
      `BEGIN IMMEDIATE; ${step}
      PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}; COMMIT`,
    );
  }
}

/** A write that changes nothing, as some pragmas show their real value only after one. */
function touch(db: Db): void {
  db.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && error.constructor.name === 'SqliteError';
}

function storeError(path: string, cause: SqliteError): MooringError {
  const options: MooringErrorOptions = { cause, context: { path, reason: cause.code } };
  if (DISK_FULL.has(cause.code)) {
    return new MooringError('STORE_FULL', 'the disk is full', { ...options, hint: 'Make room on the disk.' });
  }
  if (NOT_A_STORE.has(cause.code) || cause.code.startsWith('SQLITE_CORRUPT')) {
    const hint =
      'Check the disk and its cables first. Keep the file, as it holds records that were not sent; with it moved aside the gateway starts with a new one.';
    return new MooringError('STORE_DAMAGED', 'the store is damaged or no store', { ...options, hint });
  }
  const hint = 'Check the disk, and that this user may write to the file and its folder.';
  return new MooringError('STORE_FAILED', 'the store cannot be read or written', { ...options, hint });
}

function pragmaRefused(path: string, name: string, expected: unknown, actual: unknown): MooringError {
  return new MooringError('STORE_FAILED', `SQLite does not keep ${name}`, {
    context: { path, expected, actual },
    hint: 'The store needs a local file system with locks and shared memory.',
  });
}
