import type { HttpAnswer } from '../http/http-store.ts';

/** What differs between the interfaces of InfluxDB 1 and 2. */
export interface InfluxdbApi {
  /** Makes or checks the place. Throws `SINK_UNFIT`, `SINK_FAILED`, or the signal's reason. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Sends lines; times are in nanoseconds. Throws `SINK_FAILED` where nothing is answered. */
  send(lines: string): Promise<HttpAnswer>;
}

/** The measurements of records beside samples. */
export const OTHER_MEASUREMENTS = ['alarm', 'gap', 'event', 'undated'] as const;

const REASON_CHARACTERS = 500;

/** What the server said, for people. */
export function reasonOf({ status, body }: HttpAnswer): string {
  return `${status}: ${(errorIn(body) ?? body).slice(0, REASON_CHARACTERS)}`;
}

/** What InfluxDB itself said was wrong: `{error}` of its first interface, `{code, message}` of its second. */
export function errorIn(body: string): string | undefined {
  try {
    const { error, message } = JSON.parse(body) as { readonly error?: unknown; readonly message?: unknown };
    return [message, error].find((text) => typeof text === 'string');
  } catch {
    // A proxy's page, or nothing.
    return undefined;
  }
}
