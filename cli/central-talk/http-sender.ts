import { readFile } from 'node:fs/promises';
import { MooringError } from '../../runtime/errors.ts';
import type { Sender, SenderOptions } from './sender.ts';

const AT_ONCE = 16;
const ANSWER_MS = 30_000;
const RETRY_MS = 1000;
/** Statuses that the same post meets again: a body that is wrong, or too large. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 422]);
/** Statuses that every post meets: who, where, how. */
const UNFIT: ReadonlySet<number> = new Set([401, 403, 404, 405]);

/** A post each. One that is not answered, or with 5xx, is posted again when `Retry-After` says, or in a second. */
export async function httpSender({ to, tokenFile, clock }: SenderOptions): Promise<Sender> {
  const token = tokenFile === undefined ? undefined : await tokenOf(tokenFile);
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const post = async (bytes: Uint8Array, signal: AbortSignal): Promise<Response | undefined> => {
    try {
      const both = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      const answer = await fetch(to, { method: 'POST', headers, body: Buffer.from(bytes), signal: both });
      await answer.arrayBuffer();
      return answer;
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  };
  return {
    atOnce: AT_ONCE,
    textOnly: false,
    async send({ bytes }, signal) {
      for (;;) {
        const answer = await post(bytes, signal);
        if (answer?.ok === true) return 'taken';
        if (answer !== undefined && REFUSED.has(answer.status)) return 'refused';
        if (answer !== undefined && UNFIT.has(answer.status)) throw unfit(answer.status, to);
        const seconds = Number(answer?.headers.get('retry-after') ?? Number.NaN);
        await clock.sleep(seconds > 0 ? seconds * 1000 : RETRY_MS, signal);
      }
    },
    close: () => Promise.resolve(),
  };
}

async function tokenOf(path: string): Promise<string> {
  try {
    return ((await readFile(path, 'utf8')).split(/\r?\n/, 1)[0] as string).trim();
  } catch (cause) {
    throw new MooringError('CONFIG_UNREADABLE', 'the token cannot be read', { cause, context: { path } });
  }
}

function unfit(status: number, { origin, pathname }: URL): MooringError {
  return new MooringError('LINK_REFUSED', 'no post is taken there', {
    context: { status, to: `${origin}${pathname}` },
    hint: status === 401 ? 'Give the token of the source: --token FILE.' : 'Compare --to with `path` of the source.',
  });
}
