import { type Contender, ContenderProcess, median, type Sample } from './harness.ts'
import { type Range, rangeOf } from './range.ts'

/** The slices of one set of processes. */
export interface SetPlan {
  /** Sets of fresh processes. One process differs from the next by several percent on the same code. */
  readonly sets: number
  /** Iterations of a slice: about 20 ms. */
  readonly iterations: number
  /** The first slices of a process: the cold figure. */
  readonly coldSlices: number
  /** Slices after them that do not count. Much code takes many of them to be compiled. */
  readonly warmUpSlices: number
  /** The last slices: the warm figure. */
  readonly warmSlices: number
}

/** A contender, compared with its baseline in each set. */
export interface Compared {
  readonly name: string
  /** Microseconds of CPU per operation when warm, the median of all sets. */
  readonly cpuUs: number
  /** CPU of the warm slices over that of the baseline. */
  readonly warm: Range
  /** CPU of the cold slices over that of the baseline. */
  readonly cold: Range
  /** Microseconds per operation that Sluice reports for itself; `undefined` without a report. */
  readonly toldUs: number | undefined
}

interface SetResult {
  readonly warmUs: number
  readonly coldUs: number
  readonly toldUs: number | undefined
}

/**
 * Measures contenders in lockstep, slice by slice, in several sets of fresh processes. Each round of slices
 * begins with a different contender. The ratios are those of sums, so that garbage collection counts.
 *
 * @param baselineOf - The name of the contender that one is compared with.
 */
export async function measureSets<T extends Contender>(
  contenders: readonly T[],
  baselineOf: (contender: T) => string,
  plan: SetPlan,
): Promise<readonly Compared[]> {
  const sets: (readonly SetResult[])[] = []
  for (let set = 0; set < plan.sets; set += 1) sets.push(await measureSet(contenders, set, plan))
  return contenders.map((contender, at) => {
    const baseline = contenders.findIndex(({ name }) => name === baselineOf(contender))
    const ratios = (key: 'warmUs' | 'coldUs') =>
      rangeOf(sets.map((set) => (set[at]?.[key] ?? Number.NaN) / (set[baseline]?.[key] ?? Number.NaN)))
    const told = sets.flatMap((set) => set[at]?.toldUs ?? [])
    return {
      name: contender.name,
      cpuUs: median(sets.map((set) => set[at]?.warmUs ?? Number.NaN)),
      warm: ratios('warmUs'),
      cold: ratios('coldUs'),
      toldUs: told.length === 0 ? undefined : median(told),
    }
  })
}

async function measureSet(
  contenders: readonly Contender[],
  set: number,
  { iterations, coldSlices, warmUpSlices, warmSlices }: SetPlan,
): Promise<readonly SetResult[]> {
  const processes = contenders.map((contender) => new ContenderProcess(contender))
  await Promise.all(processes.map((child) => child.answer()))
  const samples = processes.map((): Sample[] => [])
  for (let round = 0; round < coldSlices + warmUpSlices + warmSlices; round += 1) {
    for (let turn = 0; turn < processes.length; turn += 1) {
      const at = (turn + round + set) % processes.length
      const sample = await processes[at]?.round(iterations)
      if (sample !== undefined) samples[at]?.push(sample)
    }
  }
  await Promise.all(processes.map((child) => child.end()))
  return samples.map((all) => {
    const warm = all.slice(-warmSlices)
    const times = warm.reduce((sum, { told }) => sum + told.times, 0)
    return {
      warmUs: meanCpuUs(warm),
      coldUs: meanCpuUs(all.slice(0, coldSlices)),
      toldUs: times === 0 ? undefined : (warm.reduce((sum, { told }) => sum + told.ms, 0) * 1_000) / times,
    }
  })
}

function meanCpuUs(samples: readonly Sample[]): number {
  return samples.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / samples.length
}
