import modbusSerial from 'modbus-serial';
import type { Clock } from '../../runtime/clock.ts';
import { answerError, type ModbusPlace, noAnswerError } from './modbus-errors.ts';
import { answerBytes, type FramePort } from './modbus-frame.ts';
import { Turns } from './turns.ts';

const ModbusClient = modbusSerial.default;

const REQUEST_BYTES = 8;
/** A request is not called back: its device would answer all the same. */
const NEVER = new AbortController().signal;
/** A line that never falls quiet is used after so long all the same. */
const QUIET_WAIT_MS_MAX = 200;

/** An open serial port, or a connection. */
export interface ModbusWire {
  /** Takes what comes; `onEnd` is called once, when it is gone or closed. */
  listen(onBytes: (bytes: Uint8Array) => void, onEnd: (error: Error | undefined) => void): void;
  /** Resolves when the system has taken the bytes. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

export interface ModbusLineOptions {
  readonly place: ModbusPlace;
  readonly clock: Clock;
  /** Opens the wire. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. */
  connect(signal: AbortSignal): Promise<ModbusWire>;
  framing(send: (bytes: Uint8Array) => void, onBroken: () => void): FramePort;
  /** The error of who uses a wire that is gone. */
  lostError(): Error;
  /** Answers carry no number on a serial line: silence between frames tells one from the next, in milliseconds. */
  readonly gapMs: number;
  /** How long a byte is on the wire, in milliseconds. */
  readonly byteMs: number;
}

export interface RegisterRequest {
  readonly unit: number;
  readonly kind: 'holding' | 'input';
  readonly address: number;
  readonly count: number;
  readonly timeoutMs: number;
}

/** One opening of the wire. */
interface Connection {
  readonly wire: ModbusWire;
  readonly port: FramePort;
  readonly client: InstanceType<typeof ModbusClient>;
  /** Rejects whatever waits for an answer. */
  fail: (error: Error) => void;
  heardMs: number;
  loss: Error | undefined;
}

/**
 * One Modbus line, serial or TCP, whoever asks: one request at a time, in the order in which they came. On a serial line an
 * answer that comes after its time would pass for that of the next request, as the two look alike. So a unit that has not
 * answered is left alone for as long again, and no request begins before the line is quiet.
 */
export class ModbusLine {
  readonly #options: ModbusLineOptions;
  readonly #turns = new Turns();
  readonly #users = new Set<object>();
  /** By unit: until when it may still answer an old request, on the monotonic clock; of a line that was opened anew as well. */
  readonly #lateUntilMs = new Map<number, number>();
  #connection: Connection | undefined;
  /** Resolves when the wire that was open before is given back. */
  #closing: Promise<void> = Promise.resolve();

  constructor(options: ModbusLineOptions) {
    this.#options = options;
  }

  /** Keeps the line open for `user` until it is released; opens it afresh where it is not open or was lost. */
  async retain(user: object, signal: AbortSignal): Promise<void> {
    this.#users.add(user);
    await this.#turns.take(signal);
    try {
      if (this.#connection?.loss !== undefined) await this.#disconnect();
      if (this.#connection === undefined) await this.#connect(signal);
    } finally {
      this.#turns.pass();
    }
  }

  isRetainedBy(user: object): boolean {
    return this.#users.has(user);
  }

  /** With the last user the line is closed. Never rejects. */
  async release(user: object): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size === 0) await this.#disconnect();
  }

  /** Closes it for good. Never rejects. */
  async end(): Promise<void> {
    this.#users.clear();
    this.#turns.turnAway(() => this.#options.lostError());
    await this.#disconnect();
  }

