import type { Candidate } from './candidates.ts'
import type { StatementUse } from './table-use.ts'

/** What an index is for: `searched by region_id, ordered by name`. */
export function reasonFor({ definition, carried }: Candidate, uses: readonly StatementUse[]): string {
  const tables = uses.flatMap((use) => use.uses).filter(({ table }) => table.id === definition.table || table.parent === definition.table)
  const searched: string[] = []
  const ranged: string[] = []
  const ordered: string[] = []
  const held: string[] = []
  const keys = definition.keys.map(({ column }) => column)
  for (const [at, column] of keys.entries()) {
    const conditions = tables
      .flatMap((use) => [use, ...use.alternatives.flat()])
      .flatMap((arm) => arm.conditions.filter((condition) => condition.column === column))
    const isJoined = tables.some(({ joins }) => joins.some((join) => join.column === column))
    const isEqual =
      isJoined || conditions.some(({ operator, negated }) => !negated && (operator === '=' || operator === 'in' || operator === 'is null'))
    const isOrdered = tables.some(({ order, group }) => order.some((term) => term.column === column) || group.includes(column))
    if (carried > 0 && at >= keys.length - carried) held.push(column)
    else if (isEqual) searched.push(column)
    else if (conditions.length > 0) ranged.push(column)
    else if (isOrdered) ordered.push(column)
    else held.push(column)
  }
  const parts = [
    searched.length > 0 ? `searched by ${searched.join(', ')}` : '',
    ranged.length > 0 ? `a range of ${ranged.join(', ')}` : '',
    ordered.length > 0 ? `ordered by ${ordered.join(', ')}` : '',
    held.length > 0 ? `${held.join(', ')} read from the index alone` : '',
    definition.where === undefined ? '' : `only rows where ${definition.where}`,
  ]
  return parts.filter((part) => part !== '').join('; ')
}
