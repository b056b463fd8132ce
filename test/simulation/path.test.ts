import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { audit } from '../../cli/audit.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedCentre } from './centre.ts';
import { SimulatedGateway } from './gateway.ts';

const SEEDS = 20;
const TROUBLE_S = 60;
const DRAIN_S = 300;
const STEP_MS = 250;

/** A file system in memory, where there is one: the gateway's power is never cut here, and syncing takes most of the time. */
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(PLACE, 'mooring-simulation-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The whole path under a seed: what goes wrong, and when, is drawn from it. */
class Voyage {
  readonly clock = new SteppedClock(Date.UTC(2026, 5, 30, 23, 57));
  readonly random: SeededRandom;
  readonly centre: SimulatedCentre;
  readonly gateway: SimulatedGateway;
  readonly happened: string[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.centre = new SimulatedCentre(this.clock, this.random);
    this.gateway = new SimulatedGateway({
      folder,
      clock: this.clock,
      random: this.random,
      centre: this.centre.receive,
    });
  }

  async start(): Promise<void> {
    await this.centre.start();
    await this.gateway.start();
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.gateway.tick();
      for (let step = 0; step < 1000; step += STEP_MS) {
        await this.clock.advance(STEP_MS);
        await this.gateway.quiet();
      }
    }
  }

  /** One thing goes wrong, and is over after a while, or not. */
  async trouble(): Promise<void> {
    const { random, gateway, centre } = this;
    const troubles: Readonly<Record<string, () => Promise<void> | void>> = {
      'bad link': () =>
        gateway.setQuality({
          delayMs: random.integer(1500),
          jitterMs: random.integer(3000),
          loss: random.uniform() * 0.3,
          duplication: random.uniform() * 0.3,
          corruption: random.uniform() * 0.02,
        }),
      'good link': () => gateway.setQuality({ delayMs: 20, jitterMs: 20 }),
      cut: () => gateway.link.cut(),
      'half open': () => gateway.link.freeze(),
      heal: () => gateway.link.heal(),
      'gateway restarts': () => gateway.restart(),
      'gateway is killed': () => gateway.kill(),
      'centre is killed': () => centre.doom('kill', random.integer(40)),
      'centre loses power': () => centre.doom('power', random.integer(40)),
      'disk of the centre is full': () => centre.doom('full', random.integer(40)),
      'room on the disk of the centre': () => centre.makeRoom(),
      'centre starts': async () => {
        if (centre.isDead) await centre.start();
      },
    };
    const names = Object.keys(troubles);
    const name = names[random.integer(names.length)] as string;
    this.happened.push(name);
    await troubles[name]?.();
  }

  async end(): Promise<void> {
    this.gateway.link.heal();
    this.gateway.setQuality({ delayMs: 20, jitterMs: 20 });
    this.centre.makeRoom();
    if (this.centre.isDead) await this.centre.start();
  }
}

test.for(Array.from({ length: SEEDS }, (_, seed) => seed + 1))(
  'nothing is lost and nothing is there twice, whatever fails on the way (seed %i)',
  async (seed) => {
    const voyage = new Voyage(seed);
    await voyage.start();
    for (let passed = 0; passed < TROUBLE_S; ) {
      const seconds = 1 + voyage.random.integer(10);
      await voyage.pass(seconds);
      await voyage.trouble();
      passed += seconds;
    }
    await voyage.end();
    for (let passed = 0; passed < DRAIN_S && (await voyage.gateway.pending()) > 0; passed += 5) {
      for (let step = 0; step < 5000; step += STEP_MS) {
        await voyage.clock.advance(STEP_MS);
        await voyage.gateway.quiet();
      }
    }
    const story = voyage.happened.join(', ');
    expect(await voyage.gateway.pending(), story).toBe(0);
    await voyage.gateway.stop();
    const records = join(folder, 'records');
    voyage.centre.export(records);
    const report = await audit(records, { store: voyage.gateway.storePath });
    expect(report.ok, story).toBe(true);
    const count = report.runs.reduce((sum, run) => sum + run.records, 0);
    expect(count, story).toBe(voyage.gateway.committed);
    for (const run of report.runs) {
      expect(run, story).toMatchObject({ holes: [], duplicates: 0, gaps: [], unsettled: 0, acked_but_missing: 0 });
    }
    expect(voyage.centre.letters, story).toEqual([]);
  },
);
