import type { CatalogTable, SchemaCatalog } from '../schema/catalog.ts'

/**
 * Chooses the key among the columns that a select compares with one value each, in the order of the catalog's
 * key: the columns of a unique key, otherwise those of a foreign key, otherwise the last one. A condition
 * that many lookups have in common (a tenant, a state) is rarely on a unique or foreign key.
 *
 * @param candidates - By column name, in the order of the conditions.
 * @param table - `undefined`: its keys are unknown.
 * @returns Empty if there is none.
 */
export function chooseKey<TCandidate>(
  candidates: ReadonlyMap<string, TCandidate>,
  catalog: SchemaCatalog | undefined,
  table: CatalogTable | undefined,
): readonly TCandidate[] {
  const inOrder = [...candidates.values()]
  const last = inOrder.slice(-1)
  if (table === undefined || catalog === undefined || inOrder.length < 2) return last
  const complete = (lists: readonly (readonly string[])[]) =>
    lists
      .map((names) => names.flatMap((name) => candidates.get(name) ?? []))
      .filter((keys, at) => keys.length > 0 && keys.length === lists[at]?.length)
  const [unique] = complete([table.primaryKey, ...table.uniqueKeys]).sort(
    (left, right) => left.length - right.length,
  )
  if (unique !== undefined) return unique
  const foreign = complete(
    catalog.foreignKeys.flatMap((key) => (key.table === table.id ? [key.columns] : [])),
  )
  const lastOf = (keys: readonly TCandidate[]) => Math.max(...keys.map((key) => inOrder.indexOf(key)))
  const [best] = foreign.sort((left, right) => right.length - left.length || lastOf(right) - lastOf(left))
  return best ?? last
}
