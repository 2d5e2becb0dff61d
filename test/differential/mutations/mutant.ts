// Runs the oracle on sources that `register.mjs` has changed, until there is a difference. Writes one line of
// JSON.
import type { Dialect } from '@sluice/core'
import { findDifferences } from '../oracle.ts'
import { openPlaces } from '../places.ts'
import type { BuilderOrm } from '../program.ts'
import { Rig } from '../rig.ts'
import { SCHEMAS, schemaAt } from '../schemas/plan.ts'
import { randomSubject } from '../schemas/random-subject.ts'

/** Programs on one schema before switching to the next. */
const ROUND = 10
const MUTATED = Symbol.for('sluice.mutated')

/** The result of a mutant. */
export interface MutantReport {
  /** Number of programs that ran, including the program with the difference. */
  readonly programs: number
  /** The difference. Omitted if there was none. */
  readonly found?: string
  /** The reason why there is no such database, so that nothing ran. */
  readonly skipped?: string
}

interface Hunt {
  readonly dialect: Dialect
  readonly budget: number
  readonly seed: number
  readonly hasFeatures: boolean
  readonly isFixed: boolean
  readonly builders?: readonly BuilderOrm[]
}

async function hunt({ dialect, budget, seed, hasFeatures, isFixed, builders }: Hunt): Promise<MutantReport> {
  const places = await openPlaces([dialect])
  const skipped = places.skipped(dialect)
  if (skipped !== undefined) {
    await places.stop()
    return { programs: 0, skipped }
  }
  const rigs = new Map<string, Rig>()
  const subjects = [
    undefined,
    ...Array.from({ length: isFixed ? 0 : SCHEMAS }, (_, index) => schemaAt(index)).filter(
      (place) => place.dialect === dialect,
    ),
  ]
  let programs = 0
  try {
    for (let round = 0; programs < budget; round++) {
      for (const [at, place] of subjects.entries()) {
        const name = place?.folder ?? 'fixed'
        let rig = rigs.get(name)
        if (rig === undefined) {
          const database = await places.connect(dialect)
          const subject = place === undefined ? undefined : await randomSubject(place, database)
          rig = await (hasFeatures
            ? Rig.withFeatures(database, { subject, featureSeed: at, builders })
            : Rig.open(database, { subject, firstKind: at, builders }))
          rigs.set(name, rig)
        }
        const before = programs
        try {
          const onProgress = (done: number) => {
            programs = before + done
          }
          await findDifferences(rig, { runs: ROUND, seed: seed + round, shrinks: false, onProgress })
        } catch (error) {
          return { programs: programs + 1, found: differenceIn(error) }
        }
      }
    }
    return { programs }
  } finally {
    for (const rig of rigs.values()) await rig.close()
    await places.stop()
  }
}

function differenceIn(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown }
  const inner = cause instanceof Error ? cause : error
  const own = inner instanceof Error ? inner.message : String(inner)
  const innermost = inner instanceof Error && inner.cause instanceof Error ? ` ${inner.cause.message}` : ''
  return `${own}${innermost}`.slice(0, 500)
}

if (!(MUTATED in globalThis))
  throw new Error('Expected sources that were changed; they are as they are on disk.')
console.log(`mutant ${JSON.stringify(await hunt(JSON.parse(process.env.SLUICE_MUTANT ?? '{}') as Hunt))}`)
