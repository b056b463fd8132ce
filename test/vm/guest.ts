import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JsonSocket } from './json-socket.ts';

/** Quiet machines need five seconds to boot one; busy ones many times that. */
const BOOT_MS = 180_000;
const COMMAND_MS = 120_000;

export interface GuestOptions {
  /** What `image/build` has made. */
  readonly image: string;
  /** For this guest alone: its disk, sockets and logs. */
  readonly folder: string;
  /** The checkout, read-only in the guest as /project. */
  readonly project: string;
}

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A Debian under QEMU's emulation, with an I²C bus, GPIO chips and a USB serial adapter, all of which the test holds. */
export class Guest {
  readonly #options: GuestOptions;
  readonly #qemu: ChildProcess;
  readonly #ended: Promise<void>;
  #monitor: JsonSocket | undefined;
  #agent: JsonSocket | undefined;
  #hasEnded = false;

  private constructor(options: GuestOptions) {
    this.#options = options;
    const { image, folder } = options;
    const disk = spawnSync(
      'qemu-img',
      ['create', '-q', '-f', 'qcow2', '-b', join(image, 'base.raw'), '-F', 'raw', this.#path('root.qcow2')],
      { encoding: 'utf8' },
    );
    if (disk.status !== 0) throw new Error(`qemu-img: ${disk.stderr}`);
    const log = openSync(this.#path('qemu.log'), 'a');
    // The guest dies with this process, whatever ends it.
    this.#qemu = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...this.#arguments()], {
      stdio: ['ignore', log, log],
      cwd: folder,
    });
    this.#ended = new Promise((resolve) => {
      this.#qemu.once('exit', () => {
        this.#hasEnded = true;
        resolve();
      });
    });
  }

  /** Boots one. Resolves when it is up and has the project mounted. */
  static async boot(options: GuestOptions): Promise<Guest> {
    const guest = new Guest(options);
    await guest.#connect();
    await guest.run('mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose project /project');
    return guest;
  }

  /** A line for the shell. */
  async run(command: string): Promise<Ran> {
    const agent = this.#agent;
    if (agent === undefined) throw new Error('the guest is not up');
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    const { pid } = (await agent.call('guest-exec', {
      ...{ path: '/bin/sh', arg: ['-c', command], 'capture-output': true },
      env: [path, 'HOME=/root', 'LC_ALL=C'],
    })) as { readonly pid: number };
    const untilMs = performance.now() + COMMAND_MS;
    for (;;) {
      const state = (await agent.call('guest-exec-status', { pid })) as ExecStatus;
      if (state.exited) {
        return {
          status: state.exitcode ?? 128 + (state.signal ?? 0),
          out: textOf(state['out-data']),
          err: textOf(state['err-data']),
        };
      }
      if (performance.now() > untilMs) throw new Error(`still running in the guest: ${command}`);
      await sleep(20);
    }
  }

  /** What a command prints; throws where it fails. */
  async output(command: string): Promise<string> {
    const { status, out, err } = await this.run(command);
    if (status !== 0) throw new Error(`in the guest: ${command}: ${status}: ${err}${out}`);
    return out.trim();
  }

  async write(path: string, text: string): Promise<void> {
    const encoded = Buffer.from(text).toString('base64');
    await this.output(`mkdir -p "$(dirname ${path})" && echo ${encoded} | base64 -d > ${path}`);
  }

  /** The test's end of the I²C bus, or of the USB serial adapter. */
  async socket(name: 'i2c' | 'usb'): Promise<Socket> {
    const socket = connect(this.#path(`${name}.sock`));
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  }

  async unplugUsb(): Promise<void> {
    const gone = this.#monitor?.event('DEVICE_DELETED');
    await this.#monitor?.call('device_del', { id: 'adapter' });
    await gone;
  }

  async plugUsb(): Promise<void> {
    await this.#monitor?.call('device_add', {
      ...{ driver: 'usb-serial', bus: 'usb.0', port: '1', chardev: 'usb', id: 'adapter', 'always-plugged': true },
    });
  }

  async end(): Promise<void> {
    this.#qemu.kill('SIGKILL');
    await this.#ended;
    this.#monitor?.end();
    this.#agent?.end();
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }

  #arguments(): string[] {
    const { image, project } = this.#options;
    const socket = (id: string): string[] => [
      '-chardev',
      `socket,id=${id},path=${this.#path(`${id}.sock`)},server=on,wait=off`,
    ];
    const words = 'console=ttyS0 root=/dev/vda panic=-1 quiet loglevel=4 mitigations=off apparmor=0 selinux=0 audit=0';
    return [
      ...['-M', 'pc,usb=off', '-cpu', 'max', '-accel', 'tcg,thread=multi', '-smp', '2', '-m', '1024'],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-kernel', join(image, 'vmlinuz'), '-initrd', join(image, 'initrd.img')],
      ...['-append', `${words} tsc=reliable no_timer_check systemd.show_status=0`],
      ...['-chardev', `file,id=console,path=${this.#path('console.log')}`, '-serial', 'chardev:console'],
      ...['-qmp', `unix:${this.#path('monitor.sock')},server=on,wait=off`],
      ...['-device', 'virtio-serial-pci,id=ports', '-device', 'virtio-rng-pci'],
      ...[...socket('agent'), '-device', 'virtserialport,bus=ports.0,chardev=agent,name=org.qemu.guest_agent.0'],
      ...[...socket('i2c'), '-device', 'virtserialport,bus=ports.0,chardev=i2c,name=i2c'],
      ...['-drive', `if=none,id=root,file=${this.#path('root.qcow2')},format=qcow2,cache=unsafe`],
      ...['-device', 'virtio-blk-pci,drive=root'],
      ...['-virtfs', `local,path=${project},mount_tag=project,security_model=none,readonly=on,multidevs=remap`],
      ...['-device', 'qemu-xhci,id=usb', ...socket('usb')],
      ...['-device', 'usb-serial,bus=usb.0,port=1,chardev=usb,id=adapter,always-plugged=on'],
    ];
  }

  async #connect(): Promise<void> {
    const untilMs = performance.now() + BOOT_MS;
    while (!this.#console().includes('GUEST-READY')) {
      if (this.#hasEnded) throw new Error(`QEMU ended: ${readFileSync(this.#path('qemu.log'), 'utf8')}`);
      if (performance.now() > untilMs) throw new Error(`the guest is not up: ${this.#console().slice(-2000)}`);
      await sleep(50);
    }
    this.#monitor = await JsonSocket.connect(this.#path('monitor.sock'));
    await this.#monitor.call('qmp_capabilities');
    this.#agent = await JsonSocket.connect(this.#path('agent.sock'));
    await this.#agent.call('guest-ping');
  }

  #console(): string {
    try {
      return readFileSync(this.#path('console.log'), 'utf8');
    } catch {
      return '';
    }
  }
}

interface ExecStatus {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly signal?: number;
  readonly 'out-data'?: string;
  readonly 'err-data'?: string;
}

function textOf(encoded: string | undefined): string {
  return encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
}
