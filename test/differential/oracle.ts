import type { QueryStatsSnapshot } from '@sluice/core'
import fc from 'fast-check'
import { inBuilders } from './builders/in-builders.ts'
import { isWriting, type Program } from './program.ts'
import { programs } from './programs.ts'
import type { Rig } from './rig.ts'
import { Runner } from './run-program.ts'

export interface OracleOptions {
  /** Number of programs to run. */
  readonly runs: number
  /** Equal seeds give equal programs. */
  readonly seed: number
  /** Called after each program that passed. */
  readonly onProgress?: (done: number) => void
  /**
   * Whether the first failing program is shrunk.
   *
   * @defaultValue true
   */
  readonly shrinks?: boolean
}

/** The statistics of Sluice over all programs. */
export interface Effect extends Pick<QueryStatsSnapshot, (typeof COUNTED)[number]> {
  /** Programs that gave different results without Sluice, too. */
  undetermined: number
  /** Statements of builders with Sluice, and without. */
  sent: number
  sentBare: number
}

export function addEffects(left: Effect, right: Effect): Effect {
  const sum = {
    ...left,
    undetermined: left.undetermined + right.undetermined,
    sent: left.sent + right.sent,
    sentBare: left.sentBare + right.sentBare,
  }
  for (const name of COUNTED) sum[name] += right[name]
  return sum
}

export const NO_EFFECT: Effect = {
  seen: 0,
  batched: 0,
  batches: 0,
  cacheHits: 0,
  prefetched: 0,
  replayed: 0,
  executed: 0,
  undetermined: 0,
  sent: 0,
  sentBare: 0,
}

const COUNTED = ['seen', 'batched', 'batches', 'cacheHits', 'prefetched', 'replayed', 'executed'] as const

/**
 * Number of programs after which a new Sluice begins, because a Sluice stops batching groups that failed, and
 * retains much that may be stale.
 */
const PROGRAMS_PER_SLUICE = 10

/**
 * Runs random programs on the plain ORMs and with Sluice, each from the same rows.
 *
 * @throws Error with the shrunk program and the seed at the first difference in a result, an error, or the
 *   rows left behind.
 */
export async function findDifferences(
  rig: Rig,
  { runs, seed, onProgress, shrinks = true }: OracleOptions,
): Promise<Effect> {
  const effect = { ...NO_EFFECT }
  let done = 0
  let hasFailed = false
  const renew = async () => {
    const stats = await rig.renew(!hasFailed)
    if (stats !== undefined) for (const name of COUNTED) effect[name] += stats[name]
  }
  const property = fc.asyncProperty(programsOf(rig), async (program) => {
    // While it shrinks, no program must depend on earlier ones.
    if (hasFailed || done % PROGRAMS_PER_SLUICE === 0) await renew()
    done += 1
    try {
      const compared = await compare(rig, program)
      if (compared.isDetermined) {
        effect.sent += compared.sent
        effect.sentBare += compared.sentBare
      } else effect.undetermined += 1
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

/** In the calls of the builders of the rig, which then are most of the calls. */
function programsOf({ vocabulary, builders }: Rig): fc.Arbitrary<Program> {
  if (builders === undefined) return programs(vocabulary)
  return inBuilders(programs(vocabulary, ['prisma', 'knex', 'knex', 'knex']), builders)
}

interface Compared extends Pick<Effect, 'sent' | 'sentBare'> {
  /** Whether the program has deterministic results without Sluice. */
  readonly isDetermined: boolean
}

async function compare(rig: Rig, program: Program): Promise<Compared> {
  const sluiced = await rig.sluiced()
  rig.bareSent.take()
  sluiced.sent.take()
  const before = sluiced.sluice.queries.getStats()
  const runBare = () =>
    runOnce(rig, program, new Runner(rig.bare, rig.vocabulary, rig.outsiderBeside(sluiced, false)))
  const bare = await runBare()
  const found = await runOnce(
    rig,
    program,
    new Runner(sluiced, rig.vocabulary, rig.outsiderBeside(sluiced, true)),
  )
  const after = sluiced.sluice.queries.getStats()
  const [sent, sentBare] = [sluiced.sent.take(), rig.bareSent.take()]
  if (sluiced.errors.length > 0)
    throw new Error('Sluice failed inside.', { cause: sluiced.errors.splice(0)[0] })
  const problems = [
    ...differences('result', bare.results, found.results),
    ...differences('row', bare.content, found.content),
    ...tooWide(sentBare.widest, sent.widest, sluiced.kind.maxKeys),
    ...(after.errors > before.errors ? [`${after.errors - before.errors} errors inside Sluice`] : []),
    ...(after.unpredictedWrites > before.unpredictedWrites
      ? [`${after.unpredictedWrites - before.unpredictedWrites} writes to tables that were not expected`]
      : []),
  ]
  if (problems.length === 0) return { isDetermined: true, sent: sent.count, sentBare: sentBare.count }
  const again = await runBare()
  // The result depends on a free choice of the database, which differs each time: the program proves nothing.
  if (
    differences('result', bare.results, again.results).length +
      differences('row', bare.content, again.content).length >
    0
  )
    return { isDetermined: false, sent: 0, sentBare: 0 }
  throw new Error(problems.join('\n'))
}

/**
 * A batched query has at most the values of this number of keys, each with as many as the query without
 * Sluice, and a separate limit.
 */
function tooWide(bare: number, found: number, maxKeys = Number.POSITIVE_INFINITY): readonly string[] {
  return found > bare * maxKeys + 1 && bare > 0
    ? [`a select with ${found} values; without Sluice at most ${bare}, keys at most ${maxKeys}`]
    : []
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
