/**
 * `ack` names a store: a gateway frees what both sinks have, and nothing else. A whole centre from its configuration, over
 * a real Kafka, which other tests share, and a real MariaDB.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Centre } from '../../central/app.ts';
import { loadCentralConfig } from '../../central/config/config.ts';
import type { EmbeddedBrokerStatus } from '../../central/ingest/ingest.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { audit } from '../../cli/audit.ts';
import { Gateway } from '../../daemon/app.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import type { GatewayStatus } from '../../daemon/ops/status.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { recordsIn } from '../conformance/files-sink.ts';
import { query, tableOf } from '../conformance/mariadb-harness.ts';
import { ADMIN, Mariadb } from '../engines/mariadb.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { Topics } from '../kafka/topics.ts';
import { freePort } from '../ports.ts';
import { eventually } from '../processes.ts';

const TIMEOUT_MS = 180_000;
const PATIENCE_MS = 60_000;
const REAL = { clock: systemClock, random: systemRandom, log: silentLog };
const POISON = 'barred';
const CODE = 'sink:sql';
/** So many have been answered `held` at least when the store comes back. */
const HELD_MIN = 40;

let folder: string;
let prefix: string;
let address: string;
let mariadb: Mariadb;
let place: string;
let open: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-ack-by-store-'));
  prefix = `decides-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`;
  [address, mariadb] = await Promise.all([sharedKafka(), Mariadb.start()]);
  open.push(() => mariadb.stop());
  place = JSON.stringify({ port: mariadb.port, database: 'mooring' });
}, PATIENCE_MS);
afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
}, PATIENCE_MS);

async function startedCentre(): Promise<{ readonly centre: Centre; readonly url: string }> {
  writeFileSync(join(folder, 'password'), `${ADMIN.password}\n`, { mode: 0o600 });
  const file = join(folder, 'central.yaml');
  writeFileSync(
    file,
    `ingest: { mqtt: { listen: 127.0.0.1:${await freePort()} } }
kafka: { brokers: [${address}], partitions: 3, prefix: ${prefix} }
ack: [archive, sql]
sinks:
  archive: { files: { path: records } }
  sql:
    mariadb: { host: 127.0.0.1, port: ${mariadb.port} }
    user: ${ADMIN.user}
    password: password
state: state
`,
  );
  const centre = new Centre(loadCentralConfig(file), REAL);
  open.push(() => centre.stop());
  await centre.start();
  await eventually('both sinks are fed', PATIENCE_MS, () =>
    centre.status().sinks.every(({ feed }) => feed?.state === 'feeding'),
  );
  const [broker] = centre.status().ingest as EmbeddedBrokerStatus[];
  return { centre, url: broker?.url as string };
}

async function startedGateway(url: string): Promise<Gateway> {
  const file = join(folder, 'mooring.yaml');
  writeFileSync(
    file,
    `gateway: plaka
stations:
  - { name: city, every: 50ms, sensors: [{ driver: sim, profile: city, seed: 7 }] }
  - { name: ${POISON}, every: 1s, sensors: [{ driver: sim, profile: city, seed: 8 }] }
store: { path: store.db }
forward: { centre: { mqtt: { url: ${url} } } }
`,
  );
  const gateway = new Gateway(loadGatewayConfig(file), { ...REAL, version: '1.2.3' });
  open.push(() => gateway.stop());
  await gateway.start();
  return gateway;
}

type Forwarder = GatewayStatus['forwarders'][number];

/** Records of the topic that a sink's group has behind it. */
async function passedBy(sink: string): Promise<number> {
  const client = await createKafkaClient('kafkajs', { ...REAL, brokers: [address], clientId: 'test' });
  const admin = client.createAdmin();
  try {
    const offsets = await admin.committed(`${prefix}.${sink}`, `${prefix}.records`);
    return offsets.reduce((sum: number, offset) => sum + (offset ?? 0), 0);
  } finally {
    await admin.close();
  }
}

async function until(gateway: Gateway, what: string, holds: (forwarder: Forwarder) => boolean): Promise<Forwarder> {
  return await eventually(what, PATIENCE_MS, async () => {
    const [forwarder] = (await gateway.status()).forwarders;
    return forwarder !== undefined && holds(forwarder) && forwarder;
  });
}

test('what is not in the store is held and not freed, what it refuses is rejected, and nothing is produced twice', {
  tags: ['kafka', 'mariadb'],
  timeout: TIMEOUT_MS,
}, async () => {
  const { centre, url } = await startedCentre();
  await query(
    place,
    `ALTER TABLE ${tableOf(place)} ADD CONSTRAINT no_poison CHECK (station <> '${POISON}' OR kind <> 'sample')`,
  );
  const gateway = await startedGateway(url);
  await until(gateway, 'records are freed, and one is refused', ({ acked, rejected }) => acked >= 30 && rejected > 0);

  await mariadb.kill();
  await eventually('the store is away', PATIENCE_MS, () => centre.status().sinks[1]?.feed?.state === 'failed');
  // What was written just before it went away, the group is told within a second.
  const { passed, held } = await eventually(
    'what the store has is freed, and others are held',
    PATIENCE_MS,
    async () => {
      const before = await passedBy('sql');
      const [now] = (await gateway.status()).forwarders;
      const isLevel = now !== undefined && now.held >= HELD_MIN && now.acked + now.rejected === before;
      return isLevel && (await passedBy('sql')) === before && { passed: before, held: now.held };
    },
  );
  const { acked, rejected } = await until(gateway, 'more is held', (now) => now.held >= held + HELD_MIN);
  expect(acked + rejected).toBe(passed);
  expect(await passedBy('sql')).toBe(passed);
  expect(centre.status().intake).toMatchObject({ stored: acked, duplicates: 0, rejected, isLogFailing: false });
  await mariadb.restart();
  await until(gateway, 'what was held is freed', (now) => now.acked >= acked + HELD_MIN && now.rejected > rejected);

  await gateway.stop({ drainMs: PATIENCE_MS });
  await eventually('all is freed', PATIENCE_MS, () => centre.status().intake.held === 0);
  const report = await audit(join(folder, 'records'), { store: join(folder, 'store.db') });
  expect(report.runs).toMatchObject([{ holes: [], duplicates: 0, acked_but_missing: 0, unsettled: 0 }]);
  const archived = recordsIn(join(folder, 'records'));
  const refused = archived.filter(({ station, kind }) => station === POISON && kind === 'sample');
  const stored = (await query<{ id: string }>(place, `SELECT id FROM ${tableOf(place)}`)).map(({ id }) => id);
  const ids = archived.map(({ id }) => id).sort();
  expect([...stored, ...refused.map(({ id }) => id)].sort()).toEqual(ids);
  const gaps = archived.filter(({ kind }) => kind === 'gap');
  expect(new Set(gaps.map(({ info }) => (info as { code?: string }).code))).toEqual(new Set([CODE]));
  expect(await new Topics(address).count(`${prefix}.records`)).toBe(ids.length);
});
