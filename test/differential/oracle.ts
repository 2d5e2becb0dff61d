import type { QueryStatsSnapshot } from '@sluice/core'
import fc from 'fast-check'
import { isWriting, type Program } from './program.ts'
import { programs } from './programs.ts'
import type { Rig } from './rig.ts'
import { Runner } from './run-program.ts'

export interface OracleOptions {
  /** Programs to run. */
  readonly runs: number
  /** Equal seeds give equal programs. */
  readonly seed: number
  /** Told after each program that passed. */
  readonly onProgress?: (done: number) => void
  /** Whether the first program that fails is made as small as it can be. @defaultValue true */
  readonly shrinks?: boolean
}

/** What Sluice did over all programs. */
export interface Effect extends Pick<QueryStatsSnapshot, (typeof COUNTED)[number]> {
  /** Programs that gave different results without Sluice, too. */
  undetermined: number
}

export function addEffects(left: Effect, right: Effect): Effect {
  const sum = { ...left, undetermined: left.undetermined + right.undetermined }
  for (const name of COUNTED) sum[name] += right[name]
  return sum
}

export const NO_EFFECT: Effect = { seen: 0, merged: 0, batches: 0, answered: 0, prefetched: 0, replayed: 0, executed: 0, undetermined: 0 }

const COUNTED = ['seen', 'merged', 'batches', 'answered', 'prefetched', 'replayed', 'executed'] as const

/** After so many programs a new Sluice begins: it forgets groups that failed, and keeps much that may be stale until then. */
const PROGRAMS_PER_SLUICE = 10

/**
 * Runs random programs on the bare ORMs and with Sluice, each from the same rows.
 *
 * @throws Error with the shrunk program and the seed at the first difference in a result, an error, or the rows left behind.
 */
export async function findDifferences(rig: Rig, { runs, seed, onProgress, shrinks = true }: OracleOptions): Promise<Effect> {
  const effect = { ...NO_EFFECT }
  let done = 0
  let hasFailed = false
  const renew = async () => {
    const stats = await rig.renew(!hasFailed)
    if (stats !== undefined) for (const name of COUNTED) effect[name] += stats[name]
  }
  const property = fc.asyncProperty(programs(rig.vocabulary), async (program) => {
    // While it shrinks, no program must depend on those before it.
    if (hasFailed || done % PROGRAMS_PER_SLUICE === 0) await renew()
    done += 1
    try {
      const isDetermined = await compare(rig, program)
      if (!isDetermined) effect.undetermined += 1
    } catch (error) {
      hasFailed = true
      throw error
    }
    if (!hasFailed) onProgress?.(done)
  })
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: !shrinks })
  await renew()
  return effect
}

/** Whether the bare ORM determines the program's results. */
async function compare(rig: Rig, program: Program): Promise<boolean> {
  const sluiced = await rig.sluiced()
  rig.bareWidest.taken()
  sluiced.widest.taken()
  const before = sluiced.sluice.queries.getStats()
  const runBare = () => runOnce(rig, program, new Runner(rig.bare, rig.vocabulary, rig.outsiderBeside(sluiced, false)))
  const bare = await runBare()
  const found = await runOnce(rig, program, new Runner(sluiced, rig.vocabulary, rig.outsiderBeside(sluiced, true)))
  const after = sluiced.sluice.queries.getStats()
  if (sluiced.errors.length > 0) throw new Error('Sluice failed inside.', { cause: sluiced.errors.splice(0)[0] })
  const problems = [
    ...differences('result', bare.results, found.results),
    ...differences('row', bare.content, found.content),
    ...tooWide(rig.bareWidest.taken(), sluiced.widest.taken(), sluiced.kind.maxKeys),
    ...(after.errors > before.errors ? [`${after.errors - before.errors} errors inside Sluice`] : []),
    ...(after.touchMisses > before.touchMisses
      ? [`${after.touchMisses - before.touchMisses} writes to tables that were not expected`]
      : []),
  ]
  if (problems.length === 0) return true
  const again = await runBare()
  // The bare ORM's own choice decides, and it chooses otherwise each time: the program tells nothing.
  if (differences('result', bare.results, again.results).length + differences('row', bare.content, again.content).length > 0) return false
  throw new Error(problems.join('\n'))
}

/** A merged query carries the values of so many keys at most, each with as many as the bare query has, and a limit of its own. */
function tooWide(bare: number, found: number, maxKeys = Number.POSITIVE_INFINITY): readonly string[] {
  return found > bare * maxKeys + 1 && bare > 0 ? [`a select with ${found} values; bare at most ${bare}, keys at most ${maxKeys}`] : []
}

interface Outcome {
  readonly results: readonly string[]
  readonly content: readonly string[]
}

async function runOnce(rig: Rig, program: Program, runner: Runner): Promise<Outcome> {
  if (!isWriting(program)) return { results: await runner.run(program), content: [] }
  try {
    return { results: await runner.run(program), content: await rig.content() }
  } finally {
    await rig.reset()
  }
}

function differences(what: string, bare: readonly string[], found: readonly string[]): string[] {
  const texts: string[] = []
  for (let at = 0; at < Math.max(bare.length, found.length); at++) {
    if (bare[at] !== found[at]) texts.push(`${what} ${at}:\n  bare:   ${bare[at]}\n  Sluice: ${found[at]}`)
  }
  return texts.slice(0, 5)
}
