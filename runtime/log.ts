import pino from 'pino';

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

/** The root log: JSON lines, written synchronously (a worker would lose the last lines of a crash). */
export function createLog(level: LogLevel, fileDescriptor: number = 1): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, errorKey: 'err' },
    pino.destination({ fd: fileDescriptor, sync: true }),
  );
}

/** Says nothing. */
export const silentLog: Log = createLog('silent');
