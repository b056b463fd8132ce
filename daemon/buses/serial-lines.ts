import type { Duplex } from 'node:stream';
import { ReadlineParser } from '@serialport/parser-readline';
import type { SerialLines, SerialSettings } from '../../drivers/driver.ts';
import type { Log } from '../../runtime/log.ts';
import { LineLimiter } from './line-limiter.ts';
import { LineQueue } from './line-queue.ts';
import { openSession, type SerialContext, type SerialSession } from './serial-session.ts';

/** Lines that may wait for a slow reader; a busy NMEA bus sends about 50 a second. */
const LINES_MAX = 512;

/** Lines that came and were not delivered. */
export interface LineCounts {
  /** Complete lines that the reader was too slow for. */
  readonly dropped: number;
  /** Lines of more than `lineBytesMax` bytes. */
  readonly tooLong: number;
}

/** Lines from one serial port, 8 data bits, no parity, 1 stop bit. Every opening is a new port with nothing left over from the last. */
export class SerialPortLines implements SerialLines {
  readonly #settings: SerialSettings;
  readonly #context: SerialContext;
  #open: { readonly session: SerialSession; readonly lines: ReceivedLines } | undefined;
  #before: LineCounts = { dropped: 0, tooLong: 0 };

  constructor(settings: SerialSettings, context: SerialContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** Lines that were not delivered, over all openings. */
  get counts(): LineCounts {
    return sum(this.#before, this.#open?.lines.counts);
  }

  /**
   * Throws `PORT_ABSENT`, `PORT_BUSY` or `PORT_PERMISSION`, or the signal's reason when it is aborted. Closes what is open.
   */
  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    const session = await openSession(this.#settings, this.#context, signal);
    const lines = new ReceivedLines(this.#settings, this.#context.log);
    session.listen(
      (stream) => lines.take(stream),
      (error) => lines.queue.end(error),
    );
    this.#open = { session, lines };
  }

  /** See `SerialLines`. Ends without an error when the port is closed by `close`; a port that is not open has no lines. */
  async *lines(signal: AbortSignal): AsyncGenerator<string> {
    if (this.#open !== undefined) yield* this.#open.lines.queue.read(signal);
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#before = sum(this.#before, open?.lines.counts);
    await open?.session.close();
  }
}

function sum(a: LineCounts, b: LineCounts = { dropped: 0, tooLong: 0 }): LineCounts {
  return { dropped: a.dropped + b.dropped, tooLong: a.tooLong + b.tooLong };
}

/** The lines of one opening. */
class ReceivedLines {
  readonly queue = new LineQueue(LINES_MAX);
  readonly #settings: SerialSettings;
  readonly #log: Log;
  #tooLong = 0;
  #hasSaidSlow = false;

  constructor(settings: SerialSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  get counts(): LineCounts {
    return { dropped: this.queue.dropped, tooLong: this.#tooLong };
  }

  take(stream: Duplex): void {
    const parser = new ReadlineParser({ delimiter: '\n', encoding: 'latin1' });
    parser.on('data', (line: string) => this.#push(line));
    // A line that the end of the port cuts off is none.
    stream.pipe(new LineLimiter(this.#settings.lineBytesMax), { end: false }).pipe(parser);
  }

  #push(line: string): void {
    if (line.length > this.#settings.lineBytesMax) {
      this.#tooLong += 1;
      return;
    }
    this.queue.push(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (this.queue.dropped > 0 && !this.#hasSaidSlow) {
      this.#hasSaidSlow = true;
      this.#log.warn({ path: this.#settings.path, linesMax: LINES_MAX }, 'serial lines come faster than read');
    }
  }
}
