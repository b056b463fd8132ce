import type { Log } from '../../runtime/log.ts';
import type { HostSystem } from '../driver.ts';

/** What ModemManager says of the modem. */
export interface ModemReading {
  /** `connected`, `registered`, `searching`, …: MMModemState. */
  readonly state: string | undefined;
  readonly signalDbm: number | undefined;
}

/** How often ModemManager is to ask the modem for its signal, in seconds. */
const REFRESH_S = 30;

/**
 * Received power, in the order of preference: the total power in the channel (RSSI); where the technology has none, that of
 * the reference signals (RSRP).
 */
const POWERS = [
  ['lte', 'rssi'],
  ['umts', 'rssi'],
  ['gsm', 'rssi'],
  ['evdo', 'rssi'],
  ['cdma1x', 'rssi'],
  ['5g', 'rsrp'],
  ['lte', 'rsrp'],
] as const;

/** The first modem of this machine, through ModemManager's own command. */
export class Modem {
  readonly #host: HostSystem;
  readonly #log: Log;
  #hasFailedToAsk = false;

  constructor(host: HostSystem, log: Log) {
    this.#host = host;
    this.#log = log;
  }

  /** Throws `PORT_ABSENT` where there is no ModemManager. */
  async find(signal: AbortSignal): Promise<void> {
    await this.#host.run('mmcli', ['--version'], signal);
  }

  /** Throws `SENSOR_FAILED` where there is no modem, or ModemManager does not run. */
  async read(signal: AbortSignal): Promise<ModemReading> {
    const state = textAt(await this.#ask([], signal), ['generic', 'state']);
    return { state, signalDbm: await this.#power(signal) };
  }

  /** Undefined until the modem has been asked, and where it has no network. */
  async #power(signal: AbortSignal): Promise<number | undefined> {
    const answer = await this.#ask(['--signal-get'], signal);
    if (textAt(answer, ['signal', 'refresh', 'rate']) === '0') await this.#refresh(signal);
    for (const [technology, power] of POWERS) {
      const dbm = decimal(textAt(answer, ['signal', technology, power]));
      if (dbm !== undefined) return dbm;
    }
    return undefined;
  }

  /** ModemManager asks nothing of its own accord, and forgets when the modem is plugged in again. */
  async #refresh(signal: AbortSignal): Promise<void> {
    try {
      await this.#host.run('mmcli', ['-m', 'any', `--signal-setup=${REFRESH_S}`], signal);
      this.#hasFailedToAsk = false;
    } catch (err) {
      signal.throwIfAborted();
      if (!this.#hasFailedToAsk) this.#log.warn({ err }, 'the modem is not asked for its signal');
      this.#hasFailedToAsk = true;
    }
  }

  async #ask(more: readonly string[], signal: AbortSignal): Promise<unknown> {
    const text = await this.#host.run('mmcli', ['-m', 'any', '-J', ...more], signal);
    return (JSON.parse(text) as { readonly modem?: unknown }).modem;
  }
}

/** The text at a path of what mmcli prints; undefined where there is `--`, or nothing. */
function textAt(value: unknown, path: readonly string[]): string | undefined {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return typeof at === 'string' && at !== '' && at !== '--' ? at : undefined;
}

/** With a point or, in some languages, a comma. */
function decimal(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text.replace(',', '.'));
  return Number.isFinite(value) ? value : undefined;
}
