import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError, toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Disk } from '../sinks/disk.ts';
import { StateFile } from '../sinks/state-file.ts';
import { type DayFolder, dayFoldersOf } from './day-folders.ts';
import { factsOf } from './file-facts.ts';
import {
  isRecordsFile,
  MANIFEST_FILE,
  MANIFEST_SCHEMA,
  type Manifest,
  type ManifestFile,
  parquetNameOf,
  parseManifest,
} from './manifest.ts';

export interface DayManifestsOptions {
  /** Absolute folder of the records. Nobody else writes there. */
  readonly root: string;
  /** Absolute folder for what is being written; on the same file system. */
  readonly temporaryDir: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
}

/** Names that are listed and not there: one that has become Parquet is gone from the next list. */
const LISTS_MAX = 3;
const DAY_MS = 86_400_000;
/** How long after its end a day is left alone: its last hour becomes Parquet by then. */
const GRACE_MS = 2 * 3_600_000;

/**
 * A manifest for each day's folder that is over: what files it has, and what is in them. It is written under a temporary
 * name and renamed, beside a sink that goes on writing; what comes late makes the next version. Of files that have become
 * fewer, shorter or others since a manifest none is made: it would hide that.
 */
export class DayManifests {
  readonly #options: DayManifestsOptions;

  constructor(options: DayManifestsOptions) {
    this.#options = options;
  }

  /**
   * Makes those that are missing or behind; how many. A day that cannot be done stops no other. Rejects then with
   * `SINK_FAILED` for the first one, or with the signal's reason.
   */
  async make(signal: AbortSignal): Promise<number> {
    const { disk, root, clock, log } = this.#options;
    const failures: MooringError[] = [];
    let made = 0;
    try {
      for await (const folder of dayFoldersOf(disk, root)) {
        signal.throwIfAborted();
        if (clock.wallMs() < Date.parse(folder.day) + DAY_MS + GRACE_MS) continue;
        try {
          if (await this.#makeOf(folder, signal)) made += 1;
        } catch (error) {
          signal.throwIfAborted();
          failures.push(toMooringError(error, 'SINK_FAILED', `no manifest can be made of ${folder.path}`));
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      failures.push(toMooringError(error, 'SINK_FAILED', 'the folder of a sink cannot be looked through'));
    }
    for (const err of failures.slice(1, 10)) log.error({ err }, 'a day is left without a manifest of what it has now');
    const [first] = failures;
    if (first !== undefined) throw first;
    return made;
  }

  async #makeOf(folder: DayFolder, signal: AbortSignal): Promise<boolean> {
    const { root, clock, log } = this.#options;
    const target = join(root, folder.path, MANIFEST_FILE);
    const before = await this.#standing(target);
    const sizes = await this.#committedOf(folder, await this.#sizesIn(folder, signal));
    const known = new Map((before?.files ?? []).map((file) => [file.file, file]));
    checkKept(folder, known, sizes);
    if (before !== undefined && isSame(known, sizes)) return false;
    if (before === undefined && sizes.size === 0) return false;
    const files: ManifestFile[] = [];
    for (const [name, bytes] of sizes) {
      const one = known.get(name);
      files.push(one?.bytes === bytes ? one : await this.#factsOf(folder, name, { known: one, bytes }, signal));
    }
    // What is longer by a line that was never finished says nothing new.
    if (JSON.stringify(files) === JSON.stringify(before?.files)) return false;
    const manifest: Manifest = {
      schema: MANIFEST_SCHEMA,
      day: folder.day,
      version: (before?.version ?? 0) + 1,
      made_at: new Date(clock.wallMs()).toISOString(),
      records: recordsIn(files),
      files,
    };
    await this.#put(folder, target, manifest);
    log.info({ folder: folder.path, version: manifest.version, files: files.length }, 'a day has a manifest');
    return true;
  }

  async #standing(target: string): Promise<Manifest | undefined> {
    const bytes = await this.#options.disk.read(target);
    if (bytes === undefined) return undefined;
    const manifest = parseManifest(bytes);
    if (manifest !== undefined) return manifest;
    throw new MooringError('SINK_FAILED', 'a manifest is none that this version made', {
      context: { path: target },
      hint: 'Something else has written it, or a later version: put it aside, and the next run makes one.',
    });
  }

  /** Bytes of each file with records, by name. */
  async #sizesIn({ path }: DayFolder, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const { disk, root } = this.#options;
    const folder = join(root, path);
    let missing: string | undefined;
    for (let lists = 1; lists <= LISTS_MAX; lists += 1) {
      signal.throwIfAborted();
      const names = ((await disk.list(folder)) ?? []).filter(isRecordsFile).sort();
      const sizes = new Map<string, number>();
      for (const name of names) {
        const size = await disk.size(join(folder, name));
        if (size !== undefined) sizes.set(name, size);
      }
      missing = names.find((name) => !sizes.has(name));
      if (missing === undefined) return sizes;
    }
    throw new MooringError('SINK_FAILED', 'a file of a sink is listed and not there', {
      context: { path: `${path}/${missing}` },
      hint: 'It is a link to nowhere, most likely: remove it.',
    });
  }

  /** The same as far as the sink has committed, which may have more on disk. Looked up after the sizes: it only grows. */
  async #committedOf({ path }: DayFolder, sizes: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, number>> {
    const { disk, root } = this.#options;
    const state = await new StateFile(disk, join(root, '.mooring')).read();
    const committed = [...sizes].map(([name, bytes]) => {
      return [name, Math.min(bytes, state?.files.get(`${path}/${name}`) ?? bytes)] as const;
    });
    return new Map(committed.filter(([name, bytes]) => bytes > 0 || sizes.get(name) === 0));
  }

