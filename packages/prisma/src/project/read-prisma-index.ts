import { conventionalName, type DatabaseFacts } from '@sluice/core/database'
import { type PrismaIndex, type PrismaKey, prismaNaming } from './prisma-model.ts'
import { insideOf, type Span, splitArguments, unquote } from './schema-text.ts'

/** The parts of a default name. */
interface Owner {
  readonly table: string
  columnOf(field: string): string
}

type Kind = PrismaIndex['kind']

/** Reads the arguments of `@@index(…)` and similar attributes. `undefined`: not understood. */
export function readPrismaIndex(
  kind: Kind,
  text: string,
  mask: string,
  inside: Span,
  owner: Owner,
  facts: Pick<DatabaseFacts, 'product'>,
): PrismaIndex | undefined {
  const settings = splitArguments(mask, inside)
  const named = (name: string) => settings.find((argument) => argument.name === name)?.value
  const fields = named('fields') ?? settings.find((argument) => argument.name === undefined)?.value
  const list = fields === undefined ? undefined : insideOf(mask, fields, '[')
  if (list === undefined) return undefined
  const keys = splitArguments(mask, list).map(({ value }) => readKey(text, mask, value))
  if (keys.length === 0 || keys.some((key) => key === undefined)) return undefined
  return withSettings(kind, keys as PrismaKey[], text, named, owner, facts)
}

/** The key that `@id` or `@unique` creates for one field. */
export function readFieldKey(
  kind: 'unique' | 'id',
  field: string,
  text: string,
  mask: string,
  inside: Span | undefined,
  owner: Owner,
  facts: Pick<DatabaseFacts, 'product'>,
): PrismaIndex {
  const settings = inside === undefined ? [] : splitArguments(mask, inside)
  const named = (name: string) => settings.find((argument) => argument.name === name)?.value
  const key = { field, ...keySettings(text, named) }
  return withSettings(kind, [key], text, named, owner, facts)
}

function withSettings(
  kind: Kind,
  keys: readonly PrismaKey[],
  text: string,
  named: (name: string) => Span | undefined,
  owner: Owner,
  facts: Pick<DatabaseFacts, 'product'>,
): PrismaIndex {
  // `name` is the index's name in the database in old schemas, and the name in the client if the index is
  // unique.
  const map = named('map') ?? (kind === 'index' || kind === 'fulltext' ? named('name') : undefined)
  const type = named('type')
  const where = named('where')
  const columns = keys.map((key) => owner.columnOf(key.field))
  const defaultName = conventionalName(
    { table: owner.table, columns, isUnique: kind === 'unique' },
    facts,
    prismaNaming,
  )
  return {
    kind,
    keys,
    name: map !== undefined ? unquote(slice(text, map)) : kind === 'id' ? `${owner.table}_pkey` : defaultName,
    ...(type === undefined || slice(text, type) === 'BTree' ? {} : { type: slice(text, type) }),
    ...(where === undefined ? {} : { where: slice(text, where) }),
  }
}

function readKey(text: string, mask: string, span: Span): PrismaKey | undefined {
  const field = /^[\w.-]+/.exec(slice(mask, span))?.[0]
  if (field === undefined) return undefined
  const inside = insideOf(mask, span, '(')
  const settings = inside === undefined ? [] : splitArguments(mask, inside)
  return { field, ...keySettings(text, (name) => settings.find((argument) => argument.name === name)?.value) }
}

function keySettings(text: string, named: (name: string) => Span | undefined): Omit<PrismaKey, 'field'> {
  const [sort, operators, length] = [named('sort'), named('ops'), named('length')]
  return {
    isDescending: sort !== undefined && slice(text, sort) === 'Desc',
    ...(operators === undefined ? {} : { operators: slice(text, operators) }),
    ...(length === undefined ? {} : { length: Number(slice(text, length)) }),
  }
}

const slice = (text: string, { start, end }: Span) => text.slice(start, end)
