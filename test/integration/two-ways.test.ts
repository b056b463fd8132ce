/** One gateway that forwards over MQTT and over UDP: each way keeps its own account, and the records stand once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EmbeddedBrokerStatus } from '../../central/ingest/ingest.ts';
import { Gateway } from '../../daemon/app.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import { parseRecordId } from '../../protocol/ids.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { eventually } from '../processes.ts';
import { UdpSite } from '../udp-site.ts';

const SOON_MS = 20_000;
const BROKER = { mode: 'embedded', listen: { host: '127.0.0.1', port: 0 }, tls: undefined } as const;

let folder: string;
let sites: UdpSite[];
let gateway: Gateway | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-two-ways-'));
  sites = [];
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  for (const site of sites) await site.close();
  rmSync(folder, { recursive: true, force: true });
});

async function siteWithBroker(): Promise<{ readonly site: UdpSite; readonly url: string }> {
  const site = new UdpSite();
  sites.push(site);
  site.writeKey('plaka');
  const centre = await site.startCentre({ mqtt: BROKER });
  const broker = centre.status().ingest.find(({ mode }) => mode === 'embedded') as EmbeddedBrokerStatus;
  return { site, url: broker.url as string };
}

/** Runs until so many records are committed, then stops; what is committed goes both ways first. */
async function run(url: string, udp: UdpSite, records: number): Promise<string> {
  const path = join(folder, 'gateway.yaml');
  const key = udp.keyFileOf('plaka');
  writeFileSync(
    path,
    `gateway: plaka
stations: [{ name: city, every: 50ms, sensors: [{ driver: sim, profile: city, seed: 7 }] }]
store: { path: store.db }
forward:
  broker: { mqtt: { url: ${url} } }
  direct: { udp: { host: 127.0.0.1, port: ${udp.centrePort}, key: ${key} } }
`,
  );
  const options = { clock: systemClock, random: systemRandom, log: silentLog, version: '1.2.3' };
  const running = new Gateway(loadGatewayConfig(path), options);
  gateway = running;
  await running.start();
  const { run: name } = await eventually('records go both ways', SOON_MS, async () => {
    const status = await running.status();
    const isEnough = status.forwarders.every(({ acked }) => acked >= records);
    return isEnough ? status : undefined;
  });
  expect((await running.status()).forwarders.map(({ kind, link }) => [kind, link])).toEqual([
    ['mqtt', 'up'],
    ['udp', 'up'],
  ]);
  await running.stop({ drainMs: SOON_MS });
  return name;
}

/** The sequences of a run that a sink has, each as often as it is there. */
function sequencesIn(site: UdpSite, run: string): number[] {
  const ids = site.stored().map((id) => parseRecordId(id));
  return ids.flatMap((id) => (id?.run === run ? [id.sequence] : [])).toSorted((one, other) => one - other);
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

test('to one centre both ways: every record stands there once', async () => {
  const { site, url } = await siteWithBroker();
  const sequences = sequencesIn(site, await run(url, site, 40));
  expect(sequences.length).toBeGreaterThanOrEqual(40);
  expect(sequences).toEqual(upTo(sequences.length));
});

test('to two centres: each has every record once', async () => {
  const [one, other] = [await siteWithBroker(), await siteWithBroker()];
  const name = await run(one.url, other.site, 40);
  const sequences = sequencesIn(one.site, name);
  expect(sequences.length).toBeGreaterThanOrEqual(40);
  expect(sequences).toEqual(upTo(sequences.length));
  expect(sequencesIn(other.site, name)).toEqual(sequences);
});
