import { MooringError } from '../../runtime/errors.ts';

/** CONNACK return codes of MQTT 3.1.1 (section 3.2.2.3) that waiting does not cure. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'The broker does not speak MQTT 3.1.1.',
  2: 'The broker does not take this client id.',
  4: 'See `user` and `password`, and whether the broker knows them.',
  5: 'See whether the broker lets this gateway in: its user or certificate, and its rules.',
};
/** What the broker says of a subscription that it does not grant (section 3.9.3). */
const SUBACK_FAILURE = 128;

/** What MQTT.js says when a PINGREQ was not answered. */
const KEEPALIVE_TIMEOUT = 'Keepalive timeout';

/** What Node and OpenSSL call a certificate that will not do, with what to do about it. */
const CERTIFICATES: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/CERT_HAS_EXPIRED/, 'Renew the certificate of the broker, or set the clock of the gateway.'],
  [/CERT_NOT_YET_VALID/, 'Set the clock of the gateway.'],
  [/ALTNAME_INVALID/, 'The certificate of the broker is for another name than that in `url`.'],
  [
    /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_UNTRUSTED|CERT_SIGNATURE/,
    'Name the authority that signed the broker’s certificate in `ca`.',
  ],
  [/ALERT|HANDSHAKE/, 'The broker refused the handshake: see `cert` and `key`.'],
  [
    /^ERR_(SSL|TLS|OSSL)|^CERT_|WRONG_VERSION/,
    'See whether the broker speaks TLS on that port, and `ca`, `cert`, `key`.',
  ],
];

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: see whether the broker runs, and the port in `url`.',
  ENOTFOUND: 'The name of the broker is not known: see `url` and the DNS of the gateway.',
  EAI_AGAIN: 'The name of the broker cannot be looked up now: see the network of the gateway.',
  ENETUNREACH: 'There is no way to the broker: see the network of the gateway.',
  EHOSTUNREACH: 'There is no way to the broker: see the network of the gateway.',
};

/** An error of MQTT.js or of the socket below it as one of the link. */
export function linkErrorOf(cause: unknown): MooringError {
  if (cause instanceof MooringError) return cause;
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  if (message === KEEPALIVE_TIMEOUT) return silentBroker('ping');
  if (typeof code === 'number' && REFUSALS[code] !== undefined) {
    return new MooringError('LINK_REFUSED', 'the broker refuses the connection', { cause, hint: REFUSALS[code] });
  }
  if (typeof code === 'string') {
    const certificate = CERTIFICATES.find(([pattern]) => pattern.test(code));
    if (certificate !== undefined) {
      const options = { cause, context: { code }, hint: certificate[1] };
      return new MooringError('LINK_REFUSED', 'no secure connection to the broker', options);
    }
    const hint = NETWORK[code];
    const options = { cause, context: { code }, ...(hint === undefined ? {} : { hint }) };
    return new MooringError('LINK_DOWN', 'the broker cannot be reached', options);
  }
  return new MooringError('LINK_DOWN', 'the connection to the broker failed', { cause });
}

/** Why a subscription failed: refused, where a SUBACK says so, else with the connection. */
export function subscribeErrorOf(cause: unknown): MooringError {
  const granted = (cause as { packet?: { granted?: readonly unknown[] } }).packet?.granted;
  if (granted?.includes(SUBACK_FAILURE) !== true) return linkErrorOf(cause);
  return new MooringError('LINK_REFUSED', 'the broker does not let this gateway read its acknowledgements', {
    cause,
    hint: 'Give the gateway the right to read `mooring/1/<gateway>/ack` and to write `/batch` and `/state`.',
  });
}

export function silentBroker(what: string): MooringError {
  return new MooringError('LINK_SILENT', 'the broker does not answer', {
    context: { what },
    hint: 'The connection stands, but nothing comes back: see the network between the gateway and the broker.',
  });
}

export function unusableLogin(cause: MooringError): MooringError {
  const { message, context, hint } = cause;
  return new MooringError('LINK_REFUSED', message, { cause, context, ...(hint === undefined ? {} : { hint }) });
}
