import { MooringError } from '../../runtime/errors.ts';

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: see whether the centre runs, and `port`.',
  ENOTFOUND: 'The name of the centre is not known: see `host` and the DNS of the gateway.',
  EAI_AGAIN: 'The name of the centre cannot be looked up now: see the network of the gateway.',
  ENETUNREACH: 'There is no way to the centre: see the network of the gateway.',
  EHOSTUNREACH: 'There is no way to the centre: see the network of the gateway.',
  EMSGSIZE: 'Datagrams of 1,200 bytes do not pass: see the MTU of the network; MQTT needs no such size.',
  EPERM: 'Something on the gateway forbids it: see its firewall.',
};

/** An error of a datagram socket, or of the look-up before it, as one of the link. */
export function udpLinkErrorOf(cause: unknown): MooringError {
  if (cause instanceof MooringError) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  const hint = code === undefined ? undefined : NETWORK[code];
  const options = {
    cause,
    ...(code === undefined ? {} : { context: { code } }),
    ...(hint === undefined ? {} : { hint }),
  };
  return new MooringError('LINK_DOWN', 'the centre cannot be reached', options);
}

/** A datagram that is not authentic is never answered: nothing more can be known of why. */
export function silentCentre(what: 'open' | 'send'): MooringError {
  return new MooringError('LINK_SILENT', 'the centre does not answer', {
    context: { what },
    hint:
      what === 'open'
        ? 'See `host` and `port`, firewalls, whether `mooring central` runs, and whether it has this gateway’s key.'
        : 'It did before: see the network between the gateway and the centre, and whether its key has changed.',
  });
}

/** It asks who we are, so it has lost the session, and with it every answer that was still to come. */
export function begunAnew(): MooringError {
  return new MooringError('LINK_DOWN', 'the centre has begun anew', {
    hint: 'It was started again, or another copy of it has taken over: what it had not answered is sent again.',
  });
}

export function unusableKey(cause: MooringError): MooringError {
  const { message, context, hint } = cause;
  return new MooringError('LINK_REFUSED', message, { cause, context, ...(hint === undefined ? {} : { hint }) });
}
