import { hash } from 'node:crypto';
import { BOUNDS, type Info, type JsonValue } from '../../../protocol/record.ts';
import { envelopeInfo } from '../envelope-info.ts';
import { entriesOf, fieldOf, type JsonObject, jsonOf, objectOf, sourceIdOf } from '../foreign-json.ts';
import { anyTimeOf, epochTimeOf, type ForeignTime } from '../foreign-time.ts';
import type { ForeignMessage, Format, Parsed, Reading, RefusedPart } from '../format.ts';
import { MeasureGroup } from '../measure-group.ts';
import { type MetricTable, metricTable } from '../metric-names.ts';
import { parsedOf, refusedPart } from '../refuse.ts';
import { isClockOff, uplinkTimeOf } from './uplink-time.ts';

/** A light level is a step of the device's own and no lux: it stays `x_light_level`. */
const METRICS = {
  temperature: 'temperature',
  humidity: 'humidity',
  pressure: 'pressure',
  co2: 'co2',
  tvoc: 'tvoc',
  battery: 'battery_level',
  battery_voltage: 'battery_voltage',
  door_status: { to: ['door_open'], values: { open: true, close: false, closed: false } },
  presence: 'presence',
} as const;

/** What a passive infrared sensor says, and what it has seen. */
const PIR_STATES: ReadonlyMap<string, boolean> = new Map([
  ['idle', false],
  ['trigger', true],
]);
const FRAME_COUNTER = /^f_?cnt(_?up)?$/i;
const OWN_KEYS: ReadonlySet<string> = new Set(['DevEui', 'deviceName', 'GWInfo', 'parsedPayload']);
const GATEWAYS_MAX = 32;

export interface LorawanOptions {
  /** Names under `parsedPayload` → metrics, beyond and before the format's own. */
  readonly metrics?: Readonly<Record<string, string>>;
}

/**
 * An uplink as a LoRaWAN network server posts it: `DevEui`, `deviceName`, `GWInfo[]` with `gwname` and `sendtime` (epoch,
 * milliseconds) of each gateway that heard it, and values in `parsedPayload`. The time is `uplinkTimeOf` those of the
 * gateways; the id follows from device, time, frame counter and values, not from who heard it.
 */
export class LorawanFormat implements Format {
  readonly name = 'lorawan';
  readonly #table: MetricTable;

  constructor({ metrics = {} }: LorawanOptions = {}) {
    this.#table = metricTable({ ...METRICS, ...metrics });
  }

