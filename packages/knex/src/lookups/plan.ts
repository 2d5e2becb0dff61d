import { hash } from 'node:crypto'
import type { LookupTarget, SchemaCatalog, TableId } from '@sluice/core/adapter'
import type { KnexReason } from '../reasons.ts'
import { chooseKey, type KeyColumn } from './choose-key.ts'
import { chooseMerge, type Merge } from './merge.ts'
import { columnName, type Ground, type NameOf, propertiesOf, tableName } from './names.ts'
import type { SelectParts } from './select-parts.ts'

/** Properties shared by all selects of one structure. */
export interface Plan {
  /** Identifies the structure, with a shorter value than the structure string. */
  readonly id: number
  /** The catalog with which the plan was built. */
  readonly catalog: SchemaCatalog | undefined
  /** How selects of many keys are combined, or why they are not. */
  readonly merge: Merge | { readonly refused: KnexReason }
  readonly keys: readonly KeyColumn[]
  /** The properties of a row that contain the key, in its order. */
  readonly properties: readonly string[]
  /** Key columns that are selected in addition, in Knex's notation. */
  readonly added: readonly string[]
  /**
   * A column that numbers each key's rows, if the merge needs one; and a column that contains the index of
   * the key.
   */
  readonly rank: string
  readonly place: string
  /**
   * Properties that are removed from rows, the last property first, because deleting the last one is
   * cheapest. Pages have a different list.
   */
  readonly extra: readonly string[]
  readonly pageExtra: readonly string[]
  /** Observations about the rows of keys. */
  readonly seen: { areMany: boolean; areTied: boolean }
  readonly target: LookupTarget | undefined
  readonly table: TableId | undefined
}

export function makePlan(
  id: number,
  parts: SelectParts,
  structure: string,
  catalog: SchemaCatalog | undefined,
  nameOf: NameOf,
): Plan {
  const named = tableName(parts.table, parts.schema)
  const known = named === undefined ? undefined : catalog?.tables.get(catalog.idOf(named.parts.map(nameOf)))
  const table = known?.kind === 'table' ? known : undefined
  const keys = chooseKey(
    parts.filters,
    nameOf,
    catalog,
    table,
    known === undefined || known.declared === true ? [] : known.columns,
  )
  const ground: Ground = { catalog, table, nameOf }
  const merge: Plan['merge'] =
    named === undefined ? { refused: 'NO_PLAIN_TABLE' } : chooseMerge(parts, named, keys, ground)
  const target =
    table === undefined
      ? undefined
      : {
          table: table.id,
          columns: keys.map(({ name }) => name),
          shape: hash('sha256', structure).slice(0, 16),
        }
  return {
    id,
    catalog,
    merge,
    keys,
    seen: { areMany: false, areTied: false },
    target,
    table: table?.id,
    ...columnsOf(parts, keys, ground),
  }
}

function columnsOf(
  parts: SelectParts,
  keys: readonly KeyColumn[],
  { table, nameOf }: Ground,
): Pick<Plan, 'properties' | 'added' | 'rank' | 'place' | 'extra' | 'pageExtra'> {
  const all = table?.columns.map(({ name }) => name)
  const known = propertiesOf(parts.columns, all ?? keys.map(({ name }) => name), nameOf)
  const taken = new Set(
    [...(all ?? []), ...known.values(), ...namesIn(parts)].map((name) => nameOf(name).toLowerCase()),
  )
  for (const name of all ?? []) taken.add(name.toLowerCase())
  const added: string[] = []
  const extra: string[] = []
  const isGrouped = parts.aggregates.length > 0 || parts.groups.length > 0
  const properties = keys.map(({ written, name }) => {
    const property = isGrouped ? undefined : known.get(name)
    if (property !== undefined) return property
    const helper = freeName('sluice_key', taken, nameOf)
    added.push(`${written} as ${helper}`)
    extra.unshift(nameOf(helper))
    return nameOf(helper)
  })
  const rank = freeName('sluice_rank', taken, nameOf)
  const place = freeName('sluice_place', taken, nameOf)
  return { properties, added, rank, place, extra, pageExtra: [nameOf(rank), nameOf(place)] }
}

function namesIn({ columns, aggregates }: SelectParts): string[] {
  const written = columns.map((column) => columnName(column))
  return [
    ...written.flatMap(({ name, alias }) => [name, alias ?? name]),
    ...aggregates.flatMap(({ outputs }) => outputs.flatMap(({ alias }) => alias ?? [])),
  ]
}

/** A name that no column has in any letter case. */
function freeName(stem: string, taken: Set<string>, nameOf: NameOf): string {
  for (let number = 1; ; number++) {
    const name = `${stem}_${number}`
    const folded = nameOf(name).toLowerCase()
    if (taken.has(folded) && number <= taken.size) continue
    taken.add(folded)
    return name
  }
}
