import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../runtime/clock.ts';
import type { Machine } from './machine.ts';
import { connectError, lostConnectionError } from './modbus-errors.ts';
import type { ModbusWire } from './modbus-line.ts';

/** How long a connection may take to come about, in milliseconds. */
const CONNECT_MS = 5000;
/** A peer that vanished without a word is noticed after this long without traffic. */
const KEEP_ALIVE_MS = 30_000;

/** Opens a TCP connection of this machine: `Machine.openTcp` for the real one. Throws the system's error. */
export async function openTcpSocket(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    // Whatever it still says is nobody's concern.
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  }
}

/** Throws `PORT_ABSENT`, or the signal's reason. */
export async function connectTcp(
  place: { readonly host: string; readonly port: number },
  { machine, clock }: { readonly machine: Pick<Machine, 'openTcp'>; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ModbusWire> {
  const late = new AbortController();
  const cancel = clock.after(CONNECT_MS, () => late.abort(new Error(`no connection after ${CONNECT_MS} ms`)));
  try {
    const stream = await machine.openTcp(place.host, place.port, AbortSignal.any([signal, late.signal]));
    return wireOf(stream, place);
  } catch (error) {
    signal.throwIfAborted();
    throw connectError(late.signal.aborted ? (late.signal.reason as Error) : (error as Error), place);
  } finally {
    cancel();
  }
}

function wireOf(stream: Duplex, place: { readonly host: string; readonly port: number }): ModbusWire {
  return {
    listen(onBytes, onEnd) {
      let isEnded = false;
      const end = (error?: Error): void => {
        if (isEnded) return;
        isEnded = true;
        stream.destroy();
        onEnd(lostConnectionError(place, error));
      };
      stream.on('error', end);
      stream.on('end', () => end());
      stream.on('close', () => end());
      stream.on('data', onBytes);
      if (stream.destroyed) end();
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(lostConnectionError(place, error)) : resolve()));
      }),
    async close() {
      stream.destroy();
      await Promise.resolve();
    },
  };
}
