import { EventEmitter } from 'node:events';
import type { MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import { SteppedClock } from '../../sim/clock.ts';
import { BrokerSession } from './broker-session.ts';

/** A client whose broker confirms when the test says so. */
class SlowClient extends EventEmitter {
  readonly sent: string[] = [];
  readonly confirm: (() => void)[] = [];

  publish(topic: string, _payload: Buffer, _options: object, done: () => void): void {
    this.sent.push(topic);
    this.confirm.push(done);
  }

  /** Confirms the subscription never. */
  subscribeAsync(): Promise<never> {
    return new Promise(() => undefined);
  }
}

function sessionOf(client: SlowClient, clock = new SteppedClock()): BrokerSession {
  return new BrokerSession(client as unknown as MqttClient, clock);
}

const ack = new Uint8Array(40);

test('a broker that confirms nothing is sent a hundred acks, holds up four thousand, and the rest are dropped', () => {
  const client = new SlowClient();
  const session = sessionOf(client);
  const isTaken = Array.from({ length: 5000 }, (_, number) => session.publish(`ack-${number}`, ack));
  expect(client.sent).toHaveLength(100);
  expect(isTaken.filter(Boolean)).toHaveLength(100 + 4096);
  expect(isTaken.lastIndexOf(true)).toBe(4195);
  for (let number = 0; number < 4196; number += 1) client.confirm[number]?.();
  expect(client.sent).toEqual(Array.from({ length: 4196 }, (_, number) => `ack-${number}`));
  expect(session.publish('again', ack)).toBe(true);
});

test('it is drained when everything is confirmed, or when the connection ends', async () => {
  const client = new SlowClient();
  const session = sessionOf(client);
  await session.drained();
  session.publish('one', ack);
  const drained = session.drained();
  client.confirm[0]?.();
  await drained;

  session.publish('two', ack);
  const given = session.drained();
  client.emit('close');
  await given;
  await expect(session.over()).rejects.toMatchObject({ code: 'LINK_DOWN' });
  expect(session.publish('three', ack)).toBe(false);
});

test('a broker that never answers the subscription is silent', async () => {
  const clock = new SteppedClock();
  const client = new SlowClient();
  const ready = expect(sessionOf(client, clock).ready()).rejects.toMatchObject({ code: 'LINK_SILENT' });
  client.emit('connect');
  await clock.advance(10_000);
  await ready;
});
