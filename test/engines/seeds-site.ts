import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect } from 'vitest';
import { topicNamesOf } from '../../central/recordlog/kafka/topics.ts';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { findHourFiles, recordsOf } from '../../cli/audit/hour-files.ts';
import { audit } from '../../cli/audit.ts';
import { parseRecordId } from '../../protocol/ids.ts';
import { systemClock } from '../../runtime/clock.ts';
import { query, TABLE } from '../conformance/mariadb-harness.ts';
import { kafkaFor } from '../faults/scenario.ts';
import type { Shore, ShoreKafka } from '../faults/shore.ts';
import { recordsFolder } from '../faults/sink.ts';
import { Site } from '../faults/site.ts';
import { Topics } from '../kafka/topics.ts';
import { freePort } from '../ports.ts';
import { eventually, type Program, Programs, runTool } from '../processes.ts';
import { ADMIN, Mariadb } from './mariadb.ts';

/** Far from UTC, and no hour of it comes twice. */
export const BUILDING_ZONE = 'Asia/Kolkata';
const START_MS = 120_000;
const LOOK_MS = 1000;
const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname;
const DATABASE = 'mooring';
/** As `ingest` has it: two of the three come by MQTT. */
const SOURCES = {
  city: { format: 'flat-json', mqtt: { topics: ['iot-sensor-stream'] } },
  meteo: { format: 'buoy-json', http: { path: '/meteo' }, zone: 'Europe/Paris' },
  building: { format: 'lines', mqtt: { topics: ['temperature', 'energy', 'water', 'motion'] }, zone: BUILDING_ZONE },
};
const MQTT_SOURCES = 2;

/** A `mooring central talk` that runs. */
export interface Talk {
  readonly program: Program;
  readonly truth: string;
}

/** Records, by who has said them. */
export interface Counts {
  readonly devices: number;
  readonly gateway: number;
}

/** A gateway and existing devices, a Mosquitto, a Kafka, and a centre with files and a MariaDB: all real programs. */
export class SeedSite {
  readonly site: Site;
  readonly kafka: ShoreKafka;
  readonly shore: Shore;
  readonly #mariadb: Mariadb;
  readonly #programs = new Programs();
  /** Of all that was said, by whichever talk. */
  readonly #truth: string;
  #talks = 0;

