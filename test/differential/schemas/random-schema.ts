import type { Dialect } from '@sluice/core'
import { Random } from '../../support/random.ts'

/** The values of the only enum of schemas whose database supports enums. */
export const MOODS: readonly string[] = ['calm', 'Angry', 'sad']

const MODEL_NAMES = [
  'Customer',
  'Order',
  'Item',
  'Group',
  'Node',
  'Event',
  'Ledger',
  'User',
  'Team',
  'Doc',
] as const
const TABLE_NAMES = [
  'order',
  'user',
  'select',
  'MixedCase',
  'line_items',
  'Group',
  'events_2',
  'from',
  'tbl Spaced',
  'table',
] as const
const COLUMN_NAMES = [
  'order',
  'group',
  'from',
  'MixedCase',
  'select',
  'the_value',
  'key',
  'due date',
  'index',
  'User',
] as const

type Type = 'Int' | 'BigInt' | 'String' | 'Boolean' | 'Float' | 'Decimal' | 'DateTime' | 'Bytes' | 'Mood'

const FIELD_NAMES: Readonly<Record<Type, readonly string[]>> = {
  Int: ['rank', 'score', 'size'],
  BigInt: ['big', 'serial'],
  String: ['label', 'title', 'code', 'note'],
  Boolean: ['active', 'done'],
  Float: ['ratio', 'weight'],
  Decimal: ['price', 'amount'],
  DateTime: ['at', 'due'],
  Bytes: ['blob'],
  Mood: ['mood', 'temper'],
}

interface KeyPart {
  readonly name: string
  readonly type: Type
}

interface Model {
  readonly name: string
  readonly lines: string[]
  readonly blocks: string[]
  readonly usedNames: Set<string>
  readonly usedColumns: Set<string>
  /** The primary key. */
  key: readonly KeyPart[]
  /** Other keys that a foreign key may refer to. */
  readonly uniques: (readonly KeyPart[])[]
}

const ACTIONS = {
  required: ['Cascade', 'Restrict', 'NoAction'],
  optional: ['SetNull', 'Cascade', 'Restrict', 'NoAction'],
} as const

/**
 * The models of a Prisma schema, without generators and datasource: types, nullable and composite keys,
 * relations of every kind, and names that databases reserve. Equal for equal arguments.
 */
export function randomSchema(seed: number, dialect: Dialect): string {
  return new SchemaWriter(new Random(seed), dialect).write()
}

class SchemaWriter {
  readonly #models: Model[] = []
  readonly #tables = new Set<string>()
  #relations = 0

  constructor(
    private readonly random: Random,
    private readonly dialect: Dialect,
  ) {}

  write(): string {
    const { random } = this
    const names = shuffled(MODEL_NAMES, random).slice(0, 3 + random.below(4))
    for (const name of names) this.#addModel(name)
    for (const model of this.#models) this.#addExtraRelations(model)
    if (random.chance(0.6)) this.#addJunction()
    const models = this.#models.map(
      ({ name, lines, blocks }) =>
        `model ${name} {\n${[...lines, ...blocks].map((line) => `  ${line}\n`).join('')}}\n`,
    )
    if (this.dialect !== 'sqlite')
      models.push(`enum Mood {\n${MOODS.map((mood) => `  ${mood}\n`).join('')}}\n`)
    return models.join('\n')
  }

  #addModel(name: string): void {
    const { random } = this
    const model: Model = {
      name,
      lines: [],
      blocks: [],
      usedNames: new Set(),
      usedColumns: new Set(),
      key: [],
      uniques: [],
    }
    const earlier = [...this.#models]
    this.#models.push(model)
    this.#addKey(model)
    this.#addScalars(model)
    if (random.chance(0.5)) this.#addCompoundUnique(model)
    const parents = shuffled(earlier, random).slice(0, earlier.length === 0 ? 0 : 1 + random.below(2))
    for (const parent of parents) this.#addForeignKey(model, parent, random.chance(0.5))
    this.#addTableName(model)
  }

