import type { Dialect } from '@sluice/core'
import type { PrismaModel } from '../../../packages/prisma/src/schema/prisma-model.ts'
import type { PrismaSchema } from '../../../packages/prisma/src/schema/prisma-schema.ts'
import type { Random } from '../../support/random.ts'
import type { KnexCall } from '../program.ts'
import { isInKey } from '../schemas/values.ts'

/** A column that the database changes implicitly. */
export interface Target {
  readonly table: string
  readonly column: string
  readonly isText: boolean
  /** Omitted for a table that only Knex knows. */
  readonly model?: PrismaModel
}

/** Calls where those of one side change the results of those of the other, although no statement shows it. */
export interface Link {
  /** Any write to a model's rows, or one of these calls. */
  readonly writes: PrismaModel | readonly KnexCall[]
  /** Any read of a target's table, or one of these calls. */
  readonly reads: Target | readonly KnexCall[]
}

/** A change of the schema that creates a link. */
export interface Definition extends Link {
  /** Sent by either ORM; or a call of Knex that defines something through its side effects. */
  readonly define: string | KnexCall
  readonly undo: string
  /** Whether other clients may read while a transaction holds it. */
  readonly isShared: boolean
}

/** A way to change which tables names refer to on one connection. */
export interface Session extends Link {
  readonly writes: readonly KnexCall[]
  readonly enter: string
  readonly leave: string
}

/** A table in addition to those of the models. */
export interface FeatureTable {
  readonly name: string
  /** Its columns without computed ones. Default: all. */
  readonly stored?: string
}

const SIDE = 'feature_side'
const MAX_LENGTH = 8

/**
 * Features of a database in addition to the tables of the models: triggers, functions, views and the like,
 * and those that a program may define. A feature that changes a table always changes an earlier one, so that
 * there are no cycles.
 */
export class FeaturePlan {
  readonly setUp: string[] = []
  readonly tearDown: string[] = []
  /** Tables in addition to those of the models. Writes to the models' tables trigger writes to these. */
  readonly earlier: FeatureTable[] = [{ name: SIDE }]
  /** Tables that trigger writes to all others. */
  readonly later: FeatureTable[] = []
  readonly links: Link[] = []
  readonly definitions: Definition[] = []
  readonly sessions: Session[] = []
  readonly targets: readonly Target[]

  constructor(
    schema: PrismaSchema,
    readonly dialect: Dialect,
    readonly random: Random,
  ) {
    const models = new Map([...schema.models.values()].map((model) => [model.table, model]))
    const known = [...schema.catalog.tables.values()].flatMap(({ id, name }) => {
      const model = models.get(id)
      return model === undefined ? [] : targetsOf(model, name)
    })
    this.targets = [{ table: SIDE, column: 'n', isText: false }, ...known]
    this.addTable(SIDE, 'n int NOT NULL', '0')
  }

  /** Creates a table with three rows. */
  addTable(table: string, columns: string, values: string): void {
    this.setUp.push(`CREATE TABLE ${table} (id int PRIMARY KEY, ${columns})`)
    this.setUp.push(`INSERT INTO ${table} VALUES ${[1, 2, 3].map((id) => `(${id}, ${values})`).join(', ')}`)
  }

  /** A definition with which a delete of a row cascades to others. */
  defineCascade(): void {
    const child = this.addSource('child', 'v int', '2')
    this.definitions.push({
      writes: [{ orm: 'knex', table: 'feature_side', chain: [['where', 'id', 2], ['del']], order: 'none' }],
      reads: [readAll(child)],
      define: `ALTER TABLE ${child} ADD CONSTRAINT feature_parent FOREIGN KEY (v) REFERENCES feature_side (id) ON DELETE CASCADE`,
      undo: `ALTER TABLE ${child} DROP CONSTRAINT IF EXISTS feature_parent`,
      isShared: false,
    })
  }

