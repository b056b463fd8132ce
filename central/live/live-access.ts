import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../../runtime/config/values.ts';
import type { BearerToken } from '../ingest/foreign/bearer-token.ts';

/** Of the cookie that a browser shows in place of the header, which it cannot set for a WebSocket. */
const COOKIE = 'mooring_live';

export interface LiveAccessOptions {
  /** Undefined: nobody needs one, which is for loopback only. */
  readonly token: BearerToken | undefined;
  /** Pages of other origins that may listen: `https://grafana.example`. */
  readonly origins: readonly string[];
}

/** What is wrong with a request, and its status. */
export interface Denial {
  readonly status: 401 | 403;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * Who may listen. A browser lets any page open a WebSocket to anywhere, with the cookies of that place: a page of another
 * origin is refused unless it is configured. Without a token, so is whoever calls this machine by a name, as a page can
 * give itself one that leads here.
 */
export function denialOf(headers: IncomingHttpHeaders, { token, origins }: LiveAccessOptions): Denial | undefined {
  const { origin, host = '', authorization, cookie } = headers;
  if (origin !== undefined && !origins.includes(origin) && hostOf(origin) !== host.toLowerCase()) {
    const hint = 'Name it in `live.origins`.';
    return { status: 403, code: 'ORIGIN', message: 'pages of this origin may not listen', hint };
  }
  if (token === undefined) {
    const { hostname = '' } = URL.parse(`http://${host}`) ?? {};
    if (isLoopback({ host: hostname.replace(/^\[|\]$/g, ''), port: 0 })) return undefined;
    const hint = 'Call it 127.0.0.1 or localhost, or give it a `live.token`.';
    return { status: 403, code: 'HOST', message: 'without a token it is for this machine only', hint };
  }
  const shown = authorization ?? bearerOf(cookie);
  if (token.matches(shown)) return undefined;
  const hint = 'Send the header `Authorization: Bearer TOKEN`; a page posts it to /api/v1/live/session first.';
  return { status: 401, code: 'UNAUTHORIZED', message: 'the token is missing or wrong', hint };
}

/** The header that makes a browser show the token by itself, on requests of pages of this origin only. */
export function cookieOf(authorization: string, isSecure: boolean): string {
  const token = authorization.replace(/^bearer +/i, '').trim();
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
  return `${COOKIE}=${encodeURIComponent(token)}; ${attributes}`;
}

function bearerOf(cookie: string | undefined): string | undefined {
  for (const pair of (cookie ?? '').split(';')) {
    const [name, value = ''] = pair.trim().split('=', 2);
    if (name !== COOKIE) continue;
    try {
      return `Bearer ${decodeURIComponent(value)}`;
    } catch {
      // Nothing that was given out here.
      return undefined;
    }
  }
  return undefined;
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
