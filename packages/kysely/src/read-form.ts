import { literalParameters } from '@sluice/core/adapter'
import type { CompiledQuery } from 'kysely'

/** A query as Sluice reads it. */
interface ReadForm {
  readonly sql: string
  readonly params: readonly unknown[]
  /** Whether the parameters are literals in the text of the query. */
  readonly hasLiterals: boolean
}

/** @param writesLiterals - Whether the ORM above Kysely writes values into the text. */
export function readForm({ sql, parameters }: CompiledQuery, writesLiterals: boolean): ReadForm {
  const literals = writesLiterals && parameters.length === 0 ? literalParameters(sql) : undefined
  return literals === undefined
    ? { sql, params: parameters, hasLiterals: false }
    : { ...literals, hasLiterals: true }
}
