import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';

/** What systemd hands to a `Type=notify` service (sd_notify(3), sd_watchdog_enabled(3)). */
export interface SystemdEnvironment {
  /** `NOTIFY_SOCKET`: absent when the process was not started by systemd. */
  readonly notifySocket?: string;
  /** `WATCHDOG_USEC` as milliseconds, where the unit has `WatchdogSec`. */
  readonly watchdogMs?: number;
}

/** Reads it from a process's environment. A watchdog that is meant for another process (`WATCHDOG_PID`) is not ours to feed. */
export function systemdEnvironmentOf(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): SystemdEnvironment {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env;
  const watchdogMs = Number(WATCHDOG_USEC) / 1000;
  const isForUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid;
  return {
    ...(NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '' ? {} : { notifySocket: NOTIFY_SOCKET }),
    ...(isForUs && watchdogMs > 0 ? { watchdogMs } : {}),
  };
}

export type SendDatagram = (path: string, text: string) => void;

/** Speaks to systemd, or to nobody. A message that cannot be sent is logged once: it must not stop the gateway. */
export class SystemdNotifier {
  readonly #socket: string | undefined;
  readonly #send: SendDatagram;
  readonly #log: Log;
  #failed = false;
  #status = '';

  constructor(environment: SystemdEnvironment, send: SendDatagram, log: Log) {
    this.#socket = environment.notifySocket;
    this.#send = send;
    this.#log = log;
  }

  /** Start-up is over. */
  ready(): void {
    this.#notify('READY=1');
  }

  stopping(): void {
    this.#notify('STOPPING=1');
  }

  /** One line for `systemctl status`; sent only when it changed. */
  status(line: string): void {
    if (line === this.#status) return;
    this.#status = line;
    this.#notify(`STATUS=${line.replaceAll('\n', ' ')}`);
  }

  /** Feeds the watchdog. */
  alive(): void {
    this.#notify('WATCHDOG=1');
  }

  #notify(message: string): void {
    if (this.#socket === undefined) return;
    try {
      this.#send(this.#socket, message);
      this.#failed = false;
    } catch (err) {
      if (!(err instanceof MooringError)) throw err;
      if (!this.#failed) this.#log.warn({ err }, 'systemd takes no notification');
      this.#failed = true;
    }
  }
}
