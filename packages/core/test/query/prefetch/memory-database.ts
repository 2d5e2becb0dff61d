import type { CacheControl, Sluice } from '@sluice/core'
import {
  type CacheRequest,
  type CatalogData,
  copyValue,
  keyKinds,
  type Lookup,
  type LookupKey,
  lookupKey,
  type Operation,
  SchemaCatalog,
  type Source,
  type TableInfo,
  TooManyRowsError,
} from '@sluice/core/adapter'
import { hostOf, type SluiceHost } from '@sluice/core/siblings'

export type Row = Record<string, unknown>

export interface Reference {
  readonly table: string
  readonly columns: readonly string[]
  readonly references: string
  readonly referencedColumns: readonly string[]
}

export interface AskOptions {
  /** The key columns of the lookup, with their values. */
  readonly where: Row
  /** At most one row, which must exist if it `throws`. */
  readonly unique?: boolean
  readonly throws?: boolean
  readonly constants?: string
  readonly inTransaction?: boolean
  /** The cache control of the query. */
  readonly control?: CacheControl
}

/** The unique keys of every table that has their columns. */
const UNIQUE_KEYS = [['sku'], ['shelf', 'sku'], ['cityId', 'day']]

let sources = 0

/** Tables in memory with an adapter like those of the ORMs, which records every query. */
export class MemoryDatabase {
  readonly queries: string[] = []
  /** Called before each query is executed. */
  beforeQuery: (text: string) => void | Promise<void> = () => {}
  /** Makes queries for several keys fail. */
  failsMany = false
  /** The number of keys whose rows reach the maximum of a query. */
  maxKeysWithRows = Number.POSITIVE_INFINITY
  readonly #source: Source
  readonly #host: SluiceHost

  constructor(
    readonly sluice: Sluice,
    readonly tables: Readonly<Record<string, Row[]>>,
    references: readonly Reference[],
    private readonly isWhole = true,
  ) {
    sources += 1
    this.#source = { id: `memory${sources}`, orm: 'knex', dialect: 'sqlite', seesStatements: false }
    this.#host = hostOf(sluice)
    const data: CatalogData = {
      dialect: 'sqlite',
      defaultSchema: 'main',
      tables: Object.entries(tables).map(([name, rows]) => tableInfo(name, rows[0] ?? {})),
      foreignKeys: references.map((reference) => ({
        ...reference,
        table: id(reference.table),
        references: id(reference.references),
        onDelete: 'NoAction',
        onUpdate: 'NoAction',
      })),
    }
    this.#host.catalogs.set(this.#source.id, new SchemaCatalog(data))
  }

