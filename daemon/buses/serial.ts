import { ReadlineParser } from '@serialport/parser-readline';
import { SerialPort } from 'serialport';
import type { Ports, SerialLines, SerialSettings } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { LineLimiter } from './line-limiter.ts';
import { LineQueue } from './line-queue.ts';
import { lostError, openError, silentError } from './serial-errors.ts';

/** Lines that may wait for a slow reader; a busy NMEA bus sends about 50 a second. */
const LINES_MAX = 512;
/** A port that is quiet for so long is asked whether it is still there. */
const PROBE_MS = 500;

export interface SerialContext {
  readonly clock: Clock;
  readonly log: Log;
}

/** The serial side of `Ports`. */
export function serialPorts(context: SerialContext): Pick<Ports, 'serial'> {
  return { serial: (settings) => new SerialPortLines(settings, context) };
}

/** Lines from one serial port, 8 data bits, no parity, 1 stop bit. Every opening is a new port with nothing left over from the last. */
export class SerialPortLines implements SerialLines {
  readonly #settings: SerialSettings;
  readonly #context: SerialContext;
  #session: SerialSession | undefined;
  #before: LineCounts = { dropped: 0, tooLong: 0 };

  constructor(settings: SerialSettings, context: SerialContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** Lines that were not delivered, over all openings. */
  get counts(): LineCounts {
    return sum(this.#before, this.#session?.counts);
  }

  /**
   * Throws `PORT_ABSENT`, `PORT_BUSY` or `PORT_PERMISSION`, or the signal's reason when it is aborted. Closes what is open.
   */
  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    signal.throwIfAborted();
    const port = await openPort(this.#settings);
    const session = new SerialSession(port, this.#settings, this.#context);
    if (signal.aborted) {
      await session.close();
      signal.throwIfAborted();
    }
    this.#session = session;
  }

  /** See `SerialLines`. Ends without an error when the port is closed by `close`; a port that is not open has no lines. */
  async *lines(signal: AbortSignal): AsyncGenerator<string> {
    if (this.#session !== undefined) yield* this.#session.read(signal);
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#before = sum(this.#before, session?.counts);
    await session?.close();
  }
}

/** Lines that came and were not delivered. */
export interface LineCounts {
  /** Complete lines that the reader was too slow for. */
  readonly dropped: number;
  /** Lines of more than `lineBytesMax` bytes. */
  readonly tooLong: number;
}

function sum(a: LineCounts, b: LineCounts = { dropped: 0, tooLong: 0 }): LineCounts {
  return { dropped: a.dropped + b.dropped, tooLong: a.tooLong + b.tooLong };
}

function openPort({ path, baud }: SerialSettings): Promise<SerialPort> {
  return new Promise((resolve, reject) => {
    // `lock` keeps a second program out (flock); it frees itself when the process ends.
    const port = new SerialPort({ path, baudRate: baud, autoOpen: false, lock: true });
    port.open((error) => (error === null ? resolve(port) : reject(openError(path, error))));
  });
}

/** Resolves when the descriptor, and with it the lock, is given back; also where the port is closing already. */
function closePort(port: SerialPort): Promise<void> {
  return new Promise((resolve) => {
    if (port.isOpen) {
      port.close(() => resolve());
    } else if (port.closing) {
      port.once('close', () => resolve());
      port.once('error', () => resolve());
    } else {
      resolve();
    }
  });
}

/** One opening of a port, from the moment it is open until it is closed, lost or silent. */
class SerialSession {
  readonly #port: SerialPort;
  readonly #settings: SerialSettings;
  readonly #context: SerialContext;
  readonly #queue = new LineQueue(LINES_MAX);
  #heardMs: number;
  #tooLong = 0;
  #cancelWatch: () => void;
  #isProbing = false;
  #hasSaidSlow = false;
  #closed: Promise<void> | undefined;

  constructor(port: SerialPort, settings: SerialSettings, context: SerialContext) {
    this.#port = port;
    this.#settings = settings;
    this.#context = context;
    this.#heardMs = context.clock.monotonicMs();
    this.#cancelWatch = context.clock.after(this.#watchMs(), () => this.#watch());
    const parser = new ReadlineParser({ delimiter: '\n', encoding: 'latin1' });
    port.on('data', () => {
      this.#heardMs = context.clock.monotonicMs();
    });
    port.on('error', (error) => this.#lose(lostError(settings.path, error)));
    port.on('close', (error?: Error | null) => this.#lose(lostError(settings.path, error ?? undefined)));
    parser.on('data', (line: string) => this.#take(line));
    port.pipe(new LineLimiter(settings.lineBytesMax)).pipe(parser);
  }

  get counts(): LineCounts {
    return { dropped: this.#queue.dropped, tooLong: this.#tooLong };
  }

  read(signal: AbortSignal): AsyncGenerator<string> {
    return this.#queue.read(signal);
  }

  /** Ends the lines without an error, unless the port was lost before. */
  close(): Promise<void> {
    this.#cancelWatch();
    this.#queue.end();
    this.#closed ??= closePort(this.#port);
    return this.#closed;
  }

  #take(line: string): void {
    if (line.length > this.#settings.lineBytesMax) {
      this.#tooLong += 1;
      return;
    }
    this.#queue.push(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (this.#queue.dropped > 0 && !this.#hasSaidSlow) {
      this.#hasSaidSlow = true;
      this.#context.log.warn({ path: this.#settings.path, linesMax: LINES_MAX }, 'serial lines come faster than read');
    }
  }

  #lose(error: Error): void {
    this.#queue.end(error);
    this.#cancelWatch();
  }

  /** Half of short silences, so that a probe never comes after the verdict. */
  #watchMs(): number {
    return Math.min(PROBE_MS, this.#settings.silenceMs / 2);
  }

  /** While bytes come it does nothing; else the port is probed, and after `silenceMs` it is given up. */
  #watch(): void {
    const quietMs = this.#context.clock.monotonicMs() - this.#heardMs;
    if (quietMs >= this.#settings.silenceMs) {
      this.#lose(silentError(this.#settings.path, this.#settings.silenceMs));
      return;
    }
    if (quietMs >= this.#watchMs() && !this.#isProbing) this.#probe();
    const untilSilentMs = this.#settings.silenceMs - quietMs;
    this.#cancelWatch = this.#context.clock.after(Math.min(this.#watchMs(), untilSilentMs), () => this.#watch());
  }

  /**
   * A terminal that is hung up answers every read with nothing, not with an error. serialport 13 hears of a hang-up only
   * while it waits for bytes: one that meets a read makes it read nothing for ever, at full load. An ioctl does fail.
   */
  #probe(): void {
    this.#isProbing = true;
    this.#port.port?.getBaudRate().then(
      () => {
        this.#isProbing = false;
      },
      (error: Error) => {
        this.#lose(lostError(this.#settings.path, error));
        // Ends the reading in circles now; the owner's `close` may come much later.
        if (this.#port.isOpen) this.#port.close();
      },
    );
  }
}
