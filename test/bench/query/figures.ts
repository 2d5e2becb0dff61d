import type { BenchDatabase } from './databases.ts'
import type { ContenderName } from './measure-case.ts'
import { type CaseResult, mostQueries, msOf, type QueryFigure, timesAsLong } from './report.ts'

interface QueryTarget {
  readonly contender: ContenderName
  readonly most: number
}

interface SpeedTarget {
  readonly contender: ContenderName
  readonly least: number
}

interface CaseTargets {
  readonly id: string
  readonly queries: readonly QueryTarget[]
  /** Relative to the app without Sluice, if each round trip takes time. */
  readonly speed: readonly SpeedTarget[]
  /** Maximum duration of the learned loop, relative to the manual `include`. */
  readonly againstInclude?: number
}

const parallel = (id: string): CaseTargets => ({
  id,
  queries: [{ contender: 'Sluice, cold', most: 2 }],
  speed: [{ contender: 'Sluice, cold', least: 4 }],
})

const sequential = (id: string): CaseTargets => ({
  id,
  queries: [
    { contender: 'Sluice, cold', most: 4 },
    { contender: 'Sluice, learned', most: 2 },
  ],
  speed: [
    { contender: 'Sluice, cold', least: 9 },
    { contender: 'Sluice, learned', least: 15 },
  ],
  againstInclude: 1.3,
})

const ORMS = ['prisma', 'knex', 'kysely', 'drizzle']

const TARGETS: readonly CaseTargets[] = [
  ...ORMS.flatMap((orm) => [`${orm}.parallel-to-one`, `${orm}.parallel-to-many`]).map(parallel),
  ...ORMS.flatMap((orm) => [`${orm}.to-one`, `${orm}.to-many`]).map(sequential),
]

/** The figures of one database with targets. Durations count on PostgreSQL only. */
export function figuresOf({ dialect }: BenchDatabase, results: readonly CaseResult[]): QueryFigure[] {
  return results.flatMap((result) => {
    const targets = TARGETS.find(({ id }) => id === result.id)
    if (targets === undefined) return []
    const name = (contender: ContenderName, what: string) =>
      `${dialect}.${result.id}.${contender.replace('Sluice, ', '')}.${what}`
    const figure = (
      id: string,
      value: number,
      unit: string,
      bound: '≤' | '≥',
      target: number,
      base: ContenderName,
    ): QueryFigure => ({
      area: 'query',
      id,
      value,
      unit,
      bound,
      target,
      ok: bound === '≤' ? value <= target : value >= target,
      against: unit === 'queries' ? { [base]: mostQueries(result, base) } : { [base]: msOf(result, base) },
    })
    const queries = targets.queries.map(({ contender, most }) =>
      figure(name(contender, 'queries'), mostQueries(result, contender), 'queries', '≤', most, 'bare'),
    )
    if (dialect === 'sqlite') return queries
    const speed = targets.speed.map(({ contender, least }) =>
      figure(name(contender, 'speed'), timesAsLong(result, 'bare', contender), '× bare', '≥', least, 'bare'),
    )
    if (targets.againstInclude === undefined) return [...queries, ...speed]
    const time = timesAsLong(result, 'Sluice, learned', 'include by hand')
    return [
      ...queries,
      ...speed,
      figure(
        name('Sluice, learned', 'time'),
        time,
        '× include',
        '≤',
        targets.againstInclude,
        'include by hand',
      ),
    ]
  })
}
