import { LineQueue } from '../daemon/buses/line-queue.ts';
import type { SerialLines, SerialSettings } from '../drivers/driver.ts';
import { NoPorts } from './no-ports.ts';

/** Lines in a test that nobody reads in time are a fault of the test, so none gives way. */
const LINES_MAX = 1_000_000;

/** A serial port without hardware: a test feeds its lines and decides when it is lost. Opened again, it is a new one. */
export class FedLines implements SerialLines {
  readonly settings: SerialSettings;
  opened = 0;
  #queue: LineQueue | undefined;

  constructor(settings: SerialSettings) {
    this.settings = settings;
  }

  async open(): Promise<void> {
    this.opened += 1;
    this.#queue = new LineQueue(LINES_MAX);
  }

  /** What is fed while the port is closed is lost, as on a wire. */
  feed(...lines: readonly string[]): void {
    for (const line of lines) this.#queue?.push(line);
  }

  lose(error: Error): void {
    this.#queue?.end(error);
  }

  async *lines(signal: AbortSignal): AsyncGenerator<string> {
    if (this.#queue !== undefined) yield* this.#queue.read(signal);
  }

  async close(): Promise<void> {
    this.#queue?.end();
    this.#queue = undefined;
  }
}

/** Ports whose serial lines a test feeds: `opened` by path, in the order they were asked for. */
export class FedPorts extends NoPorts {
  readonly ports: FedLines[] = [];

  override serial(settings: SerialSettings): FedLines {
    const lines = new FedLines(settings);
    this.ports.push(lines);
    return lines;
  }

  get first(): FedLines {
    const [port] = this.ports;
    if (port === undefined) throw new Error('no driver has asked for a port');
    return port;
  }
}
