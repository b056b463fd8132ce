/** What the caller should do next about an operating error. */
export type Retry = 'now' | 'later' | 'never';

/** Every operating error has one of these codes; ARCHITECTURE.md lists them, and a test compares the two. */
export const ERROR_CODES = {
  CONFIG_INVALID: 'never',
  CONFIG_UNREADABLE: 'never',
  NODE_TOO_OLD: 'never',
  STORE_IN_USE: 'never',
  STORE_NEWER_SCHEMA: 'never',
  STORE_OTHER_GATEWAY: 'never',
  STORE_DAMAGED: 'never',
  STORE_FULL: 'later',
  STORE_CLOSED: 'never',
  STORE_FAILED: 'later',
  RECORD_INVALID: 'never',
  RECORD_TOO_LARGE: 'never',
  LOCK_HELD: 'later',
  LOCK_FAILED: 'never',
  PORT_ABSENT: 'later',
  PORT_BUSY: 'later',
  PORT_PERMISSION: 'later',
  PORT_LOST: 'later',
  PORT_SILENT: 'later',
  I2C_NO_DEVICE: 'later',
  BUS_FAILED: 'now',
  BUS_STUCK: 'later',
  SENSOR_FAILED: 'later',
  SENSOR_UNKNOWN: 'later',
  READING_DAMAGED: 'now',
  ACTUATOR_FAILED: 'later',
  STATE_FAILED: 'later',
  DEADLINE: 'later',
  LINK_DOWN: 'later',
  LINK_REFUSED: 'later',
  LINK_SILENT: 'later',
  SINK_MOUNT_UNFIT: 'never',
  SINK_STATE_DAMAGED: 'never',
  SINK_UNFIT: 'never',
  SINK_FAILED: 'later',
  LOG_FAILED: 'later',
  LOG_REFUSED: 'never',
  LOG_UNFIT: 'never',
  LOG_CHANGED: 'never',
  LOG_EXPIRED: 'never',
  UDP_KEY_UNUSABLE: 'never',
  SOCKET_FAILED: 'later',
  NOT_RUNNING: 'later',
  ENROLL_FAILED: 'never',
  AUDIT_UNREADABLE: 'never',
} as const satisfies Record<string, Retry>;
export type ErrorCode = keyof typeof ERROR_CODES;

export interface MooringErrorOptions extends ErrorOptions {
  /** Values for the log: path, line, expected, actual, … */
  readonly context?: Readonly<Record<string, unknown>>;
  /** What a person can do about it. */
  readonly hint?: string;
  /** Overrides the code's usual answer. */
  readonly retry?: Retry;
}

/** The one class of operating errors. Bugs are assertions instead. */
export class MooringError extends Error {
  override readonly name = 'MooringError';
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly context: Readonly<Record<string, unknown>>;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: MooringErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? ERROR_CODES[code];
    this.context = options.context ?? {};
    this.hint = options.hint;
  }
}

/** The error itself where it is one of ours, else `wrap`ped with its cause kept. */
export function toMooringError(error: unknown, code: ErrorCode, message: string): MooringError {
  return error instanceof MooringError ? error : new MooringError(code, message, { cause: error });
}
