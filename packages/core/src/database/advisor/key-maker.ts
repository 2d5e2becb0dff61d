import { quoteName } from '../../sql/dialect.ts'
import type { IndexKey } from '../index-definition.ts'
import type { ColumnSnapshot, DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { isBytewise } from './own-type.ts'
import { prefixOf, termValue } from './statistics.ts'
import type { ColumnCondition, OrderedColumn } from './table-use.ts'

/** Maximum number of characters of a string or blob in a MySQL key, with any character set. */
const MYSQL_PREFIX = 191

/** Creates index keys from a table's columns, as its database requires. */
export class KeyMaker {
  /**
   * Columns that every index of the table contains in addition to its keys: SQLite's rowid, InnoDB's primary
   * key.
   */
  readonly alwaysHeld: readonly string[]

  constructor(
    private readonly snapshot: DatabaseSnapshot,
    private readonly table: TableSnapshot,
  ) {
    const holdsKey =
      snapshot.dialect === 'mysql' ||
      (snapshot.dialect === 'sqlite' && (table.isClustered === true || isRowid(table)))
    this.alwaysHeld = holdsKey ? table.primaryKey : []
  }

  /** `undefined` for a column that has no order. */
  plain(column: string): IndexKey | undefined {
    const found = this.#column(column)
    if (found === undefined || !hasOrder(found, this.snapshot)) return undefined
    return isLong(found, this.snapshot) ? { column, prefixLength: MYSQL_PREFIX } : { column }
  }

  equality({ column, call, collation, isCast, operator, negated }: ColumnCondition): IndexKey | undefined {
    if (negated || isCast || !(operator === '=' || operator === 'in' || operator === 'is null'))
      return undefined
    return this.#key(column, call, collation)
  }

  /** @param observed - Parameter values: only these show the beginning of a pattern. */
  range(condition: ColumnCondition, observed: readonly (readonly unknown[])[]): IndexKey | undefined {
    const { column, call, collation, isCast, operator, negated } = condition
    if (negated || isCast) return undefined
    if (operator === 'like' || operator === 'glob') return this.#pattern(condition, operator, observed)
    if (operator === 'is not null') return call === undefined ? this.plain(column) : undefined
    if (
      operator !== '<' &&
      operator !== '<=' &&
      operator !== '>' &&
      operator !== '>=' &&
      operator !== 'between'
    )
      return undefined
    return this.#key(column, call, collation)
  }

  /**
   * The order, and the order without columns that every index ends with, or that only distinguish equal rows.
   */
  orders(order: readonly OrderedColumn[]): IndexKey[][] {
    const keys = order.map(({ column, call, collation, isDescending, nulls }) => {
      const key = this.#key(column, call, collation)
      if (key === undefined || key.prefixLength !== undefined) return undefined
      if (nulls === undefined || this.#comeBySelf(nulls, isDescending)) return { ...key, isDescending }
      return this.snapshot.dialect === 'postgresql' ? { ...key, isDescending, nulls } : undefined
    })
    if (keys.length === 0 || keys.some((key) => key === undefined)) return []
    const all = keys as IndexKey[]
    const { primaryKey } = this.table
    const last = all.at(-1)?.column
    const endsInKey = all.length > 1 && primaryKey.length === 1 && last === primaryKey[0]
    if (!endsInKey) return [all]
    const short = all.slice(0, -1)
    // An implied key is ascending.
    const isImplied =
      this.alwaysHeld.length > 0 && all.every((key) => key.isDescending === all.at(-1)?.isDescending)
    return isImplied ? [short] : [short, all]
  }

  #pattern(
    { column, call, values }: ColumnCondition,
    operator: 'like' | 'glob',
    observed: readonly (readonly unknown[])[],
  ): IndexKey | undefined {
    const [term] = values
    if (term === undefined || call !== undefined) return undefined
    const sets = observed.length === 0 ? [[]] : observed
    const patterns = sets
      .map((bindings) => termValue(term, bindings))
      .filter((pattern) => typeof pattern === 'string')
    if (!patterns.some((pattern) => prefixOf(pattern, operator) !== '')) return undefined
    const key = this.plain(column)
    if (key === undefined) return undefined
    const { dialect, settings } = this.snapshot
    if (dialect === 'mysql') return key
    if (dialect === 'sqlite') {
      const isBinary = operator === 'glob' || settings.case_sensitive_like === '1'
      const needed = isBinary ? 'BINARY' : 'NOCASE'
      return needed === (this.#column(column)?.collation ?? 'BINARY') ? key : { ...key, collation: needed }
    }
    return isBytewise(this.#column(column) ?? {}, this.snapshot)
      ? key
      : { ...key, operatorClass: 'text_pattern_ops' }
  }

  #key(
    column: string,
    call: 'lower' | 'upper' | undefined,
    collation: string | undefined,
  ): IndexKey | undefined {
    if (call !== undefined) return this.#called(column, call)
    const key = this.plain(column)
    return key === undefined || collation === undefined ? key : { ...key, collation }
  }

  #called(column: string, call: 'lower' | 'upper'): IndexKey | undefined {
    if (this.#column(column) === undefined || this.snapshot.product === 'mariadb') return undefined
    return { column, expression: `${call}(${quoteName(column, this.snapshot.dialect)})` }
  }

  /** Whether NULLs are in the default position: after all values in PostgreSQL, before them elsewhere. */
  #comeBySelf(nulls: 'first' | 'last', isDescending: boolean): boolean {
    return nulls === (isDescending === (this.snapshot.dialect === 'postgresql') ? 'first' : 'last')
  }

  #column(name: string): ColumnSnapshot | undefined {
    return this.table.columns.find((column) => column.name === name)
  }
}

function isRowid({ primaryKey, columns }: TableSnapshot): boolean {
  const [key] = primaryKey
  return (
    primaryKey.length === 1 &&
    columns.some(({ name, databaseType }) => name === key && databaseType.toUpperCase() === 'INTEGER')
  )
}

const unordered = /^(json|xml|point|line|lseg|box|path|polygon|circle|tsvector|tsquery|geometry|geography)\b/i

function hasOrder({ type, databaseType }: ColumnSnapshot, { dialect }: DatabaseSnapshot): boolean {
  return type !== 'json' && !(dialect !== 'sqlite' && unordered.test(databaseType))
}

function isLong({ databaseType }: ColumnSnapshot, { dialect }: DatabaseSnapshot): boolean {
  return dialect === 'mysql' && /^(tiny|medium|long)?(text|blob)\b/i.test(databaseType)
}