  private constructor(site: Site, kafka: ShoreKafka, shore: Shore, mariadb: Mariadb) {
    this.site = site;
    this.kafka = kafka;
    this.shore = shore;
    this.#mariadb = mariadb;
    this.#truth = join(site.folder, 'truth.ndjson');
    writeFileSync(this.#truth, '');
  }

  /** Resolves when the sources have their broker; without a gateway. @param queuedMax messages that Mosquitto keeps for a source */
  static async start(say: (text: string) => void, queuedMax: number): Promise<SeedSite> {
    const mariadb = await Mariadb.start();
    const password = join(mariadb.folder, 'password');
    writeFileSync(password, `${ADMIN.password}\n`, { mode: 0o600 });
    const site = new Site({ seed: 1, say, persistence: true, queuedMax });
    const kafka = await kafkaFor(site);
    const sql = { mariadb: { host: '127.0.0.1', port: mariadb.port, database: DATABASE }, user: ADMIN.user, password };
    const devices = { httpPort: await freePort(), sources: SOURCES };
    const shore = await site.addShore(undefined, { kafka, stores: { sql }, devices });
    const started = new SeedSite(site, kafka, shore, mariadb);
    try {
      await Promise.all([shore.broker.start(), kafka.broker.start()]);
      await site.startCentre(shore);
      await started.haveBroker();
    } catch (error) {
      await started.close();
      throw error;
    }
    return started;
  }

  get centre(): Program {
    const [program] = this.shore.centres;
    if (program === undefined) throw new Error('no centre was started');
    return program;
  }

  get url(): { readonly mqtt: string; readonly http: string } {
    const { broker, devices } = this.shore;
    return { mqtt: `mqtt://127.0.0.1:${broker.port}`, http: `http://127.0.0.1:${devices?.httpPort}/meteo` };
  }

  get gatewayRecords(): number {
    return this.site.settled(this.shore) + this.site.unsettled(this.shore);
  }

  /** Messages in the topic of records. */
  async messages(): Promise<number> {
    return await new Topics(this.kafka.broker.address).count(topicNamesOf(this.kafka.prefix).records);
  }

  /** A message to a session that is not there yet would be nobody's. */
  async haveBroker(): Promise<void> {
    await eventually('the sources have their broker', START_MS, () => {
      this.centre.mustRun();
      return this.centre.lines.filter(({ msg }) => msg === 'a source has its broker').length === MQTT_SOURCES;
    });
  }

  talk(profile: string, to: string, ...options: readonly string[]): Talk {
    this.#talks += 1;
    const truth = join(this.site.folder, `truth-${this.#talks}.ndjson`);
    const args = [MAIN, 'central', 'talk', profile, '--to', to, '--truth', truth, ...options];
    return { program: this.#programs.start({ name: `talk ${profile}`, command: process.execPath, args }), truth };
  }

  /** Waits until everything was taken; its truth goes with that of the others. Returns its lines, one for each message. */
  async ended({ program, truth }: Talk, withinMs: number): Promise<readonly string[]> {
    const status = await program.ends(withinMs);
    if (status !== 0) throw new Error(`${program.name} ended with ${status}\n${program.tail()}`);
    appendFileSync(this.#truth, readFileSync(truth));
    return linesIn(truth);
  }

  /** Resident memory of the centre in MiB: now, and the most that it ever was (proc(5)). */
  memoryMiB(): { readonly now: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.centre.pid}/status`, 'utf8');
    const of = (name: string): number =>
      Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024);
    return { now: of('VmRSS'), peak: of('VmHWM') };
  }

  /** Each record of the files, with where it stands. */
  async *stored(): AsyncGenerator<{ readonly path: string; readonly record: FlatRecord }> {
    const folder = recordsFolder(this.shore);
    for (const path of await findHourFiles(folder)) {
      for await (const record of recordsOf(folder, path, () => undefined)) {
        yield { path, record: record as unknown as FlatRecord };
      }
    }
  }

  /** In MariaDB. */
  async rows(): Promise<Counts> {
    const place = JSON.stringify({ port: this.#mariadb.port });
    const sql = `SELECT COUNT(*) AS count, COUNT(run) AS gateway FROM ${DATABASE}.${TABLE}`;
    const [row] = await query<{ count: unknown; gateway: unknown }>(place, sql);
    return { devices: Number(row?.count) - Number(row?.gateway), gateway: Number(row?.gateway) };
  }

  /**
   * Waits for that many records in both sinks, then holds them to each id once, to what devices and gateway have said, and to
   * nothing else. Nothing may be a letter. Of the gateway's nothing is asked where their number is left out.
   */
  async mustHave(records: Pick<Counts, 'devices'> & Partial<Counts>, withinMs: number): Promise<void> {
    const { shore, site, kafka } = this;
    const hasAll = ({ devices, gateway }: Counts): boolean =>
      devices >= records.devices && gateway >= (records.gateway ?? 0);
    await eventually('MariaDB has all', withinMs, () => this.#patiently(async () => hasAll(await this.rows())));
    const files = await eventually('the files have all', withinMs, () =>
      this.#patiently(async () => {
        const found = await this.#inFiles();
        return hasAll(found) && found;
      }),
    );
    expect([files, await this.rows()]).toMatchObject([{ ...records, repeated: 0 }, records]);
    const heard = await runTool(process.execPath, [MAIN, 'central', 'heard', this.#truth, recordsFolder(shore)]);
    site.say(`heard: ${heard.trim()}`);
    expect(await new Topics(kafka.broker.address).count(topicNamesOf(kafka.prefix).deadLetter)).toBe(0);
    if (records.gateway === undefined) return;
    const { ok, runs } = await audit(recordsFolder(shore), { store: site.storePath, forwarder: shore.name });
    expect([ok, runs.map(({ unsettled }) => unsettled)]).toEqual([true, runs.map(() => 0)]);
  }

  async close(): Promise<void> {
    await this.#programs.end();
    await this.site.close();
    await this.#mariadb.stop();
  }

  async #inFiles(): Promise<Counts & { readonly repeated: number }> {
    const ids = new Set<string>();
    let [all, gateway] = [0, 0];
    for await (const { record } of this.stored()) {
      ids.add(record.id);
      all += 1;
      if (parseRecordId(record.id) !== undefined) gateway += 1;
    }
    return { devices: all - gateway, gateway, repeated: all - ids.size };
  }

  /** A look costs something. */
  async #patiently<T>(look: () => Promise<T>): Promise<T> {
    this.centre.mustRun();
    await systemClock.sleep(LOOK_MS);
    return await look();
  }
}

/** Of a file that may be being written: lines that are whole. */
export function linesIn(path: string): readonly string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}
