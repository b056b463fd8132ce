import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../../runtime/clock.ts';

/** Why there is no body. */
export class BodyFailure extends Error {
  override readonly name = 'BodyFailure';
  /** `incomplete`: the time was over, or the other end was gone. */
  readonly kind: 'large' | 'incomplete';

  constructor(kind: 'large' | 'incomplete') {
    super(`the body is ${kind}`);
    this.kind = kind;
  }
}

export interface BodyBounds {
  readonly bytesMax: number;
  readonly durationMs: number;
  readonly clock: Clock;
}

/** The whole body of a request, of which no more than `bytesMax` is ever held. Rejects with `BodyFailure`. */
export function bodyOf(request: IncomingMessage, { bytesMax, durationMs, clock }: BodyBounds): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (failure: BodyFailure | undefined): void => {
      cancel();
      request.removeAllListeners('data');
      request.pause();
      if (failure === undefined) resolve(Buffer.concat(chunks, bytes));
      else reject(failure);
    };
    const cancel = clock.after(durationMs, () => end(new BodyFailure('incomplete')));
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) end(new BodyFailure('large'));
      else chunks.push(chunk);
    });
    request.once('end', () => end(undefined));
    request.once('close', () => end(new BodyFailure('incomplete')));
  });
}
