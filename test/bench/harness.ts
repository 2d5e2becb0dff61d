import { parseArgs } from 'node:util'

/** One thing to measure, repeatedly: an operation and how often to run it in a round. */
export interface Contender {
  readonly name: string
  run(iterations: number): Promise<void>
}

export interface Measured {
  readonly name: string
  /** Microseconds of CPU an operation, the median of all rounds. */
  readonly cpuUs: number
  /** Microseconds on the wall an operation, the median of all rounds. */
  readonly wallUs: number
  /** CPU of each round over that of the first contender in the same round; the median. */
  readonly ratio: number
}

export interface Figure {
  readonly area: string
  readonly id: string
  readonly value: number
  readonly unit: string
  readonly target: number
  readonly ok: boolean
  readonly against: Readonly<Record<string, number>>
}

export interface BenchOptions {
  readonly json: boolean
  readonly quick: boolean
}

export function benchOptions(): BenchOptions {
  const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } } })
  return values
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * Measures contenders in turn, round by round, so that a machine that changes its pace changes it for all.
 * Each round begins with another contender; the first rounds warm up and do not count.
 */
export async function measure(contenders: readonly Contender[], rounds: number, iterations: number, warmUp = 5): Promise<Measured[]> {
  const cpu = contenders.map((): number[] => [])
  const wall = contenders.map((): number[] => [])
  for (let round = -warmUp; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const at = (turn + Math.abs(round)) % contenders.length
      const cpuBefore = process.cpuUsage()
      const before = performance.now()
      await contenders[at]?.run(iterations)
      const elapsed = performance.now() - before
      const { user, system } = process.cpuUsage(cpuBefore)
      if (round < 0) continue
      cpu[at]?.push((user + system) / iterations)
      wall[at]?.push((elapsed * 1000) / iterations)
    }
  }
  const base = cpu[0] ?? []
  return contenders.map(({ name }, at) => ({
    name,
    cpuUs: median(cpu[at] ?? []),
    wallUs: median(wall[at] ?? []),
    ratio: median((cpu[at] ?? []).map((value, round) => value / (base[round] ?? Number.NaN))),
  }))
}

export function printTable(title: string, measured: readonly Measured[], figures: readonly Figure[]): void {
  console.log(`\n${title}`)
  for (const { name, cpuUs, wallUs, ratio } of measured) {
    console.log(`  ${name.padEnd(34)} ${cpuUs.toFixed(2).padStart(8)} µs CPU ${wallUs.toFixed(2).padStart(8)} µs wall   × ${ratio.toFixed(3)}`)
  }
  for (const { id, value, unit, target, ok } of figures) {
    console.log(`  ${ok ? 'met   ' : 'MISSED'} ${id}: ${value.toFixed(2)} ${unit} (target ≤ ${target} ${unit})`)
  }
}
