import type { Finding } from '../failure.ts';

/** What kafkajs gives its errors: a protocol error has the broker's number as its code, one of the network the system's word. */
interface KafkaJsFields {
  readonly type?: unknown;
  readonly code?: unknown;
}

/** Errors of its own that carry no code, by name. */
const NAMED: Readonly<Record<string, string>> = {
  KafkaJSRequestTimeoutError: 'timeout',
  KafkaJSConnectionClosedError: 'connection_closed',
  KafkaJSConnectionError: 'connection',
  KafkaJSTopicMetadataNotLoaded: 'unknown_topic',
  KafkaJSLockTimeout: 'timeout',
};

const UNFIT: Readonly<Record<string, string>> = {
  KafkaJSSASLAuthenticationError: 'authentication',
  KafkaJSServerDoesNotSupportApiKey: 'unsupported_api',
  KafkaJSNotImplemented: 'unsupported',
  KafkaJSUnsupportedMagicByteInMessageSet: 'unsupported_format',
};

/** Its wrappers say nothing: `KafkaJSNonRetriableError` stands around a refused connection too. */
export function kafkaJsFinding(error: Error): Finding | undefined {
  const { type, code } = error as KafkaJsFields;
  if (typeof type === 'string' && typeof code === 'number') return { brokerCode: code, reason: type.toLowerCase() };
  if (typeof code === 'string') return { reason: code.toLowerCase() };
  const unfit = UNFIT[error.name];
  if (unfit !== undefined) return { reason: unfit, isUnfit: true };
  const reason = NAMED[error.name];
  return reason === undefined ? undefined : { reason };
}
