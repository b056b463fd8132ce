import { stripVTControlCharacters, styleText } from 'node:util';
import { metricNamed } from '../../protocol/metrics.ts';
import type { Flag, MetricValue, Observation } from '../../protocol/record.ts';
import { FLAG_NAMES, placeText, valueText } from '../reading-text.ts';

/** What the live view shows: one moment of the gateway and of the centre. */
export interface DemoSnapshot {
  readonly gateway: string;
  readonly stations: readonly { readonly name: string; readonly latest?: Observation }[];
  readonly link: {
    readonly url: string;
    readonly up: boolean;
    readonly acksPerSecond: number;
    /** Since the last ack, where there was one. */
    readonly lastAckAgeMs?: number;
  };
  readonly buffer: {
    readonly pending: number;
    readonly records: number;
    readonly bytes: number;
    readonly bytesMax: number;
  };
  readonly centre: { readonly stored: number; readonly rejected: number };
  /** Between ingest and sinks, where there is one. */
  readonly kafka?: { readonly broker: string; readonly topic: string; readonly up: boolean };
  readonly paths: { readonly store: string; readonly records: string; readonly acks: string };
}

const CELL_WIDTH = 38;
const NAME_WIDTH = 20;

/** The whole screen: no line longer than `columns`, no more than `rows` of them. The last lines are the last to give way. */
export function frameOf(snapshot: DemoSnapshot, columns: number, rows: number): string[] {
  const top = styleText('bold', `mooring demo · gateway ${snapshot.gateway}`);
  const perRow = Math.max(1, Math.floor((columns - 2) / CELL_WIDTH));
  const stations = snapshot.stations.map(({ name, latest }) => stationBlock(name, latest, perRow));
  const paths = pathLines(snapshot);
  const end = styleText('dim', 'Ctrl-C ends. The next start goes on with the same store.');
  const spaced = [top, '', ...stations.flatMap((station) => [...cutTo(station, Infinity), '']), ...paths, '', end];
  const around = [top, ...paths, end].length;
  const lines = spaced.length <= rows ? spaced : [top, ...allCutTo(stations, rows - around), ...paths, end];
  return lines.slice(-rows).map((line) => clip(line, columns));
}

/** The way that the records go. */
function pathLines({ link, buffer, centre, kafka, paths }: DemoSnapshot): string[] {
  const age = link.lastAckAgeMs === undefined ? 'no ack yet' : `last ack ${seconds(link.lastAckAgeMs)} ago`;
  return [
    label('link', `${stateText(link)} · ${link.url} · ${link.acksPerSecond.toFixed(1)} acks/s · ${age}`),
    label('buffer', `${bufferText(buffer)} · ${paths.store}`),
    ...(kafka === undefined ? [] : [label('kafka', `${stateText(kafka)} · ${kafka.broker} · ${kafka.topic}`)]),
    label('centre', `${centre.stored} records stored since the start, ${centre.rejected} rejected · ${paths.records}`),
    label('acks', paths.acks),
  ];
}

function stateText({ up }: { readonly up: boolean }): string {
  return up ? styleText('green', 'up') : styleText('red', 'down');
}

interface StationBlock {
  readonly title: string;
  /** Readings, as many as stand beside each other. */
  readonly rows: readonly (readonly string[])[];
}

/** Stations, all cut to the same height: they have `lines` lines together, or their titles where that is too few. */
function allCutTo(stations: readonly StationBlock[], lines: number): string[] {
  let height = Math.max(1, ...stations.map(({ rows }) => 1 + rows.length));
  let cut = stations.flatMap((station) => cutTo(station, height));
  while (cut.length > lines && height > 1) {
    height -= 1;
    cut = stations.flatMap((station) => cutTo(station, height));
  }
  return cut;
}

/** A station's title and as much below it as makes `height` lines. */
function cutTo({ title, rows }: StationBlock, height: number): string[] {
  const inWords = (row: readonly string[]): string => `  ${row.join('')}`;
  if (rows.length < height) return [title, ...rows.map(inWords)];
  if (height < 2) return [title];
  const shown = rows.slice(0, height - 2);
  return [title, ...shown.map(inWords), `  … ${rows.slice(shown.length).flat().length} more`];
}

/** The same moment as plain lines for a log. */
export function plainLinesOf(snapshot: DemoSnapshot): string[] {
  const { link, buffer, centre, kafka } = snapshot;
  const lines = snapshot.stations.flatMap(({ name, latest }) =>
    latest === undefined
      ? []
      : [`${new Date(latest.timestampMs).toISOString()} ${name} ${cellsOf(latest).map(plainCell).join(' ')}`],
  );
  const stateOf = ({ up }: { readonly up: boolean }): string => (up ? 'up' : 'down');
  const log = kafka === undefined ? '' : ` kafka=${stateOf(kafka)}`;
  lines.push(
    `link=${stateOf(link)}${log} acks_per_second=${link.acksPerSecond.toFixed(1)} pending=${buffer.pending} kept=${buffer.records} stored_since_start=${centre.stored}`,
  );
  return lines;
}

interface Cell {
  readonly name: string;
  readonly value: MetricValue | undefined;
  readonly unit: string;
  readonly flag: Flag;
}

function cellsOf(observation: Observation): Cell[] {
  const names = new Set([...Object.keys(observation.metrics), ...Object.keys(observation.flags)]);
  return [...names].map((name) => ({
    name,
    value: observation.metrics[name],
    unit: metricNamed(name)?.unit ?? '',
    flag: observation.flags[name] ?? 1,
  }));
}

function plainCell(cell: Cell): string {
  const flag = cell.flag === 1 ? '' : `(${FLAG_NAMES[cell.flag]})`;
  return `${cell.name}=${cell.value ?? ''}${cell.value === undefined ? '' : cell.unit}${flag}`;
}

function stationBlock(name: string, latest: Observation | undefined, perRow: number): StationBlock {
  if (latest === undefined) return { title: styleText('cyan', name), rows: [['no record yet']] };
  const time = new Date(latest.timestampMs).toISOString().slice(11, 19);
  const place = latest.location === undefined ? '' : ` · ${placeText(latest.location)}`;
  const cells = cellsOf(latest).map(screenCell);
  const rows: string[][] = [];
  for (let index = 0; index < cells.length; index += perRow) rows.push(cells.slice(index, index + perRow));
  return { title: `${styleText('cyan', name)}  ${time}Z · clock ${latest.clock}${place}`, rows };
}

function screenCell(cell: Cell): string {
  const unit = cell.value === undefined ? '' : ` ${cell.unit}`;
  const text = `${valueText(cell.value, metricNamed(cell.name))}${unit}`;
  const flag = cell.flag === 1 ? '' : styleText('yellow', ` ${cell.flag} ${FLAG_NAMES[cell.flag]}`);
  return padEnd(`${cell.name.padEnd(NAME_WIDTH)} ${text}${flag}`, CELL_WIDTH);
}

function bufferText({ pending, records, bytes, bytesMax }: DemoSnapshot['buffer']): string {
  return `${pending} pending, ${records} kept, ${sizeText(bytes)} of ${sizeText(bytesMax)}`;
}

function label(name: string, text: string): string {
  return `${styleText('dim', name.padEnd(8))}${text}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function sizeText(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.round(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(1, width - stripVTControlCharacters(text).length));
}

/** Cuts a line at the screen's edge; a styled line that is too long loses its style rather than its end code. */
function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, Math.max(0, columns - 1))}…`;
}
