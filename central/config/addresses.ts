import type { Path } from '../../runtime/config/document.ts';
import { keyText } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { type ListenAddress, listenAddress } from '../../runtime/config/values.ts';

type Transport = 'TCP' | 'UDP';

interface Listener {
  readonly path: Path;
  readonly transport: Transport;
  readonly address: ListenAddress;
}

const ANYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Reports an address that two parts of one centre would listen on: the second would end it at its start. */
export function checkAddresses(reader: ConfigReader): void {
  const listeners = listenersIn(reader);
  for (const [index, one] of listeners.entries()) {
    const other = listeners.slice(0, index).find((each) => isSame(each, one));
    if (other === undefined) continue;
    const message = `is where \`${keyText(other.path)}\` in line ${reader.lineOf(other.path)} listens`;
    reader.report(one.path, 'value', message, 'Give each an address of its own.');
  }
}

/** What listens, in the order of the file's lines. */
function listenersIn(reader: ConfigReader): readonly Listener[] {
  const sources = Object.keys(reader.mappingAt(['sources']) ?? {});
  const places: readonly (readonly [Transport, Path])[] = [
    ['TCP', ['ingest', 'mqtt', 'listen']],
    ['TCP', ['ingest', 'http', 'listen']],
    ['TCP', ['metrics', 'listen']],
    ['TCP', ['live', 'listen']],
    ['UDP', ['ingest', 'udp', 'listen']],
    ...sources.map((name) => ['UDP', ['sources', name, 'udp', 'listen']] as const),
    ...sources.map((name) => ['TCP', ['sources', name, 'tcp', 'listen']] as const),
  ];
  const listeners = places.flatMap(([transport, path]): Listener[] => {
    const address = listenAddress().safeParse(reader.valueAt(path));
    // Port 0: the system chooses, and never the same.
    return address.success && address.data.port !== 0 ? [{ path, transport, address: address.data }] : [];
  });
  return listeners.sort((a, b) => reader.lineOf(a.path) - reader.lineOf(b.path));
}

function isSame(a: Listener, b: Listener): boolean {
  if (a.transport !== b.transport || a.address.port !== b.address.port) return false;
  const [one, other] = [hostOf(a), hostOf(b)];
  return one === other || ANYWHERE.has(one) || ANYWHERE.has(other);
}

function hostOf({ address: { host } }: Listener): string {
  return host === 'localhost' ? '127.0.0.1' : host.toLowerCase();
}