  async #factsOf(
    { path }: DayFolder,
    name: string,
    { known, bytes }: { readonly known: ManifestFile | undefined; readonly bytes: number },
    signal: AbortSignal,
  ): Promise<ManifestFile> {
    const { disk, root } = this.#options;
    const file = join(root, path, name);
    const read = { prefixBytes: known?.bytes ?? 0, bytesMax: bytes };
    const { prefixSha256, ...facts } = await factsOf(disk, file, read, signal);
    if (known !== undefined && prefixSha256 !== known.sha256) throw changed(`${path}/${name}`);
    return facts;
  }

  async #put({ path }: DayFolder, target: string, manifest: Manifest): Promise<void> {
    const { disk, root, temporaryDir } = this.#options;
    const temporary = join(temporaryDir, `${path.replaceAll('/', '-')}-${MANIFEST_FILE}`);
    await disk.makeFolder(temporaryDir);
    await disk.writeFrom(temporary, 0, Buffer.from(`${JSON.stringify(manifest)}\n`));
    await disk.rename(temporary, target);
    await disk.syncFolder(join(root, path));
  }
}

/** What a manifest names is there, no shorter; NDJSON may have become Parquet. */
function checkKept(
  { path }: DayFolder,
  known: ReadonlyMap<string, ManifestFile>,
  sizes: ReadonlyMap<string, number>,
): void {
  for (const [name, { bytes }] of known) {
    const size = sizes.get(name);
    const isParquetNow = size === undefined && sizes.has(parquetNameOf(name));
    const isKept = name.endsWith('.parquet') ? size === bytes : size !== undefined && size >= bytes;
    if (!isKept && !isParquetNow) throw changed(`${path}/${name}`);
  }
}

function isSame(known: ReadonlyMap<string, ManifestFile>, sizes: ReadonlyMap<string, number>): boolean {
  return known.size === sizes.size && [...sizes].every(([name, bytes]) => known.get(name)?.bytes === bytes);
}

function recordsIn(files: readonly ManifestFile[]): number {
  const names = new Set(files.map(({ file }) => file));
  const once = files.filter(({ file }) => file.endsWith('.ndjson') || !names.has(file.replace(/parquet$/, 'ndjson')));
  return once.reduce((sum, { records }) => sum + records, 0);
}

function changed(path: string): MooringError {
  return new MooringError('SINK_FAILED', 'a file is gone, shorter or another than its manifest says', {
    context: { path },
    hint: `Bring it back from a copy; where it was on purpose, remove the ${MANIFEST_FILE} beside it.`,
  });
}
