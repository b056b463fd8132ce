import { connect } from 'node:net';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { MooringError } from '../runtime/errors.ts';

const ANSWER_MS = 5000;

/**
 * Asks the gateway that listens on a control socket. Throws `NOT_RUNNING` when none does, and `SOCKET_FAILED` when it
 * cannot be asked or does not answer.
 */
export async function askGateway(
  path: string,
  verb: string,
  clock: Clock,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const socket = connect(path);
  socket.setEncoding('utf8');
  const line = new Promise<string>((resolve, reject) => {
    let text = '';
    socket.on('error', (cause) => reject(errorOf(cause, path)));
    socket.on('end', () => reject(new MooringError('SOCKET_FAILED', 'the gateway hung up', { context: { path } })));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    socket.write(`${JSON.stringify({ ...parameters, verb })}\n`);
  });
  try {
    const silent = (): Error => new MooringError('SOCKET_FAILED', 'the gateway does not answer', { context: { path } });
    const answer = JSON.parse(await withDeadline(clock, ANSWER_MS, line, silent)) as Answer;
    if (answer.ok) return answer;
    const { message, hint } = answer.error;
    throw new MooringError('SOCKET_FAILED', message, hint === '' ? {} : { hint });
  } finally {
    socket.destroy();
  }
}

type Answer =
  | { readonly ok: true; readonly [key: string]: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string; readonly hint: string } };

/** No socket file; one that a crash left behind; a path that is too long for a socket. */
const NOBODY = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ENOTSOCK', 'EINVAL']);

function errorOf(cause: Error & { code?: string }, path: string): MooringError {
  if (NOBODY.has(cause.code ?? '')) {
    const hint = 'Start it: `mooring run -c FILE`, with this configuration.';
    return new MooringError('NOT_RUNNING', 'no gateway is running', { cause, context: { path }, hint });
  }
  const hint = cause.code === 'EACCES' ? { hint: "Its socket is open to the gateway's own user and group." } : {};
  return new MooringError('SOCKET_FAILED', 'the gateway cannot be asked', { cause, context: { path }, ...hint });
}
