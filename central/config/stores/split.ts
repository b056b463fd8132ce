import { z } from 'zod';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { pattern } from '../../../runtime/config/values.ts';
import { topicNamesOf } from '../../recordlog/kafka/topics.ts';
import type { SplitConfig } from '../types.ts';

const TOPIC = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;
const topic = () => pattern(TOPIC, 'the name of a topic', 'It has 1 to 249 of a-z, A-Z, 0-9, dot, underscore, hyphen.');
const PARTS = ['main', 'measures'] as const;

/** `sinks.NAME.split`. */
export const splitSchema = z.strictObject({
  topics: z
    .strictObject({
      main: topic().describe('Gets each record without its measures, under its id'),
      measures: topic().describe('Gets each measure of a sample alone, under the id and its name'),
    })
    .describe('Compacted topics at the brokers of `kafka`, made where they are not there and checked where they are'),
});

export function splitOf(sink: string, { topics }: z.output<typeof splitSchema>): SplitConfig {
  return { kind: 'split', place: `${topics.main}, ${topics.measures}`, options: { name: sink, topics } };
}

/** Reports topics that somebody else of this centre reads or writes, and keys of a connection that it has not. */
export function checkSplit(reader: ConfigReader, sink: Path): void {
  for (const key of ['ca', 'user', 'password']) {
    if (reader.valueAt([...sink, key]) === undefined) continue;
    reader.report([...sink, key], 'key', 'has no effect on `split`', 'Its brokers are those of `kafka`: remove it.');
  }
  const prefix = reader.valueAt(['kafka', 'prefix']) ?? 'mooring';
  const own: readonly string[] = typeof prefix === 'string' ? Object.values(topicNamesOf(prefix)) : [];
  const sources = topicsOfSources(reader);
  const before = topicsBefore(reader, sink);
  for (const [index, part] of PARTS.entries()) {
    const path = [...sink, 'split', 'topics', part];
    const name = reader.valueAt(path);
    const source = sources.find((each) => each.topic === name);
    const other = [...before, ...topicsOf(reader, sink).slice(0, index)].find((each) => each.topic === name);
    if (typeof name !== 'string') continue;
    if (own.includes(name)) {
      const message = `is a topic of the log itself (\`kafka\`, line ${reader.lineOf(['kafka'])})`;
      reader.report(path, 'value', message, 'Records would be written among those that are read: choose another.');
    } else if (source !== undefined) {
      const message = `is a topic that the source in line ${reader.lineOf(source.path)} reads`;
      reader.report(path, 'value', message, 'What is written would come in again, without end: choose another.');
    } else if (other !== undefined) {
      const message = `is the topic of line ${reader.lineOf(other.path)}`;
      reader.report(path, 'value', message, 'Choose another.');
    }
  }
}

interface TopicAt {
  readonly topic: unknown;
  readonly path: Path;
}

function topicsOf(reader: ConfigReader, sink: Path): TopicAt[] {
  return PARTS.map((part) => [...sink, 'split', 'topics', part]).map((path) => ({
    topic: reader.valueAt(path),
    path,
  }));
}

/** Of the sinks that stand before this one. */
function topicsBefore(reader: ConfigReader, sink: Path): TopicAt[] {
  const names = Object.keys(reader.mappingAt(['sinks']) ?? {});
  return names.slice(0, names.indexOf(String(sink.at(-1)))).flatMap((name) => topicsOf(reader, ['sinks', name]));
}

function topicsOfSources(reader: ConfigReader): TopicAt[] {
  return Object.keys(reader.mappingAt(['sources']) ?? {}).flatMap((name) => {
    const path: Path = ['sources', name, 'kafka', 'topics'];
    const topics = reader.valueAt(path);
    return Array.isArray(topics) ? topics.map((each: unknown, index) => ({ topic: each, path: [...path, index] })) : [];
  });
}
