import type { KafkaClientKind } from '../../central/config/types.ts';
import type { SharedKafka } from './shared-kafka.ts';
import type { Shore, ShoreKafka, ShoreOptions } from './shore.ts';
import { Site, type SiteOptions } from './site.ts';

/** A fault, and what must hold after it. */
export interface Scenario {
  /** A sentence. */
  readonly name: string;
  readonly site?: Pick<SiteOptions, 'persistence' | 'tls'>;
  /** What it needs beside a Mosquitto, by the tags of the tests; nothing if left out. */
  readonly needs?: readonly string[];
  /** It hardly works and long waits: it runs beside the others, whatever they are; false if left out. */
  readonly isQuiet?: boolean;
  /** Ends well when everything holds. `kills`: how many of a kind, where it kills. */
  run(site: Site, kills: number): Promise<void>;
}

export interface ScenarioOptions {
  readonly kills: number;
  readonly seed: number;
  readonly say: (text: string) => void;
  /** For those that do a Kafka no harm. */
  readonly sharedKafka: SharedKafka;
}

/**
 * Runs a scenario at a site of its own. What it throws names the seed, the folder that it leaves for a look, and what
 * each program said last.
 */
export async function runScenario(scenario: Scenario, { kills, ...options }: ScenarioOptions): Promise<void> {
  const { seed, sharedKafka } = options;
  const site = new Site({ ...options, ...scenario.site });
  let hasFailed = false;
  try {
    await scenario.run(site, kills);
  } catch (cause) {
    hasFailed = true;
    const place = `seed ${seed}, ${site.folder}`;
    throw new Error(
      `${scenario.name} (${place}): ${(cause as Error).message}\n${site.tails()}\n${sharedKafka.tails()}`,
      { cause },
    );
  } finally {
    await site.close({ keep: hasFailed });
  }
}

/** The Kafka that scenarios share, or one of the site's own that is not running yet, as a shore takes it. */
export async function kafkaFor(site: Site, wish: KafkaWish = {}): Promise<ShoreKafka> {
  const { client, throughLink = false, settings = {}, isOwn = throughLink || wish.settings !== undefined } = wish;
  if (!isOwn && site.sharedKafka !== undefined)
    return { ...(await site.sharedKafka.take()), ...(client && { client }) };
  const broker = await site.addKafka({ edge: throughLink, settings });
  const own = { broker, prefix: 'mooring', ...(client === undefined ? {} : { client }) };
  if (!throughLink) return own;
  const link = await site.addLink(broker.edgePort);
  broker.advertiseEdge(link.port);
  return { ...own, link };
}

export interface KafkaWish {
  /** The scenario does it harm, so it has it for itself; if left out, where another wish makes it necessary. */
  readonly isOwn?: boolean;
  readonly client?: KafkaClientKind;
  /** The centre comes to it through a link that can be made bad. */
  readonly throughLink?: boolean;
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** Everything up, the load running, the witness counting. */
export async function startAll(site: Site, options: ShoreOptions = {}): Promise<Shore> {
  const shore = await site.addShore(undefined, options);
  await Promise.all([shore.broker.start(), shore.kafka?.broker.start()]);
  await site.startCentre(shore);
  await site.startGateway();
  site.witness.start();
  return shore;
}

/** A time from a span, in milliseconds, as the seed has it. */
export function between({ random }: Site, { min, max }: { readonly min: number; readonly max: number }): number {
  return min + random.uniform() * (max - min);
}
