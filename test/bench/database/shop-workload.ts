import type { Dialect } from '@sluice/core'
import type { WorkloadEntry } from '@sluice/core/database'
import { analyzeSql } from '../../../packages/core/src/sql/analyze.ts'
import { createShop } from './shop.ts'
import { statementOf } from './statement-text.ts'
import type { Shape, WriteShape } from './workload/shape.ts'
import { shapes } from './workload/shapes.ts'
import { writes } from './workload/writes.ts'

const SAMPLES = 5
const SEED = 11

/** A query shape as an app sent it to one database. */
export interface Asked {
  readonly id: string
  readonly sql: string
  readonly calls: number
  /** The arguments of calls, as the adapter of the ORM received them. */
  readonly samples: readonly (readonly unknown[])[]
}

export interface AskedShape extends Asked {
  readonly shape: Shape
}

/** The shop's queries of a database, and its writes. */
export function askedOf(
  dialect: Dialect,
  scale: number,
): { readonly shapes: readonly AskedShape[]; readonly writes: readonly Asked[] } {
  const shop = createShop(SEED, scale)
  const asked = (shape: WriteShape): Asked => {
    const { sql, bindings } = statementOf(shape, dialect)
    return {
      id: shape.id,
      sql,
      calls: shape.calls,
      samples: Array.from({ length: SAMPLES }, () => bindings(shop)),
    }
  }
  return { shapes: shapes.map((shape) => ({ ...asked(shape), shape })), writes: writes.map(asked) }
}

/** @param ms - Milliseconds of one call. */
export function entryOf({ sql, calls, samples }: Asked, dialect: Dialect, ms: number): WorkloadEntry {
  const { fingerprint } = analyzeSql(sql, dialect)
  return {
    fingerprint,
    dialect,
    sql,
    kind: /^select/i.test(sql) ? 'read' : 'write',
    calls,
    totalMs: calls * ms,
    maxMs: ms,
    rows: 0,
    callSites: [],
    samples,
    firstSeenAt: 0,
    lastSeenAt: 0,
    source: 'app',
  }
}
