import { join } from 'node:path';
import { DEAD_LETTER_FOLDER } from '../central/config/places.ts';
import type { CentralConfig, KafkaConfig } from '../central/config/types.ts';
import type { Letter } from '../central/deadletter/letter.ts';
import { LetterBox, type LetterFilter, type ListedLetter } from '../central/deadletter/letter-box.ts';
import { LogVisit } from '../central/deadletter/log-visit.ts';
import { Replay, type Replayed } from '../central/deadletter/replay.ts';
import { Registry } from '../central/formats/registry/registry.ts';
import type { KafkaClient } from '../central/recordlog/kafka/client.ts';
import { createKafkaClient } from '../central/recordlog/kafka/clients.ts';
import { topicNamesOf } from '../central/recordlog/kafka/topics.ts';
import { MooringError } from '../runtime/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { letterText, listText, replayedText } from './central-deadletter/text.ts';
import { centralConfigOf } from './config-kind.ts';
import { EXIT } from './failure.ts';
import type { Host } from './host.ts';

export interface LetterListOptions extends Omit<LetterFilter, 'sinceMs'> {
  /** How long ago, or the time itself: milliseconds. */
  readonly since?: { readonly agoMs: number } | { readonly atMs: number } | undefined;
  /** The newest so many. */
  readonly limit: number;
  readonly json: boolean;
}

export interface LetterReplayOptions extends LetterListOptions {
  /** Left out: those that the filter lets through. */
  readonly ids: readonly string[];
}

type LetterHost = Pick<Host, 'clock' | 'random' | 'stop' | 'streams'>;

/**
 * `mooring central deadletter list`: the letters of a centre, running or not, oldest first: a row each, or
 * `{"letters": […], "more": N}`. Returns the exit status 0. Rejects with `LOG_FAILED` and `STATE_FAILED`.
 */
export async function runLetterList(file: string, options: LetterListOptions, host: LetterHost): Promise<number> {
  const { box } = await opened(centralConfigOf(file), host);
  const found = await box.list(filterOf(options, host));
  const letters = found.slice(-options.limit);
  const more = found.length - letters.length;
  host.streams.out.write(options.json ? `${JSON.stringify({ letters, more })}\n` : listText(letters, more));
  return EXIT.ok;
}

/** `mooring central deadletter show ID`: all that is in one letter, its message decoded. Returns 1 where there is none. */
export async function runLetterShow(
  file: string,
  id: string,
  { json }: { readonly json: boolean },
  host: LetterHost,
): Promise<number> {
  const { box } = await opened(centralConfigOf(file), host);
  const letter = (await box.letters([id])).get(id);
  if (letter === undefined) return noSuchLetter(id, host);
  host.streams.out.write(json ? `${JSON.stringify(letter)}\n` : letterText(letter));
  return EXIT.ok;
}

/**
 * `mooring central deadletter replay`: puts letters back on their way. Returns 0 where every one went, 1 where one did not.
 * Rejects with `CONFIG_INVALID` where there is no Kafka to put them on, and as the log does.
 */
export async function runLetterReplay(file: string, options: LetterReplayOptions, host: LetterHost): Promise<number> {
  const config = centralConfigOf(file);
  const { box, kafka, client } = await opened(config, host);
  if (kafka === undefined || client === undefined) {
    const hint = 'Send the records of a gateway again from its store, or use Kafka.';
    throw new MooringError('CONFIG_INVALID', 'without kafka there is no log to replay letters to', {
      context: { config: file },
      hint,
    });
  }
  const listed = await box.list({ ...filterOf(options, host), ...(options.ids.length === 0 ? {} : { all: true }) });
  const chosen = chosenOf(listed, options);
  const absent = options.ids.find((id) => !chosen.some((letter) => letter.id === id));
  if (absent !== undefined) return noSuchLetter(absent, host);
  const letters = await box.letters(chosen.map(({ id }) => id));
  const { clock, random, stop, streams } = host;
  const visit = new LogVisit({ client, kafka, clock, random, log: silentLog });
  const registries = registriesOf(config, host);
  const results: Replayed[] = [];
  try {
    for (const registry of registries.values()) await registry.open();
    if (chosen.length > 0) await visit.open(stop);
    const sources = config.foreign?.sources ?? [];
    const replay = new Replay({ ...visit, sources, registries, stateDir: config.stateDir, clock, log: silentLog });
    for (const { id } of chosen) {
      stop.throwIfAborted();
      const letter = letters.get(id);
      const result = await (letter === undefined ? notHeld(id) : replay.replay(letter));
      results.push(result);
      if (!options.json) streams.out.write(replayedText(result));
    }
  } finally {
    await visit.close();
    await Promise.all([...registries.values()].map((registry) => registry.close()));
  }
  if (options.json) streams.out.write(`${JSON.stringify({ letters: results })}\n`);
  else if (results.length === 0) streams.out.write('no letters to replay\n');
  return results.every(({ state }) => state === 'replayed') ? EXIT.ok : EXIT.failure;
}

function chosenOf(listed: readonly ListedLetter[], { ids, limit }: LetterReplayOptions): readonly ListedLetter[] {
  if (ids.length > 0) return listed.filter(({ id }) => ids.includes(id));
  return listed.slice(0, limit);
}

async function notHeld(id: string): Promise<Replayed> {
  const reason = 'too many at once, or Kafka keeps it no longer: replay again';
  return await Promise.resolve({ id, state: 'refused', reason });
}

function registriesOf({ foreign }: CentralConfig, { clock }: LetterHost): ReadonlyMap<string, Registry> {
  return new Map((foreign?.registries ?? []).map((one) => [one.name, new Registry({ ...one, clock, log: silentLog })]));
}

interface Opened {
  readonly box: LetterBox;
  readonly kafka: KafkaConfig | undefined;
  readonly client: KafkaClient | undefined;
}

async function opened(config: CentralConfig, { clock, random, stop }: LetterHost): Promise<Opened> {
  const { kafka, stateDir } = config;
  const folder = join(stateDir, DEAD_LETTER_FOLDER);
  if (kafka === undefined) return { box: new LetterBox(folder, undefined), kafka, client: undefined };
  const { client: kind, brokers, prefix } = kafka;
  const client = await createKafkaClient(kind, { brokers, clientId: 'mooring-letters', clock, log: silentLog });
  const topic = topicNamesOf(prefix).deadLetter;
  return { box: new LetterBox(folder, { client, topic, prefix, clock, random, signal: stop }), kafka, client };
}

function filterOf({ since, source, gateway, sink, code, all }: LetterListOptions, { clock }: LetterHost): LetterFilter {
  const sinceMs = since === undefined ? undefined : 'atMs' in since ? since.atMs : clock.wallMs() - since.agoMs;
  return { source, gateway, sink, code, all, sinceMs };
}

function noSuchLetter(id: Letter['id'], { streams }: LetterHost): number {
  streams.err.write(
    `mooring: there is no letter ${id}. \`mooring central deadletter list --all\` names those there are.\n`,
  );
  return EXIT.failure;
}