  #addKey(model: Model): void {
    const { random } = this
    const kind = random.pick(['number', 'number', 'text', 'big', 'pair', 'pair'])
    if (kind === 'number') this.#addField(model, 'id', 'Int', '@id @default(autoincrement())')
    else if (kind === 'text') this.#addField(model, 'id', 'String', '@id')
    else if (kind === 'big') this.#addField(model, 'id', 'BigInt', '@id')
    else {
      const parts: KeyPart[] = [
        { name: 'partA', type: random.pick(['Int', 'String', 'BigInt'] as const) },
        { name: 'partB', type: random.pick(['Int', 'String'] as const) },
      ]
      for (const { name, type } of parts) this.#addField(model, name, type, '')
      model.blocks.push(`@@id([partA, partB]${random.chance(0.3) ? ', name: "pair"' : ''})`)
      model.key = parts
      return
    }
    model.key = [{ name: 'id', type: kind === 'number' ? 'Int' : kind === 'text' ? 'String' : 'BigInt' }]
  }

  #addScalars(model: Model): void {
    const { random } = this
    const types: readonly Type[] = [
      'Int',
      'BigInt',
      'String',
      'String',
      'Boolean',
      'Float',
      'Decimal',
      'DateTime',
      'Bytes',
      'Mood',
    ]
    // Every model has a column for listings and groups.
    this.#addField(model, 'plain', random.pick(['Int', 'String'] as const), '', random.chance(0.4))
    const usable = types.filter((type) => type !== 'Mood' || this.dialect !== 'sqlite')
    for (const type of shuffled(usable, random).slice(0, 2 + random.below(3))) {
      const name = random.pick(FIELD_NAMES[type])
      if (model.usedNames.has(name)) continue
      const isUnique = ['Int', 'BigInt', 'String', 'DateTime'].includes(type) && random.chance(0.25)
      const isOptional = random.chance(0.4)
      if (isUnique) model.uniques.push([{ name, type }])
      const fallback = type === 'Mood' && !isOptional ? '@default(calm)' : ''
      this.#addField(
        model,
        name,
        type,
        isUnique ? '@unique' : `${fallback} ${this.#nativeType(type)}`.trim(),
        isOptional,
      )
    }
  }

  #nativeType(type: Type): string {
    const { random, dialect } = this
    if (dialect === 'sqlite' || !random.chance(0.3)) return ''
    if (type === 'String')
      return dialect === 'postgresql' ? random.pick(['@db.Char(12)', '@db.VarChar(40)']) : '@db.VarChar(40)'
    return type === 'DateTime'
      ? random.pick(dialect === 'postgresql' ? ['@db.Date', '@db.Timestamptz(3)'] : ['@db.Date'])
      : ''
  }

  #addCompoundUnique(model: Model): void {
    const { random } = this
    const left = this.#addField(model, 'area', 'String', '', random.chance(0.3))
    const right = this.#addField(model, 'place', 'Int', '', random.chance(0.3))
    model.blocks.push(`@@unique([${left}, ${right}]${random.chance(0.5) ? ', name: "spot"' : ''})`)
    if (random.chance(0.5))
      model.uniques.push([
        { name: left, type: 'String' },
        { name: right, type: 'Int' },
      ])
  }

  /** Adds a foreign key to `parent` and the relation's two fields. */
  #addForeignKey(model: Model, parent: Model, isOptional: boolean): void {
    const { random } = this
    const { name, field, back } = this.#nameRelation(model, parent)
    const key = random.chance(0.75) || parent.uniques.length === 0 ? parent.key : random.pick(parent.uniques)
    const isOne = random.chance(0.2)
    const fields = key.map((part) => {
      const single = key.length === 1
      return this.#addField(
        model,
        `${field}${capital(part.name)}`,
        part.type,
        single && isOne ? '@unique' : '',
        isOptional,
      )
    })
    if (isOne && key.length > 1) model.blocks.push(`@@unique([${fields.join(', ')}])`)
    const references = key.map((part) => part.name).join(', ')
    const actions = this.#actions(isOptional, model === parent)
    model.lines.push(
      `${field} ${parent.name}${isOptional ? '?' : ''} @relation("${name}", fields: [${fields.join(', ')}], references: [${references}]${actions})`,
    )
    parent.lines.push(`${back} ${model.name}${isOne ? '?' : '[]'} @relation("${name}")`)
  }

  #actions(isOptional: boolean, isSelf: boolean): string {
    const { random } = this
    const onDelete = random.chance(0.7)
      ? `, onDelete: ${random.pick(ACTIONS[isOptional ? 'optional' : 'required'])}`
      : ''
    const onUpdate = isSelf
      ? ', onUpdate: NoAction'
      : random.chance(0.3)
        ? `, onUpdate: ${random.pick(['Cascade', 'Restrict', 'NoAction'])}`
        : ''
    return onDelete + onUpdate
  }

  /** Self relations, optional keys to later models, and implicit many-to-many. */
  #addExtraRelations(model: Model): void {
    const { random } = this
    const others = this.#models.filter((other) => other !== model)
    if (random.chance(0.3)) this.#addForeignKey(model, model, true)
    if (random.chance(0.15)) this.#addForeignKey(model, random.pick(others), true)
    if (model.key.length > 1 || !random.chance(0.35)) return
    const partner = random.pick(this.#models.filter(({ key }) => key.length === 1))
    const { name, field, back } = this.#nameRelation(model, partner)
    model.lines.push(`${field} ${partner.name}[] @relation("${name}")`)
    partner.lines.push(`${back} ${model.name}[] @relation("${name}")`)
  }

  /** An explicit many-to-many table whose key consists of its two foreign keys. */
  #addJunction(): void {
    const { random } = this
    const [left, right] = shuffled(this.#models, random)
    if (left === undefined || right === undefined) return
    const model: Model = {
      name: 'Link',
      lines: [],
      blocks: [],
      usedNames: new Set(),
      usedColumns: new Set(),
      key: [],
      uniques: [],
    }
    const parts: string[] = []
    for (const parent of [left, right]) {
      const { name, field, back } = this.#nameRelation(model, parent)
      const fields = parent.key.map((part) =>
        this.#addField(model, `${field}${capital(part.name)}`, part.type, ''),
      )
      parts.push(...fields)
      const references = parent.key.map((part) => part.name).join(', ')
      model.lines.push(
        `${field} ${parent.name} @relation("${name}", fields: [${fields.join(', ')}], references: [${references}], onDelete: Cascade)`,
      )
      parent.lines.push(`${back} Link[] @relation("${name}")`)
    }
    model.blocks.push(`@@id([${parts.join(', ')}])`)
    this.#addField(model, 'plain', 'Int', '', random.chance(0.4))
    this.#addTableName(model)
    this.#models.push(model)
  }

  #nameRelation(
    model: Model,
    other: Model,
  ): { readonly name: string; readonly field: string; readonly back: string } {
    this.#relations += 1
    const name = `${this.random.pick(['rel', 'Rel', 'has'])}${this.#relations}`
    return {
      name,
      field: `${small(other.name)}${this.#relations}`,
      back: `${small(model.name)}Back${this.#relations}`,
    }
  }

  #addField(model: Model, name: string, type: Type, attributes: string, isOptional = false): string {
    const { random } = this
    model.usedNames.add(name)
    const free = COLUMN_NAMES.filter((column) => !hasName(model.usedColumns, column))
    const column =
      random.chance(0.6) || free.length === 0 ? name : random.chance(0.5) ? snake(name) : random.pick(free)
    const used = hasName(model.usedColumns, column) ? name : column
    model.usedColumns.add(used)
    const map = used === name ? '' : ` @map("${used}")`
    model.lines.push(
      `${name} ${type}${isOptional ? '?' : ''} ${attributes}${map}`
        .replace(/ +/g, (spaces) => spaces.slice(0, 1))
        .trimEnd(),
    )
    return name
  }

  #addTableName(model: Model): void {
    const { random } = this
    // Names that differ only in case are one name to some databases.
    const free = TABLE_NAMES.filter(
      (table) =>
        !hasName(this.#tables, table) &&
        !MODEL_NAMES.some((name) => name.toLowerCase() === table.toLowerCase() && name !== model.name),
    )
    const table = random.chance(0.5) && free.length > 0 ? random.pick(free) : model.name
    this.#tables.add(table)
    if (table !== model.name) model.blocks.push(`@@map("${table}")`)
  }
}

function hasName(names: ReadonlySet<string>, name: string): boolean {
  return [...names].some((other) => other.toLowerCase() === name.toLowerCase())
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, rank: random.next() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ item }) => item)
}

function capital(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
}

function small(name: string): string {
  return `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
