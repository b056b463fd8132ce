import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DeadLetter } from '../../central/ingest/dead-letter.ts';
import { Intake } from '../../central/ingest/intake.ts';
import { DirectRecordLog } from '../../central/recordlog/direct.ts';
import type { Disk } from '../../central/sinks/disk.ts';
import { FilesSink } from '../../central/sinks/files/files.ts';
import type { Clock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import type { SeededRandom } from '../../runtime/random.ts';
import type { Centre } from '../../sim/lossy-transport.ts';
import { Died, type Fate, PowerCutDisk } from '../conformance/power-cut-disk.ts';

const FOLDER = '/srv/mooring/records';
const INTAKE_BYTES_MAX = 200_000;

/**
 * A centre that can be killed at any step of a write, or lose its power there: intake, direct log and file sink over a disk
 * in memory. While it is dead, what is sent to it is lost.
 */
export class SimulatedCentre {
  readonly letters: DeadLetter[] = [];
  readonly #clock: Clock;
  readonly #disk: PowerCutDisk;
  #intake: Intake | undefined;

  constructor(clock: Clock, random: SeededRandom) {
    this.#clock = clock;
    this.#disk = new PowerCutDisk(random);
  }

  readonly receive: Centre = (gateway, batch, answer) => {
    if (!this.#disk.isDead) this.#intake?.receive(gateway, batch, answer);
  };

  /** Starts it, after a death on what that has left. */
  async start(): Promise<void> {
    this.#disk.restart();
    const [clock, log, disk] = [this.#clock, silentLog, untilDeath(this.#disk)];
    const sink = new FilesSink({ name: 'archive', path: FOLDER, clock, log, disk });
    const recordLog = new DirectRecordLog({ sinks: [sink] });
    await recordLog.open(new AbortController().signal);
    const deadLetters = {
      append: async (letters: readonly DeadLetter[]): Promise<void> => {
        this.letters.push(...letters);
        await Promise.resolve();
      },
    };
    this.#intake = new Intake({ recordLog, ledger: recordLog, deadLetters, clock, log, bytesMax: INTAKE_BYTES_MAX });
  }

  /** It dies, or its disk is full, after so many more steps on its disk. */
  doom(end: Fate['end'], steps: number): void {
    Object.assign(this.#disk.fate, { end, steps });
  }

  /** There is room again. */
  makeRoom(): void {
    this.#disk.fate.steps = Number.POSITIVE_INFINITY;
  }

  get isDead(): boolean {
    return this.#disk.isDead;
  }

  /** Writes what is in the sink to a real folder. */
  export(folder: string): void {
    for (const [path, content] of this.#disk.files(FOLDER)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
  }
}

/** A process that has died gets no answer any more, not even an error. */
function untilDeath(disk: PowerCutDisk): Disk {
  return new Proxy<Disk>(disk, {
    get: (target, name: keyof Disk) => {
      if (name === 'lock') return target.lock.bind(target);
      return async (...parameters: never[]) => {
        try {
          return await (target[name] as (...given: never[]) => Promise<unknown>).apply(target, parameters);
        } catch (error) {
          if (error instanceof Died) return await new Promise(() => undefined);
          throw error;
        }
      };
    },
  });
}
