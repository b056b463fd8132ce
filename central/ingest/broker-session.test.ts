import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import { SteppedClock } from '../../sim/clock.ts';
import { BrokerSession } from './broker-session.ts';

/** A client whose broker confirms when the test says so. */
class SlowClient extends EventEmitter {
  readonly sent: string[] = [];
  readonly confirm: (() => void)[] = [];
  readonly stream = new PassThrough();

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

/** Knows its timers, none of which fires. */
class TimerCount extends SteppedClock {
  readonly timers = new Set<() => void>();

  override after(durationMs: number, action: () => void): () => void {
    this.timers.add(action);
    const cancel = super.after(durationMs, action);
    return () => {
      this.timers.delete(action);
      cancel();
    };
  }
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

test('an ack that is not confirmed for 30 s ends the session; each has its own time', async () => {
  const clock = new SteppedClock();
  const client = new SlowClient();
  const session = sessionOf(client, clock);
  let end: unknown;
  session.over().catch((error: unknown) => (end = error));
  session.publish('one', ack);
  await clock.advance(20_000);
  session.publish('two', ack);
  client.confirm[0]?.();
  await clock.advance(29_999);
  expect(end).toBeUndefined();
  await clock.advance(1);
  expect(end).toMatchObject({ code: 'LINK_SILENT', message: 'the broker does not confirm acks' });
  expect(session.publish('three', ack)).toBe(false);
});

test('a session that has ended leaves no deadline behind, and sends nothing more', async () => {
  const clock = new TimerCount();
  const client = new SlowClient();
  const session = sessionOf(client, clock);
  for (let count = 0; count < 101; count += 1) session.publish('ack', ack);
  client.emit('close');
  client.confirm[0]?.();
  expect(client.sent).toHaveLength(100);
  expect(clock.timers.size).toBe(0);
});

test('a packet that would fill the memory ends the session when it is announced', async () => {
  const client = new SlowClient();
  const session = sessionOf(client);
  const over = expect(session.over()).rejects.toMatchObject({ code: 'LINK_DOWN', hint: expect.any(String) });
  client.stream.write(Uint8Array.of(0x30, 0xff, 0xff, 0x3f));
  expect(client.stream.destroyed).toBe(false);
  client.stream.write(new Uint8Array(2 ** 20 - 1));
  client.stream.write(Uint8Array.of(0x30, 0x81, 0x80, 0x40));
  await over;
  expect(client.stream.destroyed).toBe(true);
});

test('a broker that never answers the subscription is silent', async () => {
  const clock = new SteppedClock();
  const client = new SlowClient();
  const ready = expect(sessionOf(client, clock).ready()).rejects.toMatchObject({ code: 'LINK_SILENT' });
  client.emit('connect');
  await clock.advance(10_000);
  await ready;
});
