import { NAME_PATTERN } from '../../protocol/record.ts';
import type { LiveMessage } from './live-message.ts';
import { LEGACY_FEEDS } from './ntua.ts';

/** What a client asked for. */
export interface LiveRequest {
  readonly bytesOf: (message: LiveMessage) => Uint8Array | undefined;
  readonly droppedOf: (count: number) => Uint8Array | undefined;
}

export const LIVE_PATH = '/api/v1/live';
const STATION = /^(?:([^/]+)\/)?([^/]+)$/;
const STATIONS_MAX = 64;

/** What a URL asks for; a text says what is wrong with it; undefined: there is nothing. */
export function liveRequestOf(url: string, legacy: 'ntua' | undefined): LiveRequest | string | undefined {
  const parsed = URL.parse(url, 'http://localhost');
  if (parsed === null) return undefined;
  const { pathname, searchParams } = parsed;
  const feed = legacy === undefined ? undefined : LEGACY_FEEDS.get(pathname);
  if (feed !== undefined) return { bytesOf: feed, droppedOf: () => undefined };
  if (pathname !== LIVE_PATH) return undefined;
  const unknown = [...searchParams.keys()].find((key) => key !== 'station' && key !== 'since');
  if (unknown !== undefined) return `\`${unknown}\` is not known: there are \`station\` and \`since\``;
  const stations = searchParams.getAll('station').flatMap((text) => text.split(','));
  if (stations.length > STATIONS_MAX) return `more than ${STATIONS_MAX} stations`;
  const wrong = stations.find((station) => !isStation(station));
  if (wrong !== undefined) return 'a station is named `STATION` or `GATEWAY/STATION`';
  const since = searchParams.get('since');
  const sinceMs = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
  if (Number.isNaN(sinceMs)) return '`since` is no time: 2026-01-31T12:30:00Z';
  return {
    bytesOf: ({ gateway, station, receivedMs, bytes }) => {
      if (receivedMs < sinceMs) return undefined;
      const isWanted =
        stations.length === 0 || stations.includes(station) || stations.includes(`${gateway}/${station}`);
      return isWanted ? bytes : undefined;
    },
    droppedOf: (count) => Buffer.from(JSON.stringify({ type: 'dropped', count })),
  };
}

function isStation(text: string): boolean {
  const [match, gateway, station = ''] = STATION.exec(text) ?? [];
  const isName = (name: string): boolean => NAME_PATTERN.test(name.replace(/^_/, ''));
  return match !== undefined && (gateway === undefined || isName(gateway)) && isName(station);
}
