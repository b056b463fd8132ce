import { connect } from 'node:net';
import { inject } from 'vitest';
import type {} from './setup.ts';

/**
 * `HOST:PORT` of the shared Kafka: for tests that have the tag `kafka`; each has topics of its own there. It starts
 * with the first that asks, and ends with the run.
 */
export async function sharedKafka(): Promise<string> {
  const socket = connect(inject('sharedKafkaPort'), '127.0.0.1');
  let text = '';
  for await (const chunk of socket) text += (chunk as Buffer).toString();
  const { address, failure } = JSON.parse(text) as { address?: string; failure?: string };
  if (address === undefined) throw new Error(`the shared Kafka has not started: ${failure}`);
  return address;
}
