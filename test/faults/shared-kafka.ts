import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaBroker } from '../kafka/broker.ts';
import { Programs } from '../processes.ts';
import type { ShoreKafka } from './shore.ts';

/** One Kafka for all scenarios that do it no harm, each with topics of its own: to start one is half of such a scenario. */
export class SharedKafka {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mooring-faults-kafka-'));
  readonly #programs = new Programs();
  #broker: Promise<KafkaBroker> | undefined;
  #taken = 0;

  /** Resolves when it serves, which takes some seconds for the first that asks. */
  async take(): Promise<ShoreKafka> {
    this.#taken += 1;
    const prefix = `mooring-${this.#taken}`;
    this.#broker ??= this.#start();
    return { broker: await this.#broker, prefix };
  }

  /** What it said last. */
  tails(): string {
    return this.#programs.tails();
  }

  async close(): Promise<void> {
    await this.#programs.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<KafkaBroker> {
    const broker = await KafkaBroker.prepare({ folder: this.#folder, programs: this.#programs });
    await broker.start();
    return broker;
  }
}
