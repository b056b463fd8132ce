import type { ModbusDevice, ModbusSettings, Ports } from '../../drivers/driver.ts';
import { type Clock, withDeadline } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Machine } from './machine.ts';
import { lostConnectionError, type ModbusPlace, otherSettingsError } from './modbus-errors.ts';
import { RtuPort, TcpPort } from './modbus-frame.ts';
import { ModbusLine, type RegisterRequest } from './modbus-line.ts';
import { connectTcp } from './modbus-tcp.ts';
import { lostError } from './serial-errors.ts';
import { openSession } from './serial-session.ts';

/** How long the end waits for ports to be given back, in milliseconds: a terminal may wait half a minute for bytes to go out. */
const END_MS = 1000;

export interface ModbusContext {
  readonly machine: Pick<Machine, 'openSerial' | 'openTcp'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The Modbus side of `Ports`. */
export interface ModbusPorts extends Pick<Ports, 'modbus'> {
  /** Closes every line. Never rejects, and waits for no port that hangs. */
  close(): Promise<void>;
}

type RtuSettings = Extract<ModbusSettings, { kind: 'rtu' }>;
type TcpSettings = Extract<ModbusSettings, { kind: 'tcp' }>;

/** Devices of one line, a serial port or a host and port, share it: it is opened by the first of them and closed with the last. */
export function modbusPorts(context: ModbusContext): ModbusPorts {
  const lines = new Map<string, { readonly line: ModbusLine; readonly settings: ModbusSettings }>();
  const lineOf = (settings: ModbusSettings): { readonly line: ModbusLine; readonly settings: ModbusSettings } => {
    const key = settings.kind === 'rtu' ? settings.path : `${settings.host} ${settings.port}`;
    const known = lines.get(key);
    if (known !== undefined) return known;
    const line = settings.kind === 'rtu' ? rtuLine(settings, context) : tcpLine(settings, context);
    lines.set(key, { line, settings });
    return { line, settings };
  };
  return {
    modbus: (settings) => {
      const { line, settings: first } = lineOf(settings);
      return new DeviceOnLine(line, settings, isAlike(settings, first));
    },
    async close() {
      const ended = Promise.all([...lines.values()].map(({ line }) => line.end()));
      // A port that does not come back is the kernel's to close.
      await withDeadline(context.clock, END_MS, ended, () => new Error('still open')).catch(() => undefined);
    },
  };
}

function isAlike(a: ModbusSettings, b: ModbusSettings): boolean {
  if (a.kind === 'tcp' || b.kind === 'tcp') return a.kind === b.kind;
  return a.baud === b.baud && a.parity === b.parity && a.stopBits === b.stopBits;
}

/** Bits of a character on the line: start, eight, parity, stop. */
function bitsOf({ parity, stopBits }: RtuSettings): number {
  return 9 + (parity === 'none' ? 0 : 1) + stopBits;
}

function rtuLine(settings: RtuSettings, { machine, clock }: ModbusContext): ModbusLine {
  const { path, baud, parity, stopBits } = settings;
  const byteMs = (1000 * bitsOf(settings)) / baud;
  return new ModbusLine({
    place: { path },
    clock,
    framing: (send) => new RtuPort(send),
    lostError: () => lostError(path, undefined),
    byteMs,
    // 3.5 characters, and 1.75 ms where a line is faster than 19,200 (MODBUS over Serial Line V1.02, 2.5.1.1).
    gapMs: Math.max(3.5 * byteMs, 1.75),
    async connect(signal) {
      const session = await openSession(
        { path, baud, parity, stopBits, silenceMs: Infinity },
        { machine, clock },
        signal,
      );
      return {
        listen: (onBytes, onEnd) => session.listen((stream) => stream.on('data', onBytes), onEnd),
        write: (bytes, writing) => session.write(bytes, writing),
        close: () => session.close(),
      };
    },
  });
}

function tcpLine({ host, port }: TcpSettings, { machine, clock }: ModbusContext): ModbusLine {
  const place = { host, port };
  return new ModbusLine({
    place,
    clock,
    framing: (send, onBroken) => new TcpPort(send, onBroken),
    lostError: () => lostConnectionError(place),
    byteMs: 0,
    gapMs: 0,
    connect: (signal) => connectTcp(place, { machine, clock }, signal),
  });
}

class DeviceOnLine implements ModbusDevice {
  readonly #line: ModbusLine;
  readonly #settings: ModbusSettings;
  readonly #fits: boolean;

  constructor(line: ModbusLine, settings: ModbusSettings, fits: boolean) {
    this.#line = line;
    this.#settings = settings;
    this.#fits = fits;
  }

  async open(signal: AbortSignal): Promise<void> {
    if (!this.#fits) throw otherSettingsError(placeOf(this.#settings));
    await this.#line.retain(this, signal);
  }

  async readRegisters(
    kind: RegisterRequest['kind'],
    address: number,
    count: number,
    signal: AbortSignal,
  ): Promise<number[]> {
    signal.throwIfAborted();
    const { unit, timeoutMs } = this.#settings;
    // A call that its sensor's owner has given up may still be under way when the owner closes it.
    if (!this.#line.isRetainedBy(this)) throw lostConnectionError(placeOf(this.#settings));
    return await this.#line.read({ unit, kind, address, count, timeoutMs }, signal);
  }

  async close(): Promise<void> {
    await this.#line.release(this);
  }
}

function placeOf(settings: ModbusSettings): ModbusPlace {
  const { unit } = settings;
  return settings.kind === 'rtu' ? { path: settings.path, unit } : { host: settings.host, port: settings.port, unit };
}
