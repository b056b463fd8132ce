import type { Machine, SerialLineSettings, SerialOpening } from '../daemon/buses/machine.ts';
import type { Random } from '../runtime/random.ts';
import { SeededRandom } from '../runtime/random.ts';
import type { Talker } from './talkers/talker.ts';
import { WireEnd } from './wire-end.ts';

/** `silence`: nothing gets through. `babble`: noise before all that is said. `garble`: a bit turned in each piece. `noise`: any bytes in place of what is said. `hang`: nothing gets through, and who opens or probes the port waits. */
export type SerialTrouble = 'silence' | 'babble' | 'garble' | 'noise' | 'hang';

/** At a time, of a line that babbles. */
const NOISE_BYTES_MAX = 40;

export interface SimulatedSerialLineOptions {
  /** The speed of the device, bits per second: at another nobody understands anything. Left out: any. */
  readonly baud?: number;
  readonly random?: Random;
}

/**
 * A serial port with a device on its other end, as `Machine.openSerial` opens it: one program at a time, and what is said
 * while nobody listens is lost. The device has power of its own; unplugging takes the adapter away.
 */
export class SimulatedSerialLine implements Pick<Machine, 'openSerial'> {
  readonly talker: Talker;
  readonly #baud: number | undefined;
  readonly #random: Random;
  #port: SimulatedPort | undefined;
  #isUnplugged = false;
  #isPowered = false;
  #trouble: SerialTrouble | undefined;
  #held: (() => void)[] = [];
  openings = 0;

  constructor(talker: Talker, { baud, random = new SeededRandom(1) }: SimulatedSerialLineOptions = {}) {
    this.talker = talker;
    this.#baud = baud;
    this.#random = random;
    this.powerUp();
  }

  get trouble(): SerialTrouble | undefined {
    return this.#trouble;
  }

  /** What goes wrong on the wire from now on; undefined: nothing. */
  set trouble(trouble: SerialTrouble | undefined) {
    this.#trouble = trouble;
    if (trouble !== 'hang') for (const resolve of this.#held.splice(0)) resolve();
  }

  /** Throws ENOENT while it is unplugged, EBUSY while it is open. */
  async openSerial(settings: SerialLineSettings): Promise<SerialOpening> {
    await this.#answered();
    if (this.#isUnplugged) throw faultOf('ENOENT', settings.path);
    if (this.#port !== undefined) throw faultOf('EBUSY', settings.path);
    this.openings += 1;
    const isUnderstood = this.#baud === undefined || this.#baud === settings.baud;
    const port = new SimulatedPort((bytes) => this.#hear(bytes), isUnderstood);
    this.#port = port;
    return {
      stream: port,
      probe: async () => {
        await this.#answered();
        if (port.destroyed) throw faultOf('EIO', settings.path);
      },
      close: async () => {
        if (this.#port === port) this.#port = undefined;
        port.destroy();
        await Promise.resolve();
      },
    };
  }

  /** The port vanishes, from under whoever has it open. */
  unplug(): void {
    this.#isUnplugged = true;
    this.#port?.destroy();
    this.#port = undefined;
  }

  plug(): void {
    this.#isUnplugged = false;
  }

  powerUp(): void {
    if (this.#isPowered) return;
    this.#isPowered = true;
    this.talker.powerUp((bytes) => this.#carry(bytes));
  }

  powerDown(): void {
    if (!this.#isPowered) return;
    this.#isPowered = false;
    this.talker.powerDown();
  }

  /** The device is without power for a moment. */
  powerCycle(): void {
    this.powerDown();
    this.powerUp();
  }

  get #isMute(): boolean {
    return this.#trouble === 'silence' || this.#trouble === 'hang';
  }

  /** A call to the system comes back. */
  async #answered(): Promise<void> {
    if (this.#trouble === 'hang') await new Promise<void>((resolve) => this.#held.push(resolve));
    else await Promise.resolve();
  }

  #hear(bytes: Uint8Array): void {
    const port = this.#port;
    if (!this.#isPowered || port === undefined || this.#isMute) return;
    if (this.#trouble === 'babble') port.push(this.#noise(this.#random.uniform() * NOISE_BYTES_MAX));
    this.talker.hear(port.isUnderstood ? bytes : this.#noise(bytes.length));
  }

  #carry(bytes: Uint8Array): void {
    const port = this.#port;
    if (port === undefined || this.#isMute) return;
    if (!port.isUnderstood || this.#trouble === 'noise') {
      port.push(this.#noise(bytes.length));
      return;
    }
    const carried = Buffer.from(bytes);
    if (this.#trouble === 'babble') port.push(this.#noise(this.#random.uniform() * NOISE_BYTES_MAX));
    if (this.#trouble === 'garble' && carried.length > 0) {
      const at = Math.floor(this.#random.uniform() * carried.length);
      carried[at] = (carried[at] as number) ^ 0x10;
    }
    port.push(carried);
  }

  #noise(length: number): Buffer {
    return Buffer.from(this.#random.bytes(Math.ceil(length)));
  }
}

/** An opening of the port. */
class SimulatedPort extends WireEnd {
  readonly isUnderstood: boolean;

  constructor(said: (bytes: Buffer) => void, isUnderstood: boolean) {
    super(said);
    this.isUnderstood = isUnderstood;
  }
}

function faultOf(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: on the simulated serial port`), { code, path });
}
