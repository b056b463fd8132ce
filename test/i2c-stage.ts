import { i2cPorts } from '../daemon/buses/i2c/ports.ts';
import type { I2cAdapter, I2cJob } from '../daemon/buses/machine.ts';
import { type Log, silentLog } from '../runtime/log.ts';
import type { I2cChip } from '../sim/chips/chip.ts';
import { SteppedClock } from '../sim/clock.ts';
import { SimulatedI2cBus } from '../sim/i2c-bus.ts';

/** A memory of 256 bytes that keeps what was said to it. */
export class Memory implements I2cChip {
  readonly address: number;
  readonly said: number[][] = [];
  #at = 0;

  constructor(address: number) {
    this.address = address;
  }

  write(bytes: Uint8Array): void {
    this.said.push([...bytes]);
    this.#at = bytes[0] ?? 0;
  }

  read(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, index) => (this.#at + index) & 0xff);
  }
}

/** What is called on an adapter, in order. */
export class WatchedAdapter implements I2cAdapter {
  readonly calls: string[] = [];
  readonly #inner: I2cAdapter;
  /** What the next calls of `run` throw. */
  faults: (string | undefined)[] = [];
  out = 0;
  outMax = 0;

  constructor(inner: I2cAdapter) {
    this.#inner = inner;
  }

  open(): Promise<void> {
    return this.#watch('open', () => this.#inner.open());
  }

  run(job: I2cJob): Promise<Uint8Array> {
    return this.#watch(`run ${job.address}`, async () => {
      const code = this.faults.shift();
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      return await this.#inner.run(job);
    });
  }

  close(): Promise<void> {
    return this.#watch('close', () => this.#inner.close());
  }

  async #watch<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.calls.push(name);
    this.out += 1;
    this.outMax = Math.max(this.outMax, this.out);
    try {
      return await call();
    } finally {
      this.out -= 1;
    }
  }
}

/** A bus with memories at 0x10 and 0x11, a clock that is stepped, and what was logged. */
export function stage() {
  const clock = new SteppedClock();
  const first = new Memory(0x10);
  const second = new Memory(0x11);
  const simulated = new SimulatedI2cBus(first, second);
  const adapter = new WatchedAdapter(simulated);
  const lines: { readonly level: string; readonly message: string; readonly fields: object }[] = [];
  const keep = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields });
  const log: Log = { ...silentLog, info: keep('info'), warn: keep('warn'), error: keep('error') };
  const ports = i2cPorts({ machine: { i2c: () => adapter }, clock, log });
  const device = (address: number) => ports.i2c({ bus: 'i2c-1', address });
  return { clock, first, second, simulated, adapter, lines, log, ports, device };
}

/** What a promise has come to, without waiting for it. */
export function watch<T>(promise: Promise<T>): { outcome: unknown } {
  const seen: { outcome: unknown } = { outcome: 'pending' };
  promise.then(
    (value) => {
      seen.outcome = value;
    },
    (error: unknown) => {
      seen.outcome = (error as { code?: unknown }).code ?? error;
    },
  );
  return seen;
}
