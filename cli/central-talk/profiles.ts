import { buoyJsonTalker } from '../../sim/talkers/devices/buoy-json.ts';
import type { DeviceTalker } from '../../sim/talkers/devices/device.ts';
import { flatJsonTalker } from '../../sim/talkers/devices/flat-json.ts';
import { linesTalker } from '../../sim/talkers/devices/lines.ts';
import { lorawanTalker } from '../../sim/talkers/devices/lorawan.ts';
import { senmlTalker } from '../../sim/talkers/devices/senml.ts';

/** What `mooring central talk` can speak: the formats of `sources`, and one of them as Python writes it. */
export const TALK_PROFILES = ['senml', 'flat-json', 'python-repr', 'buoy-json', 'lorawan', 'lines'] as const;
export type TalkProfile = (typeof TALK_PROFILES)[number];

export interface ProfileOptions {
  readonly seed: number;
  /** UTC, milliseconds since 1970: when the first message is said. */
  readonly startMs: number;
  /** Stations, buoys, classrooms or groups of four devices; as each profile has it when left out. */
  readonly devices?: number | undefined;
  /** That wall clocks are set to, where the messages name none; as each profile has it when left out. */
  readonly zone?: string | undefined;
}

/** The devices of a profile, without end; the same for the same options. */
export function profileTalker(profile: TalkProfile, { seed, startMs, devices, zone }: ProfileOptions): DeviceTalker {
  const common = { seed, startMs };
  const zoned = zone === undefined ? common : { ...common, zone };
  const count = <Key extends string>(key: Key): { readonly [key in Key]?: number } =>
    (devices === undefined ? {} : { [key]: devices }) as { readonly [key in Key]?: number };
  switch (profile) {
    case 'senml':
      return senmlTalker({ ...common, ...count('instances') });
    case 'flat-json':
      return flatJsonTalker({ ...common, timestamps: true, ...count('stations') });
    case 'python-repr':
      return flatJsonTalker({ ...common, shape: 'python', ...count('stations') });
    case 'buoy-json':
      return buoyJsonTalker({ ...zoned, ...count('buoys') });
    case 'lorawan':
      return lorawanTalker({ ...common, ...count('rooms') });
    case 'lines':
      return linesTalker(zoned);
  }
}
