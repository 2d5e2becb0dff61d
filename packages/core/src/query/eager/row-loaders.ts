import type { ColumnType } from '../../schema/catalog-data.ts'
import type { Row, RowLoader, RowTarget } from '../../schema/row-loader.ts'
import { canonicalKey } from '../../shared/canonical.ts'
import { InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import { MAX_BOUND_KEYS } from '../../sql/dialect.ts'

/** Returns an id in the type of its column: `'5'` is the number 5 in a column of integers. */
function keyFor(id: unknown, type: ColumnType): unknown {
  if (type !== 'integer' || typeof id !== 'string' || !/^-?\d{1,30}$/.test(id)) return id
  const number = Number(id)
  return Number.isSafeInteger(number) ? number : BigInt(id)
}

/**
 * Returns a string that is equal for values that a column treats as equal, regardless of the type in which
 * drivers return them. Ignores collations without case or accents.
 */
function keyText(value: unknown, type: ColumnType): string | undefined {
  if (value === null || value === undefined) return undefined
  if (
    type === 'integer' &&
    (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string')
  )
    return String(value)
  if (type === 'decimal' || type === 'float') return String(Number(value))
  if (type === 'datetime') {
    const ms = value instanceof Date ? value.getTime() : new Date(value as string | number).getTime()
    return Number.isNaN(ms) ? String(value) : String(ms)
  }
  return typeof value === 'string' ? value : canonicalKey(value)
}

/** Strings that some collation treats as equal have the same fold. */
function foldKey(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trimEnd()
}

const MAX_LOADERS = 64

/** The loaders of all attached adapters. */
export class RowLoaders {
  readonly #loaders = new Map<string, RowLoader>()

  attach(sourceId: string, loader: RowLoader): void {
    this.#loaders.set(sourceId, loader)
    const [oldest] = this.#loaders.keys()
    if (this.#loaders.size > MAX_LOADERS && oldest !== undefined) this.#loaders.delete(oldest)
  }

  clear(): void {
    this.#loaders.clear()
  }

  /** Returns the loader that was attached first. */
  first(): RowLoader | undefined {
    return this.#loaders.values().next().value
  }

  /**
   * Loads the rows of a table, by the ids in one of their fields.
   *
   * @throws SluiceError `SLUICE_NO_CLIENT` if no attached client can load rows; InvalidArgumentError if none
   *   knows the field.
   */
  async load<TId>(table: string, ids: readonly TId[], field: string): Promise<Map<TId, Row[]>> {
    if (this.#loaders.size === 0) {
      throw new SluiceError(
        'SLUICE_NO_CLIENT',
        'No attached client can load rows for eager loading. Attach a client that supports it: the reference of SLUICE_NO_CLIENT lists them.',
      )
    }
    for (const loader of this.#loaders.values()) {
      const target = await loader.target(table, field)
      if (target !== undefined) return loadRows(target, ids, MAX_BOUND_KEYS[loader.dialect])
    }
    throw new InvalidArgumentError(
      'field',
      'a table and a column that an attached client knows',
      `${table}.${field}`,
    )
  }
}

interface RequestedId<TId> {
  readonly id: TId
  readonly key: unknown
  readonly text: string | undefined
}

async function loadRows<TId>(
  target: RowTarget,
  ids: readonly TId[],
  maxKeys: number,
): Promise<Map<TId, Row[]>> {
  const found = new Map<TId, Row[]>(ids.map((id) => [id, []]))
  const requested: RequestedId<TId>[] = [...found.keys()].map((id) => {
    const key = keyFor(id, target.type)
    return { id, key, text: keyText(key, target.type) }
  })
  const keysByText = new Map(
    requested.flatMap(({ key, text }) => (text === undefined ? [] : [[text, key] as const])),
  )
  const rows: Row[] = []
  const keys = [...keysByText.values()]
  for (let start = 0; start < keys.length; start += maxKeys) {
    for (const row of await target.load(keys.slice(start, start + maxKeys))) rows.push(row)
  }
  const byText = new Map<string, Row[]>()
  for (const row of rows) {
    const text = keyText(target.keyOf(row), target.type) ?? ''
    const known = byText.get(text)
    if (known === undefined) byText.set(text, [row])
    else known.push(row)
  }
  const doubtful = doubtfulTexts(keysByText, byText)
  for (const { id, key, text } of requested) {
    if (text === undefined) continue
    found.set(
      id,
      doubtful.has(text)
        ? [...(await target.load([key]))]
        : (byText.get(text) ?? []).map((row) => ({ ...row })),
    )
  }
  return found
}

/**
 * Returns the ids that the database may compare by other rules than string equality (a collation without
 * case): those that differ only in case and accents, and those without rows if some rows belong to none of
 * the ids. These ids are loaded individually.
 */
function doubtfulTexts(
  requested: ReadonlyMap<string, unknown>,
  found: ReadonlyMap<string, unknown>,
): ReadonlySet<string> {
  const folds = new Map<string, Set<string>>()
  for (const text of [...requested.keys(), ...found.keys()]) {
    const fold = foldKey(text)
    folds.set(fold, (folds.get(fold) ?? new Set()).add(text))
  }
  const hasStrangers = [...found.keys()].some((text) => !requested.has(text))
  if (!hasStrangers && folds.size === requested.size) return new Set()
  return new Set(
    [...requested.keys()].filter(
      (text) => (folds.get(foldKey(text))?.size ?? 0) > 1 || (hasStrangers && !found.has(text)),
    ),
  )
}