  /** The registers, as words of 16 bits. Throws what `ModbusDevice` tells, or the reason of `signal`. */
  async read(request: RegisterRequest, signal: AbortSignal): Promise<number[]> {
    await this.#takeTurn(request.unit, signal);
    return await new Promise<number[]>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      const back = (): void => {
        signal.removeEventListener('abort', onAbort);
        this.#turns.pass();
      };
      // Who gives up is answered at once; the line is not free before the device has answered, or its time is over.
      this.#ask(request, signal).finally(back).then(resolve, reject);
    });
  }

  async #ask(request: RegisterRequest, signal: AbortSignal): Promise<number[]> {
    const connection = this.#connection;
    if (connection === undefined) throw this.#options.lostError();
    await this.#quiet(connection);
    signal.throwIfAborted();
    if (connection.loss !== undefined) throw connection.loss;
    const { clock, place, byteMs } = this.#options;
    const { unit, kind, address, count, timeoutMs } = request;
    const where = { ...place, unit, kind, address };
    const limitMs = timeoutMs + byteMs * (REQUEST_BYTES + answerBytes(count));
    // Not when its time is over: the unit answers also a line that was closed and opened meanwhile.
    this.#lateUntilMs.set(unit, clock.monotonicMs() + limitMs + timeoutMs);
    return await new Promise<number[]>((resolve, reject) => {
      const settle = (act: () => void): void => {
        cancel();
        connection.port.forget();
        connection.fail = () => undefined;
        act();
      };
      const cancel = clock.after(limitMs, () => {
        settle(() => reject(noAnswerError(where, limitMs, connection.port.heard)));
      });
      connection.fail = (error) => settle(() => reject(error));
      const answered = (error: Error | null, answer?: { readonly data: number[] }): void => {
        this.#lateUntilMs.delete(unit);
        if (error !== null || answer === undefined) settle(() => reject(answerError(error as Error, where)));
        else settle(() => resolve(answer.data));
      };
      if (kind === 'holding') connection.client.writeFC3(unit, address, count, answered);
      else connection.client.writeFC4(unit, address, count, answered);
    });
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { clock, connect, framing } = this.#options;
    // A port has one owner: while it is being closed it would pass for another program's.
    await this.#closing;
    const wire = await connect(signal);
    const lose = (error: Error): void => {
      connection.loss ??= error;
      connection.fail(error);
    };
    const port = framing(
      // The request fails with the wire; a write that cannot be begun is told by it as well.
      (bytes) => void wire.write(bytes, NEVER).catch(lose),
      () => {
        lose(this.#options.lostError());
        void wire.close();
      },
    );
    const client = new ModbusClient(port);
    client.open();
    const connection: Connection = {
      wire,
      port,
      client,
      fail: () => undefined,
      heardMs: clock.monotonicMs(),
      loss: undefined,
    };
    this.#connection = connection;
    wire.listen(
      (bytes) => {
        connection.heardMs = clock.monotonicMs();
        port.take(bytes);
      },
      (error) => lose(error ?? this.#options.lostError()),
    );
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#closing = connection.wire.close();
    await this.#closing;
  }

  /** Others have their turns while an old answer of the unit may still come. */
  async #takeTurn(unit: number, signal: AbortSignal): Promise<void> {
    const { clock, gapMs } = this.#options;
    for (;;) {
      await this.#turns.take(signal);
      const leftMs = gapMs === 0 ? 0 : (this.#lateUntilMs.get(unit) ?? 0) - clock.monotonicMs();
      if (leftMs <= 0 && !signal.aborted) return;
      this.#turns.pass();
      signal.throwIfAborted();
      await clock.sleep(leftMs, signal);
    }
  }

  /** Waits until the line has been quiet for the gap between two frames, but not for ever. */
  async #quiet(connection: Connection): Promise<void> {
    const { clock, gapMs } = this.#options;
    const endMs = clock.monotonicMs() + QUIET_WAIT_MS_MAX;
    for (;;) {
      const nowMs = clock.monotonicMs();
      const leftMs = Math.min(connection.heardMs + gapMs, endMs) - nowMs;
      if (leftMs <= 0) return;
      await clock.sleep(leftMs);
    }
  }
}
