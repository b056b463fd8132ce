import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { generate, type Packet, parser } from 'mqtt-packet';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import type { ForeignOutcome } from './foreign-intake.ts';
import { MqttSource, type MqttSourceOptions } from './mqtt-source.ts';

const LATER: ForeignOutcome = { isTaken: false, why: 'failed', retryAfterMs: 2000 };

/** One connection as the broker sees it. */
class FakeBroker {
  readonly heard: Packet[] = [];
  readonly client: Duplex;
  readonly #stream: Duplex;

  constructor({ isPresent = true, returnCode = 0, granted = 1, isSilent = false }: Partial<Behaviour> = {}) {
    [this.client, this.#stream] = duplexPair();
    const packets = parser();
    this.#stream.on('error', () => undefined);
    this.#stream.on('data', (chunk: Buffer) => packets.parse(chunk));
    packets.on('packet', (packet) => {
      this.heard.push(packet);
      if (isSilent) return;
      if (packet.cmd === 'connect') this.say({ cmd: 'connack', returnCode, sessionPresent: isPresent });
      if (packet.cmd === 'subscribe')
        this.say({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: packet.subscriptions.map(() => granted) });
      if (packet.cmd === 'unsubscribe') this.say({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted: [] });
      if (packet.cmd === 'pingreq') this.say({ cmd: 'pingresp' });
    });
  }

  /** In one piece. */
  say(...packets: readonly Packet[]): void {
    this.#stream.write(Buffer.concat(packets.map((packet) => generate(packet))));
  }

  publish(messageId: number, payload: string): void {
    this.say(messageOf(messageId, payload));
  }

  cut(): void {
    this.#stream.destroy();
    this.client.destroy();
  }

  of(cmd: Packet['cmd']): Packet[] {
    return this.heard.filter((packet) => packet.cmd === cmd);
  }

  get acknowledged(): (number | undefined)[] {
    return this.of('puback').map(({ messageId }) => messageId);
  }
}

function messageOf(messageId: number, payload: string, dup = false): Packet {
  return { cmd: 'publish', topic: 'a/b', payload, qos: 1, messageId, dup, retain: false };
}

interface Behaviour {
  readonly isPresent: boolean;
  readonly returnCode: number;
  readonly granted: number;
  readonly isSilent: boolean;
}

let clock: SteppedClock;
let lines: LogLines;
let brokers: FakeBroker[];
let behaviour: Partial<Behaviour>;
let given: { readonly text: string; readonly answer: (outcome: ForeignOutcome) => void }[];
let source: MqttSource;

function taken(text = '?'): ForeignOutcome {
  return { isTaken: true, records: [{ id: `id of ${text}`, original: text, partition: 0, offset: 3 }], refused: [] };
}

async function opened(options: Partial<MqttSourceOptions> = {}): Promise<FakeBroker> {
  const NO_FILES = { caFile: undefined, certFile: undefined, keyFile: undefined };
  source = new MqttSource({
    source: 'juice',
    broker: { url: 'mqtt://127.0.0.1:1883', ...NO_FILES, user: undefined, passwordFile: undefined },
    clientId: 'mooring-juice',
    topics: ['a/#'],
    window: 100,
    intake: {
      take: ({ bytes }) => new Promise((answer) => given.push({ text: Buffer.from(bytes).toString(), answer })),
    },
    clock,
    random: new SeededRandom(1),
    log: lines,
    connect: () => {
      const broker = new FakeBroker(behaviour);
      brokers.push(broker);
      return broker.client;
    },
    ...options,
  });
  await source.open(new AbortController().signal);
  await clock.advance(10);
  return brokers.at(-1) as FakeBroker;
}

/** Files take turns of the event loop that a stepped clock knows nothing of. */
async function until(isSo: () => boolean): Promise<void> {
  await expect.poll(isSo, { interval: 5 }).toBe(true);
}

const texts = (): string[] => given.map(({ text }) => text);

beforeEach(() => {
  clock = new SteppedClock();
  lines = new LogLines();
  brokers = [];
  behaviour = {};
  given = [];
});
afterEach(async () => {
  const closing = source.close();
  await clock.advance(10_000);
  await closing;
});

test('the session is one that the broker keeps, under one name', async () => {
  const broker = await opened();
  expect(broker.of('connect')).toMatchObject([{ clientId: 'mooring-juice', clean: false, keepalive: 15 }]);
  expect(broker.of('subscribe')).toMatchObject([{ subscriptions: [{ topic: 'a/#', qos: 1 }] }]);
  expect(source.status().isConnected).toBe(true);
});

test('a session that is kept is subscribed to once, also across restarts, and a filter that is gone is unsubscribed from', async () => {
  const subscriptionsFile = join(mkdtempSync(join(tmpdir(), 'mooring-mqtt-source-')), 'juice.json');
  const again = async (topics: readonly string[], isPresent: boolean): Promise<unknown[]> => {
    behaviour = { isPresent };
    const opening = opened({ topics, subscriptionsFile });
    await until(() => source.status().isConnected);
    const broker = await opening;
    const said = broker.heard.flatMap((packet) =>
      packet.cmd === 'subscribe'
        ? packet.subscriptions.map(({ topic }) => `+${topic}`)
        : packet.cmd === 'unsubscribe'
          ? packet.unsubscriptions.map((topic) => `-${topic}`)
          : [],
    );
    const closing = source.close();
    await clock.advance(10_000);
    await closing;
    return said;
  };
  expect(await again(['a/#', 'old/#'], false)).toEqual(['+a/#', '+old/#']);
  expect(await again(['a/#', 'old/#'], true)).toEqual([]);
  expect(await again(['a/#', 'b/#'], true)).toEqual(['+b/#', '-old/#']);
  expect(await again(['a/#', 'b/#'], true)).toEqual([]);
  expect(await again(['a/#', 'b/#'], false)).toEqual(['+a/#', '+b/#']);
  rmSync(dirname(subscriptionsFile), { recursive: true });
});

test('a topic that no filter takes is acknowledged in its turn, counted, and nothing else', async () => {
  const broker = await opened({ topics: ['b/#'] });
  broker.publish(1, 'of before');
  await clock.advance(10);
  expect(texts()).toEqual([]);
  expect(broker.acknowledged).toEqual([1]);
  expect(source.status()).toMatchObject({ received: 1, ignored: 1, acknowledged: 1, waiting: 0 });
});

test('a message is acknowledged once it is taken, and after all that came before it', async () => {
  const broker = await opened();
  for (const id of [1, 2, 3]) broker.publish(id, `message ${id}`);
  await clock.advance(10);
  expect([texts(), broker.acknowledged]).toEqual([['message 1', 'message 2', 'message 3'], []]);
  given[1]?.answer(taken());
  await clock.advance(10);
  expect(broker.acknowledged).toEqual([]);
  given[0]?.answer(taken());
  await clock.advance(10);
  expect(broker.acknowledged).toEqual([1, 2]);
  given[2]?.answer({ isTaken: true, records: [], refused: [{ code: 'invalid_record', reason: 'no', text: '' }] });
  await clock.advance(10);
  expect(broker.acknowledged).toEqual([1, 2, 3]);
  expect(source.status()).toMatchObject({ received: 3, acknowledged: 3, waiting: 0 });
});

test('what cannot be stored is given again on the same connection, which is kept alive meanwhile', async () => {
  const broker = await opened();
  broker.publish(1, 'message');
  await clock.advance(10);
  for (let times = 0; times < 30; times += 1) {
    given.at(-1)?.answer(LATER);
    await clock.advance(2000);
  }
  expect([given.length, broker.acknowledged, brokers.length]).toEqual([31, [], 1]);
  expect(broker.of('pingreq').length).toBeGreaterThan(6);
  given.at(-1)?.answer(taken());
  await clock.advance(10);
  expect(broker.acknowledged).toEqual([1]);
});

test('no more is read than the window allows, and the broker hears that somebody is there', async () => {
  const broker = await opened({ window: 2 });
  broker.say(...[1, 2, 3, 4].map((id) => messageOf(id, `message ${id}`)));
  await clock.advance(10);
  broker.publish(5, 'message 5');
  await clock.advance(10);
  expect(texts()).toEqual(['message 1', 'message 2']);
  await clock.advance(120_000);
  expect([brokers.length, broker.of('pingreq').length]).toEqual([1, 16]);
  given[0]?.answer(taken());
  given[1]?.answer(taken());
  await clock.advance(10);
  expect(broker.acknowledged).toEqual([1, 2]);
  expect(texts().slice(2)).toEqual(['message 3', 'message 4']);
  given[2]?.answer(taken());
  await clock.advance(10);
  expect(texts().slice(4)).toEqual(['message 5']);
});

test('when the connection ends, nothing of it is acknowledged on the next', async () => {
  const first = await opened();
  first.publish(1, 'message');
  await clock.advance(10);
  first.cut();
  await clock.advance(5000);
  const second = brokers.at(-1) as FakeBroker;
  expect(brokers).toHaveLength(2);
  given[0]?.answer(taken());
  second.say(messageOf(1, 'message', true));
  await clock.advance(10);
  expect(second.acknowledged).toEqual([]);
  given[1]?.answer(taken());
  await clock.advance(10);
  expect(second.acknowledged).toEqual([1]);
  expect(source.status()).toMatchObject({ received: 2, repeated: 1 });
  expect(lines.said).toEqual([
    'info: a source has its broker',
    'warn: the broker of a source is out of reach; trying again',
    'info: the broker of a source is back',
  ]);
});

test('a broker that has forgotten the session is told of: what it had is lost', async () => {
  const first = await opened();
  behaviour = { isPresent: false };
  first.cut();
  await clock.advance(5000);
  expect(lines.said.at(-1)).toMatch(/^warn: the broker has forgotten the session of a source/);
});

describe('a broker that', () => {
  test.each([
    ['refuses the connection', { returnCode: 5 }, 'LINK_REFUSED'],
    ['grants QoS 0 only', { granted: 0 }, 'LINK_REFUSED'],
    ['says nothing', { isSilent: true }, 'LINK_SILENT'],
  ])('%s is asked again, and told of once', async (_, behaves, code) => {
    behaviour = behaves;
    await opened();
    await clock.advance(120_000);
    expect(brokers.length).toBeGreaterThan(3);
    expect(lines.said).toEqual(['warn: the broker of a source is out of reach; trying again']);
    expect(lines.fields[0]).toMatchObject({ err: { code } });
  });

  test('falls silent is given up', async () => {
    const broker = await opened();
    broker.client.removeAllListeners('data');
    await clock.advance(60_000);
    expect(lines.fields.find((fields) => 'err' in fields)).toMatchObject({ err: { code: 'LINK_SILENT' } });
    expect(brokers.length).toBeGreaterThan(1);
  });
});

test.each([
  ['json', /^\{"id":"id of one","original":"one","source":"juice","partition":0,"offset":3,"bytes":3,"sha256":/],
  ['uuid', /^id of one$/],
] as const)('whoever wants to know is told what is durable, as %s', async (form, said) => {
  const broker = await opened({ reply: { topic: 'ack', form } });
  broker.publish(1, 'one');
  await clock.advance(10);
  expect(broker.of('publish')).toEqual([]);
  given[0]?.answer(taken('one'));
  await clock.advance(10);
  const [reply, ...others] = broker.of('publish') as Extract<Packet, { cmd: 'publish' }>[];
  expect([reply?.topic, reply?.payload.toString(), others]).toEqual(['ack', expect.stringMatching(said), []]);
});

test('as it closes, what is stored within a moment is still acknowledged, and nothing more is read', async () => {
  const broker = await opened();
  broker.publish(1, 'one');
  broker.publish(2, 'two');
  await clock.advance(10);
  const closing = source.close();
  await clock.advance(100);
  given[0]?.answer(taken());
  await clock.advance(10);
  broker.publish(3, 'three');
  await clock.advance(5000);
  await closing;
  expect([broker.acknowledged, texts(), broker.of('disconnect').length]).toEqual([[1], ['one', 'two'], 1]);
});
