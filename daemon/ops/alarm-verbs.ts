import type { Alarms } from '../alarms/alarms.ts';
import type { ControlVerb } from './control-socket.ts';

/** What a technician may do to alarms: answers with how many it was done to, and whether there is such an alarm at all. */
export function alarmVerbs(alarms: Alarms): Readonly<Record<string, ControlVerb>> {
  const chosen = ({ alarm, station }: Request) => ({ alarm: textOf(alarm), station: textOf(station) });
  return {
    alarms: () => alarms.status(),
    alarm_ack: (request) => {
      const choice = chosen(request);
      return { known: alarms.has(choice), count: alarms.acknowledge(choice) };
    },
    alarm_silence: (request) => {
      const choice = chosen(request);
      const forMs = typeof request.for_ms === 'number' && request.for_ms > 0 ? request.for_ms : undefined;
      return { known: alarms.has(choice), count: alarms.silence({ ...choice, forMs }) };
    },
  };
}

type Request = Readonly<Record<string, unknown>>;

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
