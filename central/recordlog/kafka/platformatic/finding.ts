import type { Finding } from '../failure.ts';

/** What the package gives its errors. */
interface PlatformaticFields {
  readonly apiId?: unknown;
  readonly apiCode?: unknown;
  readonly code?: unknown;
}

/** It does not say by a code that a topic is not there, but only so. */
const UNKNOWN_TOPIC = /^Unknown topic /;
const OWN_CODE = /^PLT_KFK_/;
const UNFIT = /^PLT_KFK_(AUTHENTICATION|UNSUPPORTED)/;

export function platformaticFinding(error: Error): Finding | undefined {
  const { apiId, apiCode, code } = error as PlatformaticFields;
  if (typeof apiCode === 'number') return { brokerCode: apiCode, reason: String(apiId).toLowerCase() };
  if (UNKNOWN_TOPIC.test(error.message)) return { reason: 'unknown_topic' };
  if (typeof code !== 'string' || code === 'PLT_KFK_MULTIPLE' || code === 'PLT_KFK_RESPONSE') return undefined;
  return { reason: code.replace(OWN_CODE, '').toLowerCase(), isUnfit: UNFIT.test(code) };
}
