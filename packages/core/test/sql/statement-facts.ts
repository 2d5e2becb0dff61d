import type { Dialect } from '../../src/sql/dialect.ts'
import { readStatement } from '../../src/sql/statement.ts'

/** The effects of a statement in one line: `R[tables read] W[tables written]`, then its other properties. */
export function factsOf(sql: string, dialect: Dialect = 'postgresql'): string {
  const { reads, writes, functions, volatile, locks, ddl, temporary, opaque } = readStatement(sql, dialect)
  const facts = [
    `R[${reads.map((name) => name.join('.')).sort()}]`,
    `W[${writes.map(({ name, how }) => `${name.join('.')}:${how}`).sort()}]`,
  ]
  if (functions.size > 0) facts.push(`calls ${[...functions].sort()}`)
  if (volatile) facts.push('volatile')
  if (locks) facts.push('locks')
  if (ddl) facts.push('ddl')
  if (temporary.length > 0) facts.push(`temporary ${temporary}`)
  if (opaque !== undefined) facts.push('opaque')
  return facts.join(' ')
}
