import { join, resolve } from 'node:path';
import type { FilesSinkConfig } from '../config/types.ts';
import type { DailyJobs } from '../schedule/daily-job.ts';
import { type Disk, nodeDisk } from '../sinks/disk.ts';
import { FilesSink, type FilesSinkOptions } from '../sinks/files/files.ts';
import { DayManifests } from './day-manifests.ts';

/** What a `files` sink keeps beside the records, and what of that is being written. */
const TEMPORARY = join('.mooring', 'tmp');

export interface ManifestedFilesOptions extends FilesSinkOptions {
  readonly jobs: DailyJobs;
}

/** Records as files, with a manifest in the folder of each day that is over, made once a day by whoever has the folder. */
export class ManifestedFiles extends FilesSink {
  readonly #options: ManifestedFilesOptions;
  #endJob: (() => Promise<void>) | undefined;

  constructor(options: ManifestedFilesOptions) {
    super(options);
    this.#options = options;
  }

  override async open(signal: AbortSignal): Promise<void> {
    await super.open(signal);
    const { name: sink, path, disk = nodeDisk, clock, log, jobs } = this.#options;
    const root = resolve(path);
    const temporaryDir = join(root, TEMPORARY);
    const manifests = new DayManifests({ root, temporaryDir, disk, clock, log: log.child({ sink }) });
    const run = async (ending: AbortSignal): Promise<boolean> => {
      await manifests.make(ending);
      return true;
    };
    this.#endJob = jobs.add({ kind: 'manifests', sink, run });
  }

  override async close(): Promise<void> {
    const ended = this.#endJob?.();
    this.#endJob = undefined;
    await super.close();
    await ended;
  }
}

/** A `files` sink as it is configured. */
export function createFilesSink(
  { manifests = false, ...sink }: FilesSinkConfig,
  { jobs, ...surroundings }: Pick<ManifestedFilesOptions, 'clock' | 'log' | 'jobs'> & { readonly disk: Disk },
): FilesSink {
  const options = { ...sink, ...surroundings };
  return manifests ? new ManifestedFiles({ ...options, jobs }) : new FilesSink(options);
}
