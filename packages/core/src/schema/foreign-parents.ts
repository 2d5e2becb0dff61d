import type { ForeignKeyInfo, TableId } from './catalog-data.ts'

const databaseOf = (id: TableId) => id.slice(0, id.indexOf('.'))

/**
 * By table: the tables of other databases from which foreign keys modify its rows, directly or through tables
 * in between. Tables without any are omitted.
 */
export function foreignParents(keys: readonly ForeignKeyInfo[]): ReadonlyMap<TableId, readonly TableId[]> {
  const parents = new Map<TableId, Set<TableId>>()
  for (const { table, references, onDelete, onUpdate } of keys)
    if (acts(onDelete) || acts(onUpdate))
      parents.set(table, (parents.get(table) ?? new Set<TableId>()).add(references))
  const foreign = new Map<TableId, readonly TableId[]>()
  // Keys within one database are known to all who know the database.
  if (keys.every(({ table, references }) => databaseOf(table) === databaseOf(references))) return foreign
  for (const table of parents.keys()) {
    const reached = new Set([table])
    for (const one of reached) for (const parent of parents.get(one) ?? []) reached.add(parent)
    const others = [...reached].filter((one) => databaseOf(one) !== databaseOf(table))
    if (others.length > 0) foreign.set(table, others)
  }
  return foreign
}

function acts(action: ForeignKeyInfo['onDelete']): boolean {
  return action !== 'Restrict' && action !== 'NoAction'
}
