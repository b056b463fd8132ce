import { z } from 'zod';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { choice, duration, pattern } from '../../../runtime/config/values.ts';
import { INDEX_PATTERN } from '../../sinks/elasticsearch/index-name.ts';
import type { ElasticsearchConfig } from '../types.ts';
import { type ConnectionKeys, caOf, checkCaOfUrl, loginOf, storeUrl } from './connection.ts';

/** `sinks.NAME.elasticsearch`. */
export const elasticsearchSchema = z.strictObject({
  url: storeUrl().describe('The server, `http://HOST:9200` or `https://HOST:9200` (TLS)'),
  index: pattern(
    INDEX_PATTERN,
    'what indices begin with',
    'It has 1 to 100 of a-z, 0-9, underscore, hyphen, and begins with a letter or digit.',
  )
    .prefault('mooring')
    .describe('What the name of every index, and of their template, begins with'),
  period: choice(['day', 'month']).prefault('day').describe('How long an index goes on, by the date of the events'),
  retention: duration({ min: '1d', max: '36500d' })
    .optional()
    .meta({ hint: 'Write a number and its unit: 90d.' })
    .describe('How long events are kept: an index that is older as a whole is deleted; left out: for ever'),
});

export function checkElasticsearch(reader: ConfigReader, sink: Path): void {
  checkCaOfUrl(reader, sink, 'elasticsearch');
}

export function elasticsearchOf(
  name: string,
  { url, index, period, retention }: z.output<typeof elasticsearchSchema>,
  connection: ConnectionKeys,
): ElasticsearchConfig {
  const { user, passwordFile } = loginOf(connection);
  const login = user === undefined || passwordFile === undefined ? {} : { login: { user, passwordFile } };
  const retained = retention === undefined ? {} : { retentionMs: retention };
  return {
    kind: 'elasticsearch',
    place: url,
    options: { name, url, index, period, ...retained, ...login, ...caOf(connection) },
  };
}
