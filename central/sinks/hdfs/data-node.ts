import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../../../runtime/clock.ts';

export interface DataNodeOptions {
  /** PEM, in place of the system's authorities. */
  readonly ca?: Buffer;
  readonly deadlineMs: number;
  readonly clock: Clock;
}

export interface DataNodeRequest {
  readonly method: 'GET' | 'PUT';
  /** As the NameNode gave it. */
  readonly url: string;
  readonly body?: Uint8Array;
  readonly authorization?: string;
  readonly signal: AbortSignal;
}

export interface DataNodeAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/**
 * The second step of a read or a write, at a DataNode. By Node's own client: a DataNode says `100 Continue` where nobody asked
 * for it, on which undici gives up. Rejects with Node's errors, or with `late` in words, or with the signal's reason.
 */
export async function askDataNode(asked: DataNodeRequest, options: DataNodeOptions): Promise<DataNodeAnswer> {
  const { deadlineMs, clock, ca } = options;
  asked.signal.throwIfAborted();
  const { method, url, body, authorization } = asked;
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = send(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/octet-stream', 'content-length': body.length }),
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(ca === undefined ? {} : { ca }),
  });
  const cancel = clock.after(deadlineMs, () => request.destroy(new Error(`no answer within ${deadlineMs} ms`)));
  const abort = (): void => void request.destroy(asked.signal.reason as Error);
  asked.signal.addEventListener('abort', abort, { once: true });
  try {
    return await answerOf(request, body);
  } finally {
    cancel();
    asked.signal.removeEventListener('abort', abort);
  }
}

function answerOf(request: ClientRequest, body: Uint8Array | undefined): Promise<DataNodeAnswer> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    request.end(body);
  });
}