  /** Lists rows. */
  list(table: string, where: (row: Row) => boolean = () => true): Promise<Row[]> {
    const run = () => this.#query(`list ${table}`, () => this.#rows(table).filter(where).map(copyValue))
    return this.#host.execute({
      ...this.#operation(table, 'list', run),
      lookup: () => ({ refused: 'NOT_BY_KEY' }),
    }) as Promise<Row[]>
  }

  /** Lists rows, each with rows of another table in a property. */
  listWith(
    table: string,
    property: string,
    nested: string,
    belongs: (row: Row, inner: Row) => boolean,
  ): Promise<Row[]> {
    const rows = () =>
      this.#rows(table).map((row) => ({
        ...row,
        [property]: this.#rows(nested)
          .filter((inner) => belongs(row, inner))
          .map(copyValue),
      }))
    const operation = this.#operation(table, `list with ${property}`, () =>
      this.#query(`list ${table} with ${nested}`, rows),
    )
    const source = operation.rowSource?.()
    if (source === undefined) throw new Error('Expected rows.')
    const inner = {
      table: id(nested),
      shape: `${source.shape}.${property}`,
      isWhole: true,
      property: (column: string) => column,
    }
    const withNested = { ...source, nested: [{ property, source: inner }] }
    return this.#host.execute({
      ...operation,
      rowSource: () => withNested,
      lookup: () => ({ refused: 'NOT_BY_KEY' }),
    }) as Promise<Row[]>
  }

  /** Queries by key. */
  ask<T = Row[]>(table: string, options: AskOptions): Promise<T> {
    const columns = Object.keys(options.where)
    const key = lookupKey(Object.values(options.where))
    if (key === undefined) throw new Error('Expected a key.')
    const { constants = '', inTransaction = false } = options
    const action = options.unique === true ? 'one' : 'many'
    const shape = `${table} ${action} by ${columns.join()}`
    const find = (text: string) => this.#found(table, columns, [text], options).get(text)
    const run = () =>
      this.#query(`${shape} ${key.text}`, () => {
        const found = find(key.text)
        if (found === undefined) throw new Error(`No row ${key.text}`)
        return found
      })
    const lookup: Lookup<unknown> = {
      group: `${this.#source.id} ${shape} ${keyKinds(key)} ${constants}`,
      key,
      maxKeys: 500,
      target: targetOf(table, columns, shape),
      runMany: (keys) => this.#many(table, shape, columns, keys, options),
      copy: (value) => ({ value: copyValue(value) }),
      reads: () => [id(table)],
    }
    const operation = this.#operation(table, shape, run, `${shape} ${key.text} ${constants}`)
    const cacheRequest = () =>
      ({ ...operation.cacheRequest?.(), control: options.control }) as CacheRequest<unknown>
    return this.#host.execute({
      ...operation,
      inTransaction,
      lookup: () => lookup,
      cacheRequest,
    }) as Promise<T>
  }

  /** Returns one row by key, or null. */
  one(table: string, where: Row): Promise<Row | null> {
    return this.ask<Row | null>(table, { where, unique: true })
  }

  /** Modifies rows. */
  write(table: string, change: (rows: Row[]) => void): Promise<unknown> {
    const run = () => this.#query(`write ${table}`, () => change(this.#rows(table)))
    return this.#host.execute({
      ...this.#operation(table, 'write', run),
      kind: 'write',
      effect: () => ({ tables: new Set([id(table)]), everything: false }),
    })
  }

  /** A statement of which only the kind, a read, is known. */
  raw(): Promise<unknown> {
    return this.#host.execute({
      ...this.#operation('raw', 'raw', () => this.#query('raw', () => [])),
      isRaw: true,
    })
  }

  #operation(
    table: string,
    label: string,
    run: () => Promise<unknown>,
    cacheKey: string = label,
  ): Operation<unknown> {
    const { isWhole } = this
    return {
      source: this.#source,
      kind: 'read',
      shape: { fingerprint: label, label, kind: 'read' },
      inTransaction: false,
      run,
      rowSource: () => ({ table: id(table), shape: `${label}`, isWhole, property: (column) => column }),
      cacheRequest: () => ({
        key: cacheKey,
        tables: [id(table)],
        copy: (value) => ({ value: copyValue(value) }),
      }),
      rows: (result) => (Array.isArray(result) ? result.length : 1),
    }
  }

  async #query<T>(text: string, run: () => T): Promise<T> {
    this.queries.push(text)
    await this.beforeQuery(text)
    return run()
  }

  async #many(
    table: string,
    shape: string,
    columns: readonly string[],
    keys: readonly LookupKey[],
    options: AskOptions,
  ) {
    return this.#query(`${shape} × ${keys.length}`, () => {
      if (this.failsMany) throw new Error('many')
      if (keys.length > this.maxKeysWithRows) throw new TooManyRowsError()
      const texts = keys.map(({ text }) => text)
      return this.#found(table, columns, texts, options)
    })
  }

  #found(
    table: string,
    columns: readonly string[],
    texts: readonly string[],
    { unique, throws }: AskOptions,
  ): Map<string, unknown> {
    const keys = texts.map((text) => ({ text, values: [] }))
    const wanted = new Set(texts)
    const textOf = (row: Row) => lookupKey(columns.map((column) => row[column]))?.text ?? ''
    const rows = this.#rows(table).filter((row) => wanted.has(textOf(row)))
    const groups = new Map(keys.map(({ text }) => [text, [] as Row[]]))
    for (const row of rows) groups.get(textOf(row))?.push(copyValue(row))
    const answers = new Map<string, unknown>()
    for (const [text, found] of groups) {
      if (unique !== true) answers.set(text, found)
      else if (found[0] !== undefined || throws !== true) answers.set(text, found[0] ?? null)
    }
    return answers
  }

  #rows(table: string): Row[] {
    return this.tables[table] ?? []
  }
}

function id(table: string): string {
  return `main.${table}`
}

const targets = new Map<string, Lookup['target']>()

function targetOf(table: string, columns: readonly string[], shape: string): Lookup['target'] {
  const known = targets.get(shape)
  if (known !== undefined) return known
  const target = { table: id(table), columns, shape }
  targets.set(shape, target)
  return target
}

function tableInfo(name: string, sample: Row): TableInfo {
  const columns = Object.keys(sample).map((column) => ({
    name: column,
    type: 'integer' as const,
    nullable: true,
  }))
  const names = Object.keys(sample)
  const uniqueKeys = UNIQUE_KEYS.filter((key) => key.every((column) => names.includes(column)))
  return { name, kind: 'table', columns, primaryKey: ['id'], uniqueKeys }
}
