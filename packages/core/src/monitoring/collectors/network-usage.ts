import type { SystemReaders } from './system-readers.ts'

const FILE = '/proc/net/dev'
/** Bits of a byte, by milliseconds: megabits a second. */
const MBPS = 8 / 1_000

/** What the network devices send and receive together, the loopback left out. */
export class NetworkUsage {
  #at = 0
  #bytes: ReadonlyMap<string, number> | undefined

  constructor(private readonly read: SystemReaders['text']) {}

  /** Mbps since the last time that it was asked for; `undefined` where that cannot be told. @param now - Milliseconds. */
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

/** Bytes by device and direction: each may begin again by itself. */
function countersIn(text: string | undefined): ReadonlyMap<string, number> | undefined {
  const counters = new Map<string, number>()
  for (const line of (text ?? '').split('\n')) {
    const [, device, rest = ''] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? []
    if (device === undefined || device === 'lo') continue
    const fields = rest.split(/\s+/).map(Number)
    const [received, sent] = [fields[0], fields[8]]
    if (received !== undefined && received >= 0) counters.set(`${device} in`, received)
    if (sent !== undefined && sent >= 0) counters.set(`${device} out`, sent)
  }
  return counters.size === 0 ? undefined : counters
}