  parse({ bytes }: ForeignMessage): Parsed {
    const message = objectOf(jsonOf(bytes), '');
    const sourceId = sourceIdOf(fieldOf(message, 'DevEui'), 'DevEui');
    const payload = objectOf(fieldOf(message, 'parsedPayload'), 'parsedPayload');
    const refused: RefusedPart[] = [];
    const { group, info } = valuesOf(payload, new MeasureGroup(this.#table, refused));
    const heard = heardOf(fieldOf(message, 'GWInfo'), refused);
    const frame = frameCounterOf(message);
    const others = othersOf(message);
    const reading = group.reading({
      sourceId,
      timestampMs: heard.timestampMs,
      info: {
        ...nameOf(message),
        ...(frame === undefined ? {} : { frame_counter: frame }),
        ...heard.info,
        ...info,
        ...(Object.keys(others).length === 0 ? {} : { uplink: others }),
      },
    });
    // Without a time and a number nothing tells a further uplink that says the same from a copy.
    const isNamed = heard.timestampMs !== undefined || frame !== undefined;
    const named = isNamed ? { ...reading, identity: identityOf(reading) } : reading;
    return parsedOf(group.isEmpty ? [] : [named], refused);
  }
}

/** What is the same in every copy of an uplink, whichever gateway it came by. */
export function uplinkContentOf({ metrics, missing, info }: Reading): string {
  const entries = Object.entries(metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  const said = [entries, [...(missing ?? [])].sort(), info?.frame_counter ?? null, info?.pir ?? null];
  return hash('sha256', JSON.stringify(said));
}

function identityOf(reading: Reading): string {
  return `${reading.timestampMs ?? 'no time'} ${uplinkContentOf(reading)}`;
}

function valuesOf(payload: JsonObject, group: MeasureGroup): { readonly group: MeasureGroup; readonly info: Info } {
  let info: Info = {};
  for (const [name, value] of entriesOf(payload)) {
    const at = `parsedPayload.${name}`;
    const seen = name === 'pir' && typeof value === 'string' ? PIR_STATES.get(value.trim().toLowerCase()) : undefined;
    if (seen === undefined) {
      group.add({ name, value, at });
    } else if (group.add({ name: 'presence', value: seen, at })) {
      info = { pir: (value as string).trim() };
    }
  }
  return { group, info };
}

interface Gateway {
  readonly name: string;
  readonly timeMs: number | undefined;
}

interface Heard {
  readonly timestampMs: number | undefined;
  readonly info: Info;
}

/** Who heard it, in the order of their names, and when. */
function heardOf(value: JsonValue | undefined, refused: RefusedPart[]): Heard {
  const list = value === undefined || value === null ? [] : value;
  const gateways: Gateway[] = [];
  if (!Array.isArray(list)) {
    refused.push({ text: 'GWInfo', reason: 'GWInfo is no list' });
    return { timestampMs: undefined, info: {} };
  }
  for (const [index, gateway] of (list as readonly JsonValue[]).entries()) {
    try {
      const at = `GWInfo[${index}]`;
      const fields = objectOf(gateway, at);
      const name = fieldOf(fields, 'gwname');
      gateways.push({
        name: typeof name === 'string' && name.length <= BOUNDS.textBytes ? name.toWellFormed() : '',
        timeMs: sendTimeOf(fieldOf(fields, 'sendtime'), `${at}.sendtime`)?.timestampMs,
      });
    } catch (error) {
      refused.push(refusedPart(JSON.stringify(gateway), error));
    }
  }
  // In an order of their own before it is cut, so that the order in which they stand there is nothing of the id.
  const counted = gateways.sort(byName).slice(0, GATEWAYS_MAX);
  const timestampMs = uplinkTimeOf(counted.flatMap(({ timeMs }) => (timeMs === undefined ? [] : [timeMs])));
  const off = counted.filter(({ timeMs }) => timeMs !== undefined && isClockOff(timeMs, timestampMs));
  return { timestampMs, info: { ...namesInfo('gateways', counted), ...namesInfo('gateways_clock_off', off) } };
}

function byName(a: Gateway, b: Gateway): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return (a.timeMs ?? 0) - (b.timeMs ?? 0);
}

/** A gateway whose clock was never set is no error: `uplinkTimeOf` passes it by. */
function sendTimeOf(value: JsonValue | undefined, at: string): ForeignTime | undefined {
  return typeof value === 'number' ? epochTimeOf(value, at) : anyTimeOf(value, at, undefined);
}

function namesInfo(key: string, gateways: readonly { readonly name: string }[]): Info {
  const names = [...new Set(gateways.map(({ name }) => name).filter((name) => name !== ''))].sort();
  return names.length === 0 ? {} : { [key]: names };
}

function nameOf(message: JsonObject): Info {
  const name = fieldOf(message, 'deviceName');
  const isName = typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= BOUNDS.infoTextBytes;
  return isName ? { device_name: name.toWellFormed() } : {};
}

function frameCounterOf(message: JsonObject): number | undefined {
  const found = entriesOf(message).find(([key, value]) => FRAME_COUNTER.test(key) && Number.isSafeInteger(value));
  return found?.[1] as number | undefined;
}

/** Whatever else the network server says of the uplink as a plain value. */
function othersOf(message: JsonObject): Record<string, JsonValue> {
  const counters = Object.keys(message).filter((key) => FRAME_COUNTER.test(key));
  return envelopeInfo(message, new Set([...OWN_KEYS, ...counters]));
}
