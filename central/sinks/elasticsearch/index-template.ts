import { METRICS, type MetricType } from '../../../protocol/metrics.ts';
import { patternsOf } from './index-name.ts';

/** Counts the changes of what is below. */
export const SCHEMA = 1;
/** Above the templates that the servers bring along. */
const PRIORITY = 500;
const FIELDS_MAX = 2000;
/** Longer texts are kept and not indexed, in characters: a term has 32,766 bytes at most. */
const TEXT = { type: 'keyword', ignore_above: 1024 } as const;
const DATE = { type: 'date', format: 'strict_date_optional_time||epoch_millis' } as const;
const NUMBER = { type: 'double' } as const;
const FLAG = { type: 'byte' } as const;
const BY_TYPE: Readonly<Record<MetricType, object>> = { number: NUMBER, boolean: { type: 'boolean' }, text: TEXT };
/** Keys of `info` that somebody looks for; all others are kept and not indexed, as anything may be in them. */
const INFO_KEYS = ['alarm', 'event', 'level', 'metric', 'reason', 'run', 'source_id'] as const;

/**
 * The index template. A metric of the registry has its type, any other the one that its first value has: numbers are
 * doubles, texts keywords. What cannot be read as its type is kept and not indexed. Takes what Elasticsearch 8 and OpenSearch 2
 * have in common.
 */
export function templateOf(index: string): object {
  return {
    index_patterns: patternsOf(index),
    priority: PRIORITY,
    version: SCHEMA,
    _meta: { mooring: { schema: SCHEMA } },
    template: {
      settings: {
        index: { mapping: { ignore_malformed: true, total_fields: { limit: FIELDS_MAX } } },
      },
      mappings: {
        _meta: { mooring: { schema: SCHEMA } },
        dynamic: true,
        date_detection: false,
        numeric_detection: false,
        dynamic_templates: [
          { flags: { path_match: 'flags.*', match_mapping_type: 'long', mapping: FLAG } },
          { whole_numbers: { match_mapping_type: 'long', mapping: NUMBER } },
          { numbers: { match_mapping_type: 'double', mapping: NUMBER } },
          { texts: { match_mapping_type: 'string', mapping: TEXT } },
        ],
        properties: {
          '@timestamp': { type: 'alias', path: 'timestamp' },
          // `location` may have a height, which a geo_point does not take.
          '@position': { type: 'geo_point' },
          ...Object.fromEntries(['id', 'gateway', 'station', 'kind', 'clock', 'run'].map((name) => [name, TEXT])),
          sequence: { type: 'long' },
          timestamp: DATE,
          received_at: DATE,
          location: { properties: { lat: NUMBER, lon: NUMBER, alt: NUMBER } },
          flags: { type: 'object' },
          info: {
            dynamic: false,
            properties: {
              ...Object.fromEntries(INFO_KEYS.map((key) => [key, TEXT])),
              tags: { type: 'object', dynamic: true },
            },
          },
          ...Object.fromEntries(METRICS.map(({ name, type }) => [name, BY_TYPE[type]])),
        },
      },
    },
  };
}
