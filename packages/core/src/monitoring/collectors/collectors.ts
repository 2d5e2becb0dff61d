import { hostname } from 'node:os'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { setLongInterval } from '../../shared/timers.ts'
import type { BuiltInMetric } from '../metrics/metric-type.ts'
import { type SystemReaders, systemReaders } from './cgroup.ts'
import { EventLoopWatch, GcWatch, NetworkUsage, ProcessUsage } from './usage.ts'

/** A server whose connections are counted: one of `node:http`, `node:https`, `node:net`. */
interface CountedServer {
  getConnections(callback: (error: Error | null, count: number) => void): unknown
}

export interface CollectOptions {
  /**
   * Milliseconds between two looks. Minimum: `100`.
   * @defaultValue 5000
   */
  readonly intervalMs?: number
  /**
   * Source of the recorded values: 1 to 200 characters.
   * @defaultValue the machine's host name
   */
  readonly source?: string
  /**
   * Path on the measured disk. `false`: no disk is measured.
   * @defaultValue the working directory
   */
  readonly diskPath?: string | false
  /**
   * Servers whose connections are counted together.
   * @defaultValue none
   */
  readonly servers?: readonly CountedServer[]
}

type ResolvedCollectOptions = Required<CollectOptions>

const text = (max: number): OptionRule => ({
  expected: `a string of 1 to ${max} characters`,
  accepts: (value) => typeof value === 'string' && value !== '' && value.length <= max,
})

const rules: Readonly<Record<keyof CollectOptions, OptionRule>> = {
  // Longer than what a timer can wait, it would be none.
  intervalMs: option.number(100, 2_147_483_647),
  source: text(200),
  diskPath: option.either(option.false, text(4_096)),
  servers: {
    expected: 'an array of servers',
    accepts: (value) =>
      Array.isArray(value) &&
      value.every((one) => typeof (one as CountedServer | null)?.getConnections === 'function'),
  },
}

/** @throws InvalidOptionError. */
export function checkCollectOptions(options: CollectOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
}

/** @throws InvalidOptionError. */
export function resolveCollectOptions(options: CollectOptions): ResolvedCollectOptions {
  checkCollectOptions(options)
  const {
    intervalMs = 5_000,
    source = hostname().slice(0, 200) || 'local',
    diskPath = process.cwd(),
    servers = [],
  } = options
  return { intervalMs, source, diskPath, servers }
}

interface CollectorParts {
  readonly now: () => number
  readonly record: (metric: BuiltInMetric, value: number, source: string) => void
  readonly meter: (metric: BuiltInMetric, source: string) => { record(value: number): void }
  /** Receives errors. Values that are not available on this machine are omitted, and are not errors. */
  readonly onError: (error: unknown) => void
  readonly readers: SystemReaders | undefined
}

/** Looks at the process and its host at an interval, without keeping the process alive. */
export class Collectors {
  readonly #readers: SystemReaders
  readonly #usage: ProcessUsage
  readonly #network: NetworkUsage
  readonly #eventLoop: EventLoopWatch
  readonly #gc: GcWatch
  #timer: ReturnType<typeof setInterval> | undefined
  readonly #pending = new Set<BuiltInMetric>()

  constructor(
    private readonly options: ResolvedCollectOptions,
    private readonly parts: CollectorParts,
  ) {
    const { source } = options
    this.#readers = parts.readers ?? systemReaders
    this.#usage = new ProcessUsage(this.#readers)
    this.#network = new NetworkUsage((path) => this.#readers.text(path))
    const delays = parts.meter('eventLoopDelay', source)
    const pauses = parts.meter('gcPause', source)
    this.#eventLoop = new EventLoopWatch(parts.now, (ms) => delays.record(ms))
    this.#gc = new GcWatch((ms) => pauses.record(ms))
  }

  /** Collects immediately; differences are available from the second collection. */
  start(): void {
    this.#eventLoop.start()
    this.#gc.start()
    this.#timer = setLongInterval(() => this.look(), this.options.intervalMs)
    this.#timer.unref()
    this.look()
  }

  /** Stops. Collections in flight are not recorded. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#eventLoop.stop()
    this.#gc.stop()
  }

  /** Records what things are like now. */
  look(): void {
    const now = this.parts.now()
    this.#record('cpu', () => this.#usage.cpu(now))
    this.#record('cpuThrottling', () => this.#usage.throttling())
    this.#record('memory', () => this.#usage.memory())
    this.#record('network', () => this.#network.mbps(now))
    this.#record('eventLoopUtilization', () => this.#eventLoop.utilization())
    const { diskPath, servers } = this.options
    if (diskPath !== false) this.#collect('disk', () => diskUsage(this.#readers, diskPath))
    if (servers.length > 0) this.#collect('connections', () => connectionsOf(servers))
  }

  /** A server that does not respond is not queried again, and does not delay anything else. */
  #collect(metric: BuiltInMetric, read: () => Promise<number | undefined>): void {
    if (this.#pending.has(metric)) return
    this.#pending.add(metric)
    read()
      // It cannot be read here.
      .catch(() => undefined)
      .then((value) => {
        this.#pending.delete(metric)
        this.#record(metric, () => value)
      })
  }

  #record(metric: BuiltInMetric, read: () => number | undefined): void {
    try {
      const value = read()
      if (this.#timer !== undefined && value !== undefined && Number.isFinite(value))
        this.parts.record(metric, value, this.options.source)
    } catch (error) {
      this.parts.onError(error)
    }
  }
}

/** Percent, as in `df`. */
async function diskUsage(readers: SystemReaders, path: string): Promise<number | undefined> {
  const { blocks, bfree, bavail } = await readers.disk(path)
  const used = blocks - bfree
  return used >= 0 && used + bavail > 0 ? (used / (used + bavail)) * 100 : undefined
}

async function connectionsOf(servers: readonly CountedServer[]): Promise<number> {
  const counts = await Promise.all(servers.map(countOf))
  return counts.reduce((sum, count) => sum + count, 0)
}

function countOf(server: CountedServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => {
      if (error) reject(error)
      else resolve(count)
    })
  })
}
