import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { StateFile } from '../../../runtime/state-file.ts';
import { ForeignStations } from '../../formats/foreign-station.ts';

export interface StationMemoryOptions {
  /** Where it is kept: `stationFileOf`. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** From a new station until it is kept, in milliseconds. */
const KEEP_MS = 5000;

/** Which device has which name, of one source, across restarts: kept some seconds after a name was new. */
export class StationMemory {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #file: StateFile<Readonly<Record<string, string>>>;
  #stations = new ForeignStations();
  #cancel: (() => void) | undefined;
  #keeping: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor({ path, clock, log }: StationMemoryOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#file = new StateFile(path);
  }

  /** Throws `STATE_FAILED` where it is there and cannot be read. */
  async open(): Promise<void> {
    this.#stations = await stationsIn(this.#file);
  }

  /** See `ForeignStations.collisionOf`. */
  collisionOf(station: string, sourceId: string): string | undefined {
    const isNew = this.#stations.ownerOf(station) === undefined;
    if (isNew) this.#cancel ??= this.#clock.after(KEEP_MS, () => this.#keep());
    return this.#stations.collisionOf(station, sourceId);
  }

  /** Keeps what is new. */
  async close(): Promise<void> {
    if (this.#cancel !== undefined) this.#keep();
    await this.#keeping;
  }

  #keep(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#keeping = this.#file.save(this.#stations.known).then(
      () => {
        this.#isFailing = false;
      },
      (err: unknown) => {
        if (!(err instanceof MooringError)) throw err;
        if (!this.#isFailing) this.#log.error({ err }, 'the names of the devices of a source cannot be kept');
        this.#isFailing = true;
      },
    );
  }
}

/** Below `state`. */
export function stationFileOf(stateDir: string, source: string): string {
  return `${stateDir}/stations/${source}.json`;
}

/** What was kept, to look at it only. Throws `STATE_FAILED`. */
export async function loadStations(path: string): Promise<ForeignStations> {
  return await stationsIn(new StateFile(path));
}

/** A memory beside another's: what has a name there has it here too. */
export function besides(
  others: Pick<ForeignStations, 'ownerOf'>,
  own: Pick<StationMemory, 'collisionOf'>,
): Pick<StationMemory, 'collisionOf'> {
  const collisionOf = (station: string, sourceId: string): string | undefined => {
    const owner = others.ownerOf(station);
    return owner === undefined ? own.collisionOf(station, sourceId) : owner === sourceId ? undefined : owner;
  };
  return { collisionOf };
}

async function stationsIn(file: StateFile<Readonly<Record<string, string>>>): Promise<ForeignStations> {
  return new ForeignStations(Object.entries((await file.load()) ?? {}));
}
