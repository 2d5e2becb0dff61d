import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'

/**
 * A contender in a benchmark. Each runs in a separate process, so that its effects on the engine do not
 * affect others.
 */
export interface Contender {
  /** Its name for people and for its process. */
  readonly name: string
  /**
   * Relative number of iterations per round: quick operations need more of them to be measured.
   * @defaultValue 1
   */
  readonly pace?: number
  /**
   * `NODE_ENV` of its process.
   * @defaultValue `production`
   */
  readonly environment?: Environment
  /** Creates the operation and the function that ends it. Called only in its own process. */
  open(): Promise<Operation>
}

export type Environment = 'production' | 'development'

export interface Operation {
  run(iterations: number): Promise<void>
  /** The time that Sluice has reported so far for itself. */
  told?(): Told
  close(): Promise<void>
}

/** Reported milliseconds, and the number of measurements. */
interface Told {
  readonly ms: number
  readonly times: number
}

export interface Measured {
  readonly name: string
  /** Microseconds of CPU per operation, the median of all rounds. */
  readonly cpuUs: number
  /** Microseconds of wall-clock time per operation, the median of all rounds. */
  readonly wallUs: number
  /** CPU of each round over that of the first contender in the same round; the median. */
  readonly ratio: number
  /** The same ratio of wall-clock time. */
  readonly wallRatio: number
  /** Microseconds per operation that Sluice reports for itself; `undefined` without a report. */
  readonly toldUs: number | undefined
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
  /** The requested section, if not all of them. */
  readonly only: string | undefined
}

/** @param sections - Parts of the benchmark that can be run alone: `--name`. */
export function benchOptions(sections: readonly string[] = []): BenchOptions {
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    options: Object.fromEntries(['json', 'quick', ...sections].map((name) => [name, flag])),
  })
  return {
    json: values.json === true,
    quick: values.quick === true,
    only: sections.find((name) => values[name] === true),
  }
}

/** One round of one contender. */
export interface Sample {
  readonly cpuUs: number
  readonly wallUs: number
  readonly told: Told
}

const NOTHING_TOLD: Told = { ms: 0, times: 0 }

const CONTENDER = 'SLUICE_BENCH_CONTENDER'

/**
 * Sets `NODE_ENV`, and turns off source maps, which the TypeScript loader turns on: with them, a stack costs
 * several times as much, and their text fills the heap.
 *
 * @param environment - In `development`, ORMs and Sluice capture more call sites.
 */
export function runLikeCompiled(environment: Environment = 'production'): void {
  process.setSourceMapsEnabled(false)
  process.env.NODE_ENV = environment
}

/** In a contender's process: runs rounds on request, and returns only at the end. */
export async function serveContender(contenders: readonly Contender[]): Promise<boolean> {
  const contender = contenders.find(({ name }) => name === process.env[CONTENDER])
  if (contender === undefined) return false
  runLikeCompiled(contender.environment)
  const operation = await contender.open()
  await new Promise<void>((resolve) => {
    process.on('message', (iterations: number) => {
      if (iterations === 0) resolve()
      else sample(operation, iterations).then((measured) => process.send?.(measured))
    })
    process.on('disconnect', resolve)
    process.send?.('ready')
  })
  await operation.close()
  process.disconnect?.()
  return true
}

async function sample(operation: Operation, iterations: number): Promise<Sample> {
  const toldBefore = operation.told?.() ?? NOTHING_TOLD
  const before = process.cpuUsage()
  const startedAt = performance.now()
  await operation.run(iterations)
  const elapsed = performance.now() - startedAt
  const { user, system } = process.cpuUsage(before)
  const told = operation.told?.() ?? NOTHING_TOLD
  return {
    cpuUs: (user + system) / iterations,
    wallUs: (elapsed * 1000) / iterations,
    told: { ms: told.ms - toldBefore.ms, times: told.times - toldBefore.times },
  }
}

/** The process of a contender. Its first answer says that it is open. */
export class ContenderProcess {
  readonly name: string
  readonly #pace: number
  readonly #child
  readonly #answers: ((message: unknown) => void)[] = []

  constructor({ name, pace = 1 }: Contender) {
    this.name = name
    this.#pace = pace
    this.#child = fork(process.argv[1] ?? '', process.argv.slice(2), {
      env: { ...process.env, [CONTENDER]: name },
      execArgv: process.execArgv,
    })
    this.#child.on('message', (message) => this.#answers.shift()?.(message))
    this.#child.on('exit', (code) => {
      if (code !== 0) throw new Error(`The process of "${name}" ended with ${code}.`)
    })
  }

  answer<T>(): Promise<T> {
    return new Promise((resolve) => this.#answers.push(resolve as (message: unknown) => void))
  }

  round(iterations: number): Promise<Sample> {
    const answer = this.answer<Sample>()
    this.#child.send(Math.ceil(iterations * this.#pace))
    return answer
  }

  end(): Promise<unknown> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.send(0)
    return ended
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

const WARM_UP_ROUNDS = 8

/**
 * Measures contenders alternately, round by round, so that a machine that changes its pace changes it for
 * all. Each round begins with a different contender; the first rounds warm up and do not count.
 *
 * @param warmUpRounds - Much code takes many of them to be compiled.
 */
export async function measure(
  contenders: readonly Contender[],
  rounds: number,
  iterations: number,
  warmUpRounds: number = WARM_UP_ROUNDS,
): Promise<Measured[]> {
  const processes = contenders.map((contender) => new ContenderProcess(contender))
  await Promise.all(processes.map((child) => child.answer()))
  const samples = processes.map((): Sample[] => [])
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    for (let turn = 0; turn < processes.length; turn += 1) {
      const at = (turn + Math.abs(round)) % processes.length
      const measured = await processes[at]?.round(iterations)
      if (round >= 0 && measured !== undefined) samples[at]?.push(measured)
    }
  }
  await Promise.all(processes.map((child) => child.end()))
  const base = samples[0] ?? []
  return processes.map(({ name }, at) => ({
    name,
    cpuUs: median((samples[at] ?? []).map(({ cpuUs }) => cpuUs)),
    wallUs: median((samples[at] ?? []).map(({ wallUs }) => wallUs)),
    ratio: median((samples[at] ?? []).map(({ cpuUs }, round) => cpuUs / (base[round]?.cpuUs ?? Number.NaN))),
    wallRatio: median(
      (samples[at] ?? []).map(({ wallUs }, round) => wallUs / (base[round]?.wallUs ?? Number.NaN)),
    ),
    toldUs: toldUs(samples[at] ?? []),
  }))
}

function toldUs(samples: readonly Sample[]): number | undefined {
  const told = samples.flatMap(({ told: { ms, times } }) => (times === 0 ? [] : [(ms * 1_000) / times]))
  return told.length === 0 ? undefined : median(told)
}

export function printTable(title: string, measured: readonly Measured[], figures: readonly Figure[]): void {
  console.log(`\n${title}`)
  for (const { name, cpuUs, wallUs, ratio, toldUs } of measured) {
    const told = toldUs === undefined ? '' : `   ${toldUs.toFixed(2)} µs in Sluice, by its statistics`
    console.log(
      `  ${name.padEnd(34)} ${cpuUs.toFixed(2).padStart(8)} µs CPU ${wallUs.toFixed(2).padStart(8)} µs wall   × ${ratio.toFixed(3)}${told}`,
    )
  }
  for (const { id, value, unit, target, ok } of figures) {
    console.log(
      `  ${ok ? 'met   ' : 'MISSED'} ${id}: ${value.toFixed(2)} ${unit} (target ≤ ${target} ${unit})`,
    )
  }
}