  /**
   * Creates a table whose rows trigger something when they are written.
   *
   * @returns Its name.
   */
  addSource(name: string, columns = 'v int', values = '1', stored?: string): string {
    const table = `feature_${name}`
    this.later.push(stored === undefined ? { name: table } : { name: table, stored })
    this.addTable(table, columns, values)
    return table
  }

  quote(name: string): string {
    return this.dialect === 'mysql' ? `\`${name}\`` : `"${name}"`
  }

  /** A target before the given index. Default: any target. */
  target(before = this.targets.length): Target {
    return this.random.pick(this.targets.slice(0, before))
  }

  /** A model's target that is not the first one: it may trigger a write to another. */
  source(): { readonly source: Target; readonly model: PrismaModel; readonly at: number } {
    const at = 1 + this.random.below(this.targets.length - 1)
    const source = this.targets[at]
    if (source?.model === undefined) throw new Error('Expected a model with a plain column.')
    return { source, model: source.model, at }
  }

  /** The statement that changes a target. */
  bump(target: Target): string {
    return `UPDATE ${this.quote(target.table)} SET ${this.assignment(target)}`
  }

  /**
   * The assignment that changes a target.
   *
   * @param row - The qualifier of the column. Default: none.
   */
  assignment({ column, isText }: Target, row = ''): string {
    const name = `${row}${this.quote(column)}`
    return `${name} = ${isText ? this.#longer(name) : `(coalesce(${name}, 0) % 100) + 1`}`
  }

  #longer(name: string): string {
    if (this.dialect === 'sqlite') return `substr(coalesce(${name}, '') || 'x', -${MAX_LENGTH})`
    return this.dialect === 'mysql'
      ? `right(concat(coalesce(${name}, ''), 'x'), ${MAX_LENGTH})`
      : `right(coalesce(${name}, '') || 'x', ${MAX_LENGTH})`
  }

  /** A value that depends on every row of a target. */
  digest({ table, column, isText }: Target): string {
    const name = this.quote(column)
    return `SELECT max(${isText ? `length(${name})` : name}) FROM ${this.quote(table)}`
  }
}

function targetsOf(model: PrismaModel, table: string): readonly Target[] {
  const foreign = new Set(
    [...model.relations.values()].flatMap(({ fromFields, foreignKeyHere }) =>
      foreignKeyHere ? fromFields : [],
    ),
  )
  const usable = [...model.fields.values()].filter(
    (field) =>
      (field.type === 'Int' || field.type === 'String') &&
      field.nativeType === undefined &&
      !field.list &&
      !foreign.has(field.name) &&
      !isInKey(model, field.name),
  )
  const field = usable.find(({ name }) => name === 'plain') ?? usable[0]
  return field === undefined ? [] : [{ table, column: field.column, isText: field.type === 'String', model }]
}

/** Writes to one of the tables of `addSource`. */
export function writesTo(table: string, row: Readonly<Record<string, unknown>> = {}): readonly KnexCall[] {
  const write = (chain: KnexCall['chain']): KnexCall => ({
    orm: 'knex',
    table,
    chain,
    order: 'none',
    isVague: true,
  })
  const inserts = [4, 5, 6, 7, 8, 9].map((id) => write([['insert', { id, ...row }]]))
  return [
    ...inserts,
    write([
      ['where', 'id', 1],
      ['update', { id: 11 }],
    ]),
  ]
}

/** A query of Knex whose result contains the value of a piece of SQL for each row of a table. */
export function selectRaw(table: string, ...pieces: readonly string[]): KnexCall {
  return {
    orm: 'knex',
    table,
    chain: [['select', ...pieces.map((piece) => ({ $raw: piece }))]],
    order: 'none',
  }
}

/** A statement of Knex that is sent for its side effects. */
export function rawWrite(sql: string): KnexCall {
  return { orm: 'knex', chain: [['raw', sql]], order: 'none', isVague: true }
}

export function readAll(table: string): KnexCall {
  return { orm: 'knex', table, chain: [], order: 'none' }
}
