import type { AlarmStatus } from '../daemon/alarms/alarm.ts';
import type { AlarmsStatus } from '../daemon/alarms/alarms.ts';
import { ALARM_LEVELS } from '../daemon/alarms/settings.ts';
import type { GatewayConfig } from '../daemon/config/types.ts';
import { controlPathOf } from '../daemon/ops/control-socket.ts';
import { MetricTable } from '../daemon/sampling/metric-table.ts';
import { didYouMean } from '../runtime/config/suggest.ts';
import { gatewayConfigOf } from './config-kind.ts';
import { askGateway } from './control.ts';
import { EXIT } from './failure.ts';
import type { Host } from './host.ts';
import { valueText } from './reading-text.ts';

export interface AlarmsOptions {
  /** Left out: they are shown. */
  readonly action?: 'ack' | 'silence' | undefined;
  /** Of the alarm that is acknowledged or silenced. */
  readonly name?: string | undefined;
  /** Only of this station. */
  readonly station?: string | undefined;
  /** How long it is silenced; left out: as long as it says itself. */
  readonly forMs?: number | undefined;
  readonly json: boolean;
}

type AlarmsHost = Pick<Host, 'clock' | 'streams'>;

/**
 * `mooring alarms -c FILE [ack|silence NAME]`: what the running gateway says of its alarms, as a table or as
 * `{"alarms": […]}`, or one of them acknowledged or silenced. Returns the exit status: 0, or 1 where there is no such
 * alarm. Throws `NOT_RUNNING`.
 */
export async function runAlarms(path: string, options: AlarmsOptions, host: AlarmsHost): Promise<number> {
  const config = gatewayConfigOf(path);
  return options.action === undefined
    ? await show(config, options, host)
    : await act(config, { ...options, action: options.action }, host);
}

async function show(config: GatewayConfig, { station, json }: AlarmsOptions, { clock, streams }: AlarmsHost) {
  const status = await statusOf(config, clock);
  const alarms = status.alarms.filter((alarm) => station === undefined || alarm.station === station);
  if (station !== undefined && alarms.length === 0) {
    streams.err.write(`mooring: there is no alarm for a station ${station}.\n`);
    return EXIT.failure;
  }
  if (json) streams.out.write(`${JSON.stringify({ ...status, alarms })}\n`);
  else streams.out.write(textOf({ ...status, alarms }, new MetricTable(config.metrics)));
  return EXIT.ok;
}

async function act(
  config: GatewayConfig,
  { action, name = '', station, forMs, json }: AlarmsOptions & { readonly action: 'ack' | 'silence' },
  { clock, streams }: AlarmsHost,
): Promise<number> {
  const request = { alarm: name, station, for_ms: forMs };
  const answer = await askGateway(controlPathOf(config.store.path), `alarm_${action}`, clock, request);
  const { known, count } = answer as unknown as { readonly known: boolean; readonly count: number };
  if (json) streams.out.write(`${JSON.stringify({ known, count })}\n`);
  if (!known) {
    const where = station === undefined ? '' : ` of ${station}`;
    const hint = hintFor(name, (await statusOf(config, clock)).alarms);
    streams.err.write(`mooring: there is no alarm ${name}${where}. ${hint}`.trimEnd().concat('\n'));
    return EXIT.failure;
  }
  const done = action === 'ack' ? 'acknowledged' : 'silenced';
  const idle = `${name}: nothing to do: it is not raised, or is acknowledged already`;
  const where = count === 1 ? '' : `, of ${count} stations`;
  if (!json) streams.out.write(count === 0 ? `${idle}\n` : `${name}: ${done}${where}\n`);
  return EXIT.ok;
}

/** What may have been meant. */
function hintFor(name: string, alarms: readonly AlarmStatus[]): string {
  const stations = alarms.filter(({ alarm }) => alarm === name).map(({ station }) => station);
  if (stations.length > 0) return `There is one of: ${stations.join(', ')}.`;
  const names = [...new Set(alarms.map(({ alarm }) => alarm))];
  return didYouMean(name, names) || (names.length === 0 ? '' : `There are: ${names.join(', ')}.`);
}

async function statusOf(config: GatewayConfig, clock: Host['clock']): Promise<AlarmsStatus> {
  const answer = (await askGateway(controlPathOf(config.store.path), 'alarms', clock)) as unknown as AlarmsStatus;
  const { alarms, actuators, buttons } = answer;
  return { alarms, actuators, buttons };
}

const HEADINGS = ['alarm', 'station', 'level', 'state', 'for', 'value'] as const;

/** A line an alarm, those that stand first, the most urgent before the others; then what does not rest or work. */
function textOf({ alarms, actuators, buttons }: AlarmsStatus, metrics: MetricTable): string {
  if (alarms.length === 0) return 'no alarms are configured\n';
  const rows = alarms.toSorted((a, b) => urgencyOf(b) - urgencyOf(a)).map((alarm) => rowOf(alarm, metrics));
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = [HEADINGS, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const others = [
    ...actuators
      .filter(({ state }) => state !== 'rests')
      .map(({ actuator, state, reason }) => `actuator ${actuator} ${ACTUATOR_WORDS[state]}${because(reason)}`),
    ...buttons
      .filter(({ state }) => state !== 'ok')
      .map(({ button, reason }) => `button ${button} has failed${because(reason)}`),
  ];
  return [...lines, ...(others.length === 0 ? [] : ['', ...others])].map((line) => `${line}\n`).join('');
}

const ACTUATOR_WORDS = {
  rests: 'rests',
  plays: 'plays',
  limited: 'rests: it has played as long as it may',
  failed: 'has failed',
} as const;

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}

/** What stands comes before what does not; in each the level decides. */
function urgencyOf({ state, level }: AlarmStatus): number {
  const standing = { raised: 3, latched: 3, acknowledged: 2, pending: 1, normal: 0 }[state];
  return standing * ALARM_LEVELS.length + ALARM_LEVELS.indexOf(level);
}

function rowOf(alarm: AlarmStatus, metrics: MetricTable): string[] {
  const values = Object.entries(alarm.values).map(([metric, value]) => {
    const definition = metrics.definitionOf(metric);
    return `${metric} ${valueText(value, definition)} ${definition?.unit ?? ''}`.trimEnd();
  });
  const silenced = alarm.silenced_s === undefined ? '' : `, silenced for ${durationText(alarm.silenced_s)}`;
  const age = alarm.for_s === undefined ? '' : durationText(alarm.for_s);
  return [alarm.alarm, alarm.station, alarm.level, `${alarm.state}${silenced}`, age, values.join(', ')];
}

/** `42s`, `9m 05s`, `3h 07m`, `5d 02h`: the two largest units. */
function durationText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (count: number): string => String(count).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
  return `${Math.floor(minutes / 1440)}d ${two(Math.floor(minutes / 60) % 24)}h`;
}
