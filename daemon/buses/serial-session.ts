import type { Duplex } from 'node:stream';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Machine, SerialLineSettings, SerialOpening } from './machine.ts';
import { lostError, openError, silentError } from './serial-errors.ts';

/** A port that is quiet for so long is asked whether it is still there. */
const PROBE_MS = 500;

export interface SerialContext {
  readonly machine: Pick<Machine, 'openSerial'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SerialSessionSettings extends SerialLineSettings {
  /** Infinity: whoever is on the other end speaks only when spoken to. */
  readonly silenceMs: number;
}

/** Opens a port. Throws `PORT_ABSENT`, `PORT_BUSY` or `PORT_PERMISSION`, or the signal's reason when it is aborted. */
export async function openSession(
  settings: SerialSessionSettings,
  { machine, clock }: Omit<SerialContext, 'log'>,
  signal: AbortSignal,
): Promise<SerialSession> {
  signal.throwIfAborted();
  const { path, baud, parity, stopBits } = settings;
  const line = { path, baud, ...(parity && { parity }), ...(stopBits && { stopBits }) };
  const opening = await machine.openSerial(line).catch((error: unknown) => {
    throw openError(path, error as Error);
  });
  if (signal.aborted) {
    await opening.close();
    throw signal.reason;
  }
  return new SerialSession(opening, settings, clock);
}

/** One opening of a port, from the moment it is open until it is closed, lost or silent. */
export class SerialSession {
  readonly #opening: SerialOpening;
  readonly #settings: SerialSessionSettings;
  readonly #clock: Clock;
  /** What fails the writes that are under way. */
  readonly #failWrites = new Set<(error: Error) => void>();
  #loss: Error | undefined;
  #heardMs: number;
  #cancelWatch: () => void;
  #isProbing = false;
  #isEnded = false;
  #closed: Promise<void> | undefined;
  #onEnd: (error: Error | undefined) => void = () => undefined;

  constructor(opening: SerialOpening, settings: SerialSessionSettings, clock: Clock) {
    this.#opening = opening;
    this.#settings = settings;
    this.#clock = clock;
    this.#heardMs = clock.monotonicMs();
    this.#cancelWatch = clock.after(this.#watchMs(), () => this.#watch());
    opening.stream.on('error', (error) => this.#lose(lostError(settings.path, error)));
    opening.stream.on('close', (error?: Error | null) => this.#lose(lostError(settings.path, error ?? undefined)));
    opening.stream.on('end', () => this.#lose(lostError(settings.path, undefined)));
  }

  /** Takes what comes: `take` attaches itself to the stream, `onEnd` is called once, with an error unless it was closed. */
  listen(take: (stream: Duplex) => void, onEnd: (error: Error | undefined) => void): void {
    this.#onEnd = onEnd;
    this.#opening.stream.on('data', () => {
      this.#heardMs = this.#clock.monotonicMs();
    });
    take(this.#opening.stream);
    if (this.#isEnded) onEnd(this.#loss);
  }

  /** Resolves when the system has taken the bytes. Throws `PORT_LOST`, or the signal's reason. */
  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isEnded) throw this.#loss ?? lostError(this.#settings.path, undefined);
    const written = Promise.withResolvers<void>();
    const onAbort = (): void => written.reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#failWrites.add(written.reject);
    this.#opening.stream.write(bytes, (error) => {
      if (error) written.reject(lostError(this.#settings.path, error));
      else written.resolve();
    });
    try {
      await written.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#failWrites.delete(written.reject);
    }
  }

  /** Ends it without an error, unless the port was lost before. */
  close(): Promise<void> {
    this.#end(undefined);
    this.#closed ??= this.#opening.close();
    return this.#closed;
  }

  #lose(error: Error): void {
    if (!this.#isEnded) this.#loss = error;
    this.#end(error);
  }

  #end(error: Error | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelWatch();
    for (const fail of this.#failWrites) fail(error ?? lostError(this.#settings.path, undefined));
    this.#onEnd(error);
  }

  /** Half of short silences, so that a probe never comes after the verdict. */
  #watchMs(): number {
    return Math.min(PROBE_MS, this.#settings.silenceMs / 2);
  }

  /** While bytes come it does nothing; else the port is probed, and after `silenceMs` it is given up. */
  #watch(): void {
    const quietMs = this.#clock.monotonicMs() - this.#heardMs;
    if (quietMs >= this.#settings.silenceMs) {
      this.#lose(silentError(this.#settings.path, this.#settings.silenceMs));
      return;
    }
    if (quietMs >= this.#watchMs() && !this.#isProbing) this.#probe();
    const untilSilentMs = this.#settings.silenceMs - quietMs;
    this.#cancelWatch = this.#clock.after(Math.min(this.#watchMs(), untilSilentMs), () => this.#watch());
  }

  #probe(): void {
    this.#isProbing = true;
    this.#opening.probe().then(
      () => {
        this.#isProbing = false;
      },
      (error: Error) => {
        this.#lose(lostError(this.#settings.path, error));
        // A port may read in circles now; the owner's `close` may come much later.
        this.#closed ??= this.#opening.close();
      },
    );
  }
}
