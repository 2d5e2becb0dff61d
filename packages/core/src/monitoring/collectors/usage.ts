import { type EventLoopUtilization, PerformanceObserver, performance } from 'node:perf_hooks'
import { setBackgroundTimeout } from '../../shared/timers.ts'
import { Cgroup, type SystemReaders, type ThrottlePeriods } from './cgroup.ts'

/**
 * Resource usage of the process relative to its limits. A value is `undefined` if it cannot be determined.
 */
export class ProcessUsage {
  readonly #cgroup: Cgroup
  #cpu: { readonly at: number; readonly microseconds: number } | undefined
  #throttling: ThrottlePeriods | undefined

  constructor(private readonly readers: SystemReaders) {
    this.#cgroup = new Cgroup((path) => readers.text(path))
  }

  /**
   * Percent, since the last call.
   *
   * @param now - Milliseconds.
   */
  cpu(now: number): number | undefined {
    const { readers } = this
    const microseconds = readers.cpuMicroseconds()
    const before = this.#cpu
    this.#cpu = { at: now, microseconds }
    if (before === undefined || now <= before.at) return undefined
    const processors = Math.min(readers.processors(), this.#cgroup.cpus() ?? Number.POSITIVE_INFINITY)
    const share = (microseconds - before.microseconds) / 1_000 / (now - before.at) / processors
    // Two clocks are never read at the same time, and a quota can be exceeded briefly.
    return share >= 0 ? Math.min(100, share * 100) : undefined
  }

  /** Percent of the scheduler's periods since the last time in which the group was held back. */
  throttling(): number | undefined {
    const before = this.#throttling
    const now = this.#cgroup.throttling()
    this.#throttling = now
    if (before === undefined || now === undefined) return undefined
    const periods = now.periods - before.periods
    const throttled = now.throttled - before.throttled
    return periods > 0 && throttled >= 0 ? Math.min(100, (throttled / periods) * 100) : undefined
  }

  /** Percent: of a limit what its group takes, otherwise of the machine's memory what the process takes. */
  memory(): number | undefined {
    const { readers } = this
    const total = readers.totalMemory()
    const limited = this.#cgroup.memory(total)
    if (limited !== undefined) return Math.min(100, (limited.used / limited.limit) * 100)
    // Without a limit it is 0, or as much as a number can be.
    const constrained = readers.constrainedMemory()
    const most = constrained > 0 && constrained < total ? constrained : total
    return most > 0 ? Math.min(100, (readers.residentMemory() / most) * 100) : undefined
  }
}

const FILE = '/proc/net/dev'
/** Bits of a byte, by milliseconds: megabits a second. */
const MBPS = 8 / 1_000

/** Total traffic of the network devices, sent and received, without loopback. */
export class NetworkUsage {
  #at = 0
  #bytes: ReadonlyMap<string, number> | undefined

  constructor(private readonly read: SystemReaders['text']) {}

  /**
   * Mbps since the last call; `undefined` if it cannot be determined.
   *
   * @param now - Milliseconds.
   */
  mbps(now: number): number | undefined {
    const before = this.#bytes
    const elapsed = now - this.#at
    const bytes = countersIn(this.read(FILE))
    this.#bytes = bytes
    this.#at = now
    if (before === undefined || bytes === undefined || elapsed <= 0) return undefined
    let sum = 0
    let known = 0
    for (const [device, count] of bytes) {
      const earlier = before.get(device)
      // A device that is new, or whose counter began again.
      if (earlier === undefined || count < earlier) continue
      sum += count - earlier
      known += 1
    }
    return known === 0 ? undefined : (sum / elapsed) * MBPS
  }
}

/** Bytes by device and direction: each counter can restart separately. */
function countersIn(text: string | undefined): ReadonlyMap<string, number> | undefined {
  const counters = new Map<string, number>()
  for (const line of (text ?? '').split('\n')) {
    const [, device, rest = ''] = /^([^\s:]+):(.*)$/.exec(line.trim()) ?? []
    if (device === undefined || device === 'lo') continue
    const fields = rest.trim().split(/\s+/).map(Number)
    const [received, sent] = [fields[0], fields[8]]
    if (received !== undefined && received >= 0) counters.set(`${device} in`, received)
    if (sent !== undefined && sent >= 0) counters.set(`${device} out`, sent)
  }
  return counters.size === 0 ? undefined : counters
}

const SAMPLE_MS = 50

/** How busy the event loop is, and how late. */
export class EventLoopWatch {
  // Not `monitorEventLoopDelay`: it loses a delay that is in progress when it is reset, which is the longest
  // one.
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt = 0
  #before: EventLoopUtilization | undefined

  /**
   * @param now - Milliseconds.
   * @param onDelay - Receives the delay of each sample in milliseconds.
   */
  constructor(
    private readonly now: () => number,
    private readonly onDelay: (ms: number) => void,
  ) {}

  start(): void {
    this.#before = performance.eventLoopUtilization()
    this.#next()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Percent, since the last call. */
  utilization(): number | undefined {
    const before = this.#before
    const now = performance.eventLoopUtilization()
    this.#before = now
    if (before === undefined) return undefined
    const { idle, active, utilization } = performance.eventLoopUtilization(now, before)
    return idle + active > 0 ? Math.min(100, Math.max(0, utilization * 100)) : undefined
  }

  #next(): void {
    this.#dueAt = this.now() + SAMPLE_MS
    this.#timer = setBackgroundTimeout(() => {
      this.onDelay(Math.max(0, this.now() - this.#dueAt))
      this.#next()
    }, SAMPLE_MS)
  }
}

/** Node's types do not contain it. */
const SUPPORTED: readonly string[] =
  (PerformanceObserver as { readonly supportedEntryTypes?: readonly string[] } | undefined)
    ?.supportedEntryTypes ?? []

/** The pauses of the garbage collector. */
export class GcWatch {
  #observer: PerformanceObserver | undefined

  /** @param onPause - Receives each pause in milliseconds. */
  constructor(private readonly onPause: (ms: number) => void) {}

  start(): void {
    // Another runtime may have none of it.
    if (!SUPPORTED.includes('gc')) return
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.onPause(duration)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  stop(): void {
    this.#observer?.disconnect()
    this.#observer = undefined
  }
}
