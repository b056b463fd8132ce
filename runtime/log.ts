import pino from 'pino';
import { MooringError } from './errors.ts';
import { writeIfReady } from './ready-write.ts';

/** What code may do with a log: a fixed message, its values in fields. pino satisfies it as it is. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  child(fields: Readonly<Record<string, string | number>>): Log;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Writes to a file descriptor. Returns how many bytes; throws where it takes none. `writeSync` satisfies it. */
export type WriteBytes = (fileDescriptor: number, bytes: Uint8Array) => number;

/**
 * The root log: JSON lines, written synchronously (a worker would lose the last lines of a crash). A descriptor that takes
 * none, of a full disk or of a reader that stands still, stops nobody: alarms would wait for it.
 */
export function createLog(level: LogLevel, fileDescriptor: number = 1, write: WriteBytes = writeIfReady): Log {
  const serializers = { err: errorFields };
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, errorKey: 'err', serializers };
  const lines = new Lines(
    (bytes) => write(fileDescriptor, bytes),
    (count) => log.warn({ count }, 'lines of the log were lost: nothing took them'),
  );
  const log = pino(options, lines);
  return log;
}

/** An operating error says what it is about and what to do; where in the code it was noticed helps with bugs only. */
function errorFields(error: unknown): object {
  if (!(error instanceof MooringError)) return pino.stdSerializers.err(error as Error);
  const { code, message, hint, context, cause } = error;
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(Object.keys(context).length === 0 ? {} : { context }),
    ...(cause === undefined ? {} : { cause: causeFields(cause) }),
  };
}

function causeFields(cause: unknown): object | string {
  if (cause instanceof MooringError) return errorFields(cause);
  return cause instanceof Error ? cause.message : String(cause);
}

/** Bytes of lines that wait for a descriptor which takes none. */
const WAITING_BYTES_MAX = 65_536;

/** What a log writes to. Not pino's own destination: that ends the process, or hangs in it, when the disk is full. */
class Lines {
  readonly #write: (bytes: Uint8Array) => number;
  readonly #onLost: (count: number) => void;
  #waiting: Uint8Array = new Uint8Array();
  #lost = 0;

  /** `onLost`: lines are taken again, and so many were not kept until then. */
  constructor(write: (bytes: Uint8Array) => number, onLost: (count: number) => void) {
    this.#write = write;
    this.#onLost = onLost;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waiting.length + bytes.length > WAITING_BYTES_MAX) this.#lost += 1;
    else this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    if (!this.#takesAll() || this.#lost === 0) return;
    const count = this.#lost;
    this.#lost = 0;
    this.#onLost(count);
  }

  #takesAll(): boolean {
    try {
      while (this.#waiting.length > 0) this.#waiting = this.#waiting.subarray(this.#write(this.#waiting));
      return true;
    } catch {
      // There is nowhere to tell of it: the next line tries again.
      return false;
    }
  }
}

/** Says nothing. */
export const silentLog: Log = createLog('silent');
