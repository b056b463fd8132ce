import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type MqttClient } from 'mqtt';
import { systemClock } from '../../runtime/clock.ts';
import type { Publication } from './payloads.ts';

/** Datagrams between two looks at the queue of the socket that they go to. */
const SALVO = 100;
/** Of that queue: less than what a system gives a socket at the least, so that nothing is lost in it. */
const QUEUE_BYTES_MAX = 64 * 1024;
const PAUSE_MS = 1;
/** Addresses that the datagrams come from. */
const SOCKETS = 20;

/**
 * Sends as many datagrams to a loopback port as have to arrive there, as fast as they are read. Returns how many did
 * arrive: none was lost in the queue.
 */
export async function floodDatagrams(port: number, count: number, next: () => Uint8Array): Promise<number> {
  const sockets: Socket[] = [];
  const lostBefore = queueOf(port).lost;
  let sent = 0;
  try {
    for (let index = 0; index < SOCKETS; index += 1) {
      const socket = createSocket('udp4');
      socket.on('error', () => undefined);
      socket.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      sockets.push(socket);
    }
    const arrived = (): number => sent - (queueOf(port).lost - lostBefore);
    while (arrived() < count) {
      for (let index = 0; index < SALVO; index += 1) (sockets[sent++ % SOCKETS] as Socket).send(next());
      do await systemClock.sleep(PAUSE_MS);
      while (queueOf(port).bytes > QUEUE_BYTES_MAX);
    }
    return arrived();
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** What waits to be read from a loopback port over UDP, and how many datagrams found no room there. From /proc/net/udp. */
function queueOf(port: number): { readonly bytes: number; readonly lost: number } {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/udp', 'latin1')
    .split('\n')
    .find((one) => one.includes(` ${local} `));
  assert(line !== undefined, `somebody listens on port ${port} over UDP`);
  const fields = line.trim().split(/\s+/);
  return { bytes: Number.parseInt((fields[4] as string).split(':')[1] as string, 16), lost: Number(fields.at(-1)) };
}

/** Messages that are sent for each answer that is waited for. */
const BURST = 50;

/** Publishes so many messages, each of which its broker has read when this resolves. */
export async function floodMessages(url: string, count: number, next: () => Publication): Promise<number> {
  const client = await connected(url);
  let sent = 0;
  try {
    while (sent < count) {
      // A broker reads a connection in order: with the last of them it has the others.
      await Promise.all(
        Array.from({ length: BURST }, (_, index) => publish(client, next(), index + 1 < BURST ? 0 : 1)),
      );
      sent += BURST;
    }
    return sent;
  } finally {
    await client.endAsync(true);
  }
}

/** Publishes what a broker ends the connection for, each on a connection of its own. */
export async function provoke(url: string, count: number, next: () => Publication): Promise<number> {
  let refused = 0;
  for (let sent = 0; sent < count; sent += 1) {
    const client = await connected(url);
    const closed = happens(client, 'close');
    publish(client, next(), 1).catch(() => undefined);
    await closed;
    refused += 1;
    client.end(true);
  }
  return refused;
}

async function connected(url: string): Promise<MqttClient> {
  const client = connect(url, { protocolVersion: 4, reconnectPeriod: 0, keepalive: 60 });
  client.on('error', () => undefined);
  await happens(client, 'connect');
  return client;
}

/** Not `once` of Node, which counts an error as an answer. */
async function happens(client: MqttClient, event: 'connect' | 'close'): Promise<void> {
  await new Promise<void>((resolve) => {
    client.once(event, () => resolve());
  });
}

async function publish(client: MqttClient, { topic, payload, retain }: Publication, qos: 0 | 1): Promise<void> {
  await client.publishAsync(topic, Buffer.from(payload), { qos, retain });
}
