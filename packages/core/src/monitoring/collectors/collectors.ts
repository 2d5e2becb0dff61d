import { setLongInterval } from '../../shared/timers.ts'
import type { BuiltInMetric } from '../metrics/metric-type.ts'
import type { CountedServer, ResolvedCollectOptions } from './collect-options.ts'
import { EventLoopWatch, GcWatch } from './runtime-watch.ts'
import { type SystemReaders, systemReaders } from './system-readers.ts'
import { NetworkUsage, ProcessUsage } from './usage.ts'

export interface CollectorParts {
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
  readonly #asked = new Set<BuiltInMetric>()

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
    if (diskPath !== false) this.#ask('disk', () => diskUsage(this.#readers, diskPath))
    if (servers.length > 0) this.#ask('connections', () => connectionsOf(servers))
  }

  /** A server that does not respond is not queried again, and does not delay anything else. */
  #ask(metric: BuiltInMetric, read: () => Promise<number | undefined>): void {
    if (this.#asked.has(metric)) return
    this.#asked.add(metric)
    read()
      // It cannot be read here.
      .catch(() => undefined)
      .then((value) => {
        this.#asked.delete(metric)
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
