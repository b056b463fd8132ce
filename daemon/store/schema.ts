/** `MOOR`, in the header of the file (SQLite file format, offset 68): a database without it is not a store. */
export const APPLICATION_ID = 0x4d4f4f52;

/**
 * Small pages, as a commit of one record writes one page to the log and later one to the database: at one record a second
 * they are what wears the flash.
 */
export const PAGE_BYTES = 1024;

/**
 * Each takes a store from the version that is its index to the next (`user_version`). One that has been released never
 * changes.
 *
 * No column refers to another table: SQLite would look up the run of each record, and to forget a run read all records.
 *
 * `records.row` counts up through all runs without a gap, and `row - runs.first_row + 1` is the sequence; run and sequence
 * stand in every row too, so that a row can be salvaged alone. Whether a row is settled is not in it: that is in
 * `intervals`, closed ranges of rows, so that settling a thousand rows writes one page.
 *
 * - `gone`: rows that were deleted; of the store, forwarder 0
 * - `settled`: rows that the forwarder no longer needs
 * - `waived`: the settled ones that its centre does not have: rejected, or of another gateway's name
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    salt BLOB NOT NULL UNIQUE,
    first_row INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE records (
    row INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    urgent INTEGER NOT NULL,
    station TEXT NOT NULL,
    kind INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    body BLOB NOT NULL
  ) STRICT;

  CREATE INDEX records_urgent ON records (urgent) WHERE urgent = 1;

  CREATE TABLE forwarders (
    forwarder INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    active INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE intervals (
    state TEXT NOT NULL CHECK (state IN ('gone', 'settled', 'waived')),
    forwarder INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (state, forwarder, first)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;
