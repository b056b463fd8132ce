import type { MetricValue } from '../../../protocol/record.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { type DeviceMessage, type DeviceTalker, rounded, together } from './device.ts';
import { Walk } from './walk.ts';

export interface LorawanTalkerOptions {
  readonly seed: number;
  readonly startMs: number;
  /** Classrooms, each with an air sensor, a door and some windows; 4 when left out. */
  readonly rooms?: number;
  /** Between two uplinks of one device; ten minutes when left out. */
  readonly periodMs?: number;
  /** One post of an uplink that names all gateways which heard it, or a post for each of them; `once` when left out. */
  readonly posts?: 'once' | 'each';
}

/** A device of a room, as a registry has it. */
export interface LorawanDevice {
  readonly devEui: string;
  readonly profile: 'iaq' | 'porta' | 'finestra';
  readonly classroom: string;
}

const PERIOD_MS = 600_000;
const WINDOWS_MAX = 4;
const GATEWAYS = ['gw-roof', 'gw-yard', 'gw-gym'] as const;
/** Share of the uplinks that a gateway hears beside the first. */
const HEARS = 0.4;
/** Share of the times of a second gateway whose clock was never set: it counts from 1970. */
const CLOCK_OFF = 0.02;
/** Prefixes of two families of devices: air, and doors and windows. */
const PREFIX = { iaq: '24E124', porta: 'A84041', finestra: 'A84041' } as const;

/** All devices of so many rooms of a school; the same for the same seed. */
export function lorawanDevices(seed: number, rooms = 4): readonly LorawanDevice[] {
  const random = new SeededRandom(seed);
  const devices: LorawanDevice[] = [];
  for (let room = 0; room < rooms; room += 1) {
    const classroom = `${1 + Math.floor(room / 5)}${'ABCDE'[room % 5]}`;
    const windows = Array.from({ length: 2 + random.integer(WINDOWS_MAX - 1) }, () => 'finestra' as const);
    for (const profile of ['iaq', 'porta', ...windows] as const) {
      const number = String(devices.length + 1).padStart(10, '0');
      devices.push({ devEui: `${PREFIX[profile]}${number}`, profile, classroom });
    }
  }
  return devices;
}

/**
 * A school's uplinks as a LoRaWAN network server posts them: air with °C, %, ppm, ppb, hPa, a light level and a categorical
 * `pir`; doors and windows with their state, counters and battery. A device speaks about every ten minutes, one to three
 * gateways hear it, and each says its own time.
 */
export function lorawanTalker(options: LorawanTalkerOptions): DeviceTalker {
  const { seed, rooms = 4 } = options;
  const random = new SeededRandom(~seed);
  return together(
    lorawanDevices(seed, rooms).map((device) => uplinks(device, new SeededRandom(random.integer(2 ** 31)), options)),
  );
}

interface Said {
  readonly payload: Readonly<Record<string, MetricValue>>;
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

function* uplinks(device: LorawanDevice, random: SeededRandom, options: LorawanTalkerOptions): DeviceTalker {
  const { startMs, periodMs = PERIOD_MS, posts = 'once' } = options;
  const values = device.profile === 'iaq' ? airOf(random) : openingOf(random, periodMs);
  const phase = random.uniform();
  for (let count = 0; ; count += 1) {
    // A device's clock is poor: up to a twentieth of the period early or late.
    const atMs = startMs + Math.floor((count + 0.05 + 0.9 * phase + 0.1 * (random.uniform() - 0.5)) * periodMs);
    const { payload, metrics } = values();
    const heard = heardOf(random, atMs);
    const truth = [{ sourceId: device.devEui, timestampMs: atMs, metrics }];
    const groups = posts === 'once' ? [heard] : heard.map((one) => [one]);
    for (const GWInfo of groups) {
      const said = {
        DevEui: device.devEui,
        deviceName: `${device.profile} ${device.classroom}`,
        fCnt: count,
        GWInfo,
        parsedPayload: payload,
      };
      const message: DeviceMessage = { atMs, topic: 'live-data', bytes: Buffer.from(JSON.stringify(said)), truth };
      yield message;
    }
  }
}

/** The first heard it at its time, others up to a second later. */
function heardOf(
  random: SeededRandom,
  atMs: number,
): readonly { readonly gwname: string; readonly sendtime: number }[] {
  const first = random.integer(GATEWAYS.length);
  const others = GATEWAYS.filter((_, index) => index !== first && random.uniform() < HEARS);
  const later = others.map((gwname) => {
    const afterMs = random.integer(1000);
    return { gwname, sendtime: random.uniform() < CLOCK_OFF ? 86_400_000 + afterMs : atMs + afterMs };
  });
  return [{ gwname: GATEWAYS[first] as string, sendtime: atMs }, ...later];
}

function airOf(random: SeededRandom): () => Said {
  const temperature = new Walk(random, 17, 27);
  const humidity = new Walk(random, 25, 65);
  const pressure = new Walk(random, 990, 1030);
  const light = new Walk(random, 0, 6);
  const tvoc = new Walk(random, 0, 800);
  let co2 = 450;
  let battery = 100;
  return () => {
    const isUsed = random.uniform() < 0.4;
    // Of those in the room it rises, and without them it falls to that of the air outside.
    co2 += isUsed ? 60 + random.integer(120) : (420 - co2) * 0.3;
    co2 = Math.min(5000, Math.max(400, Math.round(co2)));
    if (random.uniform() < 0.002) battery = Math.max(1, battery - 1);
    const shared = {
      temperature: rounded(temperature.next(), 1),
      humidity: rounded(humidity.next(), 1),
      co2,
      tvoc: Math.round(tvoc.next()),
      pressure: rounded(pressure.next(), 1),
    };
    const level = Math.floor(light.next());
    return {
      payload: { ...shared, light_level: level, pir: isUsed ? 'trigger' : 'idle', battery },
      metrics: { ...shared, x_light_level: level, presence: isUsed, battery_level: battery },
    };
  };
}

function openingOf(random: SeededRandom, periodMs: number): () => Said {
  const voltage = new Walk(random, 2.9, 3.1);
  let times = 0;
  let minutes = 0;
  return () => {
    const opened = random.uniform() < 0.5 ? 0 : random.integer(4);
    const isOpen = random.uniform() < 0.3;
    times += opened;
    if (opened > 0) minutes = random.integer(1 + Math.floor(periodMs / 60_000));
    const alarm = Number(isOpen && minutes >= 9);
    const battery = rounded(voltage.next(), 2);
    return {
      payload: {
        battery_voltage: battery,
        door_status: Number(isOpen),
        door_open_times: times,
        last_open_minutes: minutes,
        alarm,
      },
      metrics: {
        battery_voltage: battery,
        door_open: isOpen,
        x_door_open_times: times,
        x_last_open_minutes: minutes,
        x_alarm: alarm,
      },
    };
  };
}
