import { connect, type Socket } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import type { DeviceMessage } from '../../sim/talkers/devices/device.ts';
import { abortedFirst } from './aborted-first.ts';
import type { Sender, SenderOptions } from './sender.ts';

const PORT = 20_001;
const AT_ONCE = 16;
const RETRY_MS = 1000;
const NEWLINE = Buffer.from('\n');

/** A line each. Taken, as far as a sender without replies can know, when the system has it; connects anew by itself. */
export function tcpSender({ to, clock }: Pick<SenderOptions, 'to' | 'clock'>): Sender {
  const line = new Line(
    { host: to.hostname.replace(/^\[|\]$/g, ''), port: to.port === '' ? PORT : Number(to.port) },
    clock,
  );
  return {
    atOnce: AT_ONCE,
    // What ends a line is no part of one, and bytes that are no text are as good as any.
    textOnly: false,
    send: async (message, signal) => await abortedFirst(signal, line.send(message, signal)),
    close: async () => await line.close(),
  };
}

interface Target {
  readonly host: string;
  readonly port: number;
}

class Line {
  readonly #target: Target;
  readonly #clock: Clock;
  #connecting: Promise<Socket> | undefined;

  constructor(target: Target, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
  }

  async send({ bytes }: DeviceMessage, signal: AbortSignal): Promise<'taken'> {
    for (;;) {
      try {
        await written(await this.#connected(), Buffer.concat([bytes, NEWLINE]));
        return 'taken';
      } catch {
        // Nobody listens, or who did has gone: a device tries again.
        this.#connecting = undefined;
        await this.#clock.sleep(RETRY_MS, signal);
      }
    }
  }

  async close(): Promise<void> {
    const socket = await this.#connecting?.catch(() => undefined);
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      // What whoever is there has to say is not listened to.
      socket.resume();
      socket.end();
    });
  }

  #connected(): Promise<Socket> {
    this.#connecting ??= new Promise((resolve, reject) => {
      const socket = connect({ ...this.#target, noDelay: true });
      socket.resume();
      socket.once('connect', () => resolve(socket));
      socket.on('error', reject);
      socket.once('close', () => {
        this.#connecting = undefined;
      });
    });
    return this.#connecting;
  }
}

async function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.write(bytes, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}
