import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { kafkaFailure } from '../failure.ts';
import { kafkaJsFinding } from './finding.ts';

type ErrorClass = new (error: Error | string, options?: object) => Error;
const require = createRequire(import.meta.url);
const errors = require('kafkajs/src/errors') as Readonly<Record<string, ErrorClass>>;
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => Error;
};

function make(name: string, ...given: ConstructorParameters<ErrorClass>): Error {
  const Made = errors[name];
  if (Made === undefined) throw new Error(`kafkajs has no ${name}`);
  return new Made(...given);
}
const found = (error: Error) => kafkaFailure('it failed', error, kafkaJsFinding);

describe('an error of kafkajs', () => {
  test('a refused connection may pass, whatever the package says of trying again', () => {
    const refused = make('KafkaJSConnectionError', 'Connection error', { code: 'ECONNREFUSED' });
    const lasting = make('KafkaJSNonRetriableError', refused, { cause: refused });
    expect(found(lasting)).toMatchObject({ code: 'LOG_FAILED', context: { reason: 'econnrefused' } });
  });

  test('an answer of the broker is found in the last of many tries', () => {
    const missing = createErrorFromCode(3);
    const many = make('KafkaJSNumberOfRetriesExceeded', missing, { retryCount: 2, retryTime: 900 });
    expect(found(many)).toMatchObject({ code: 'LOG_FAILED', context: { reason: 'unknown_topic' } });
    expect(found(createErrorFromCode(10))).toMatchObject({
      code: 'LOG_REFUSED',
      context: { reason: 'message_too_large' },
    });
    expect(found(createErrorFromCode(29)).code).toBe('LOG_UNFIT');
  });

  test('what the package cannot do with this broker, it cannot do later either', () => {
    const unsupported = make('KafkaJSNotImplemented', 'Snappy compression not implemented');
    expect(found(unsupported)).toMatchObject({ code: 'LOG_UNFIT', context: { reason: 'unsupported' } });
  });

  test('a request that was not answered is told as that', () => {
    const silent = make('KafkaJSRequestTimeoutError', 'Request Produce timed out', {});
    expect(found(silent)).toMatchObject({ code: 'LOG_FAILED', context: { reason: 'timeout' } });
  });
});
