import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  TimeoutError,
  UserError,
} from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import { kafkaFailure } from '../failure.ts';
import { platformaticFinding } from './finding.ts';

const found = (error: Error) => kafkaFailure('it failed', error, platformaticFinding);

describe('an error of @platformatic/kafka', () => {
  test('a refused connection may pass, and its reason is the system’s', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const network = new NetworkError('Connection failed.', { cause: refused });
    const many = new MultipleErrors('produce failed 3 times.', [network, network]);
    expect(found(many)).toMatchObject({ code: 'LOG_FAILED', context: { reason: 'econnrefused' } });
  });

  test('an answer of the broker is found in what stands around it', () => {
    const refused = new ProtocolError('MESSAGE_TOO_LARGE');
    expect(found(new MultipleErrors('outer', [new MultipleErrors('inner', [refused])]))).toMatchObject({
      code: 'LOG_REFUSED',
      context: { reason: 'message_too_large' },
    });
    expect(found(new ProtocolError('TOPIC_AUTHORIZATION_FAILED')).code).toBe('LOG_UNFIT');
    expect(found(new ProtocolError('UNKNOWN_TOPIC_ID'))).toMatchObject({ context: { reason: 'unknown_topic' } });
  });

  test('a topic that is not there is known by the one sentence that says so', () => {
    const missing = new UserError('Unknown topic mooring.records.');
    expect(found(missing)).toMatchObject({ code: 'LOG_FAILED', context: { reason: 'unknown_topic' } });
  });

  test('what has no word of the broker is told by the package’s', () => {
    expect(found(new TimeoutError('Request timed out'))).toMatchObject({ code: 'LOG_FAILED' });
    const nobody = new AuthenticationError('SASL authentication failed.');
    expect(found(nobody)).toMatchObject({ code: 'LOG_UNFIT', context: { reason: 'authentication' } });
  });
});
