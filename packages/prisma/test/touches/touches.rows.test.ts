import { type ColumnType, SchemaCatalog } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { rowBucket } from '../../../core/src/schema/row-key.ts'
import { PrismaSchema } from '../../src/schema/prisma-schema.ts'
import { touches } from '../../src/touches/touches.ts'
import { library } from '../schema/library.ts'
import { belongsTo, hasMany, model, scalar, schemaData } from '../schema/schema-builder.ts'

const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e'
const schema = new PrismaSchema(library())

const buckets = (...keys: readonly unknown[]) => keys.map((key) => rowBucket([String(key)]))
const pinned = (name: string, action: string, args: unknown, of = schema) =>
  touches(of, name, action, args).pinned?.buckets

/** Keys of two numbers, of a UUID, and of a string that contains one; the database defines their order. */
const keyed = (() => {
  const data = schemaData([
    model(
      'Seat',
      {
        rowNo: scalar('Int', { column: 'row_no' }),
        place: scalar('Int'),
        name: scalar('String'),
        visits: hasMany('Visit', 'SeatToVisit'),
      },
      { primaryKey: { fields: ['rowNo', 'place'] } },
    ),
    model('Visit', {
      id: scalar('String', { id: true, nativeType: 'Uuid' }),
      rowNo: scalar('Int'),
      place: scalar('Int'),
      seat: belongsTo('Seat', 'SeatToVisit', [
        ['rowNo', 'place'],
        ['rowNo', 'place'],
      ]),
    }),
    model('Note', { id: scalar('String', { id: true }) }),
    model(
      'Named',
      { a: scalar('BigInt'), b: scalar('Int') },
      { primaryKey: { name: 'ab', fields: ['a', 'b'] } },
    ),
  ])
  const column = (name: string, type: ColumnType) => ({ name, type, nullable: false })
  const table = (name: string, primaryKey: string[], columns: ReturnType<typeof column>[]) =>
    ({ name, kind: 'table', columns, primaryKey, uniqueKeys: [] }) as const
  const database = new SchemaCatalog({
    dialect: 'postgresql',
    defaultSchema: 'public',
    tables: [
      table(
        'Seat',
        ['place', 'row_no'],
        [column('row_no', 'integer'), column('place', 'integer'), column('name', 'text')],
      ),
      table('Visit', ['id'], [column('id', 'uuid'), column('rowNo', 'integer'), column('place', 'integer')]),
      table('Note', ['id'], [column('id', 'text')]),
      table('Named', ['a', 'b'], [column('a', 'integer'), column('b', 'integer')]),
    ],
    foreignKeys: [],
  })
  return new PrismaSchema(data, { database })
})()

describe('rows of a read', () => {
  it.each<[string, unknown, number[]]>([
    ['a value', { id: 7 }, [7]],
    ['a bigint', { id: 7n }, [7]],
    ['equals', { id: { equals: 7 } }, [7]],
    ['in', { id: { in: [7, 8] } }, [7, 8]],
    ['an empty in', { id: { in: [] } }, []],
    ['AND as an object', { AND: { id: 7 } }, [7]],
    ['AND as a list', { title: 'x', AND: [{ shelf: 1 }, { AND: [{ id: { in: [7] } }] }] }, [7]],
    [
      'other conditions beside',
      { id: 7, title: { contains: 'x' }, OR: [{ shelf: 1 }, { id: 8 }], NOT: { id: 9 } },
      [7],
    ],
    ['a relation beside', { id: 7, author: { name: 'x' } }, [7]],
    [
      '15 values',
      { id: { in: Array.from({ length: 15 }, (_, at) => at) } },
      Array.from({ length: 15 }, (_, at) => at),
    ],
  ])('are derived from %s', (_, where, keys) => {
    expect(pinned('Book', 'findMany', { where })).toEqual(buckets(...keys))
  })

  it.each<[string, unknown]>([
    ['no filter', undefined],
    ['undefined, which matches everything', { id: undefined }],
    ['null', { id: null }],
    ['equals undefined', { id: { equals: undefined } }],
    ['in undefined', { id: { in: undefined } }],
    ['another operator', { id: { gte: 7 } }],
    ['notIn', { id: { notIn: [7] } }],
    ['not', { id: { not: 7 } }],
    ['several operators', { id: { in: [7], not: 8 } }],
    ['OR', { OR: [{ id: 7 }] }],
    ['NOT', { NOT: { id: 7 } }],
    ['OR under AND', { AND: [{ OR: [{ id: 7 }, { shelf: 1 }] }] }],
    ['a fraction', { id: 7.5 }],
    ['a field of the row', { id: { equals: { modelName: 'Book', name: 'shelf' } } }],
    ['another unique key', { title_authorId: { title: 'x', authorId: 1 } }],
    ['16 values', { id: { in: Array.from({ length: 16 }, (_, at) => at) } }],
    ['a filter through a relation back to the table', { id: 7, prequel: { title: 'x' } }],
    ['a filter through others back to the table', { id: 7, genres: { some: { books: { some: {} } } } }],
  ])('are unknown with %s', (_, where) => {
    expect(pinned('Book', 'findMany', { where })).toBeUndefined()
  })

  it('are unknown when a selection or order reaches the same table', () => {
    const where = { id: 7 }
    expect(pinned('Book', 'findUnique', { where, include: { loans: true, author: true } })).toEqual(
      buckets(7),
    )
    expect(pinned('Book', 'findUnique', { where, include: { sequels: true } })).toBeUndefined()
    expect(
      pinned('Book', 'findUnique', { where, select: { author: { select: { books: true } } } }),
    ).toBeUndefined()
    expect(pinned('Book', 'findUnique', { where, include: { _count: true } })).toBeUndefined()
    expect(pinned('Book', 'findMany', { where, orderBy: { prequel: { title: 'asc' } } })).toBeUndefined()
    expect(pinned('Book', 'findMany', { where, orderBy: { author: { name: 'asc' } } })).toEqual(buckets(7))
  })

  it.each([{ take: 1 }, { skip: 1 }, { cursor: { id: 7 } }, { distinct: ['title'] }])(
    'are unknown for a page: %j',
    (page) => {
      expect(pinned('Book', 'findMany', { where: { id: 7 }, ...page })).toBeUndefined()
    },
  )

  it('are unknown for the first of several rows', () => {
    expect(pinned('Book', 'findFirst', { where: { id: { in: [7, 8] } } })).toBeUndefined()
    expect(pinned('Book', 'findFirst', { where: { id: { in: [] } } })).toBeUndefined()
    expect(pinned('Book', 'findFirst', { where: { id: { in: [7] } } })).toEqual(buckets(7))
  })

  it.each(['count', 'aggregate', 'groupBy'])('are unknown for %s', (action) => {
    expect(pinned('Book', action, { where: { id: 7 }, by: ['id'] })).toBeUndefined()
  })

  it('are derived from a column whose name differs from its field', () => {
    expect(pinned('Author', 'findUnique', { where: { id: 7 } })).toEqual(buckets(7))
  })

  it('are derived from all fields of a composite key, in the order of the database', () => {
    const seat = [rowBucket(['2', '1'])]
    expect(pinned('Seat', 'findUnique', { where: { rowNo_place: { rowNo: 1, place: 2 } } }, keyed)).toEqual(
      seat,
    )
    expect(pinned('Seat', 'findFirst', { where: { rowNo: 1, place: { in: [2] } } }, keyed)).toEqual(seat)
    expect(pinned('Seat', 'findMany', { where: { AND: [{ rowNo: 1, place: 2 }] } }, keyed)).toEqual(seat)
    expect(pinned('Named', 'findUnique', { where: { ab: { a: 1n, b: 2 } } }, keyed)).toEqual([
      rowBucket(['1', '2']),
    ])
    expect(pinned('Seat', 'findMany', { where: { rowNo: 1 } }, keyed)).toBeUndefined()
    expect(pinned('Seat', 'findMany', { where: { rowNo: 1, place: { in: [2, 3] } } }, keyed)).toBeUndefined()
    expect(
      pinned('Seat', 'findMany', { where: { AND: [{ rowNo: 1 }, { place: 2 }] } }, keyed),
    ).toBeUndefined()
  })

  it('are derived from lowercase UUIDs in a UUID column', () => {
    expect(pinned('Visit', 'findUnique', { where: { id: UUID } }, keyed)).toEqual(buckets(UUID))
    expect(pinned('Visit', 'findUnique', { where: { id: UUID.toUpperCase() } }, keyed)).toBeUndefined()
    expect(pinned('Note', 'findUnique', { where: { id: UUID } }, keyed)).toBeUndefined()
  })

  it('are unknown when the database does not identify rows by this key', () => {
    expect(
      touches(schema, 'Book', 'findUnique', { where: { id: 7 } }, () => undefined).pinned,
    ).toBeUndefined()
    const other = { dialect: 'postgresql', columns: ['isbn'], types: ['integer'] } as const
    expect(touches(schema, 'Book', 'findUnique', { where: { id: 7 } }, () => other).pinned).toBeUndefined()
  })
})

/** The changes with rows: `kind table: keys`, or `any`; the keys 1 to 99 are recovered from their buckets. */
function rowsOf(name: string, action: string, args: unknown, of = schema): string[] {
  const keyOf = new Map(Array.from({ length: 99 }, (_, at) => [rowBucket([String(at + 1)]), at + 1]))
  return touches(of, name, action, args).changes.map(({ kind, table, rows }) => {
    const named =
      kind === 'insert'
        ? ''
        : `: ${rows === undefined ? 'any' : rows.map((bucket) => keyOf.get(bucket) ?? bucket)}`
    return `${kind} ${table.slice(table.indexOf('.') + 1)}${named}`
  })
}

describe('rows of a write', () => {
  it.each(['update', 'updateMany', 'updateManyAndReturn'])('are derived from the filter of %s', (action) => {
    expect(rowsOf('Genre', action, { where: { id: 7 }, data: {} })).toEqual([])
    expect(rowsOf('Book', action, { where: { id: 7 }, data: { title: 'x' } })).toEqual(['update Book: 7'])
    expect(rowsOf('Book', action, { where: { title: 'y' }, data: { title: 'x' } })).toEqual([
      'update Book: any',
    ])
    expect(rowsOf('Book', action, { data: { title: 'x' } })).toEqual(['update Book: any'])
  })

  it.each(['delete', 'deleteMany'])('are derived from the filter of %s', (action) => {
    expect(rowsOf('Loan', action, { where: { AND: [{ id: { in: [7, 8] } }] } })).toEqual(['delete Loan: 7,8'])
    expect(rowsOf('Loan', action, {})).toEqual(['delete Loan: any'])
  })

  it('are at most 64', () => {
    const ids = (length: number) => ({ where: { id: { in: Array.from({ length }, (_, at) => at + 1) } } })
    expect(touches(schema, 'Loan', 'deleteMany', ids(64)).changes[0]?.rows).toHaveLength(64)
    expect(touches(schema, 'Loan', 'deleteMany', ids(65)).changes[0]?.rows).toBeUndefined()
  })

  it('are those of the row that an upsert updates', () => {
    expect(rowsOf('Book', 'upsert', { where: { id: 7 }, update: { title: 'x' }, create: {} })).toEqual([
      'update Book: 7',
      'insert Book',
    ])
  })

  it('are unknown when the primary key changes', () => {
    const { changes } = touches(schema, 'Loan', 'update', { where: { id: 7 }, data: { id: 8 } })
    expect(schema.catalog.effectOf(changes).rows).toBeUndefined()
  })

  it('are unknown in tables to which a delete cascades', () => {
    const { changes } = touches(schema, 'Author', 'delete', { where: { id: 7 } })
    const { tables, rows } = schema.catalog.effectOf(changes)
    expect(tables.size).toBeGreaterThan(3)
    expect([...(rows?.keys() ?? [])]).toEqual(['public.authors'])
  })
})

describe('rows of nested writes', () => {
  const update = (name: string, data: unknown) => rowsOf(name, 'update', { where: { id: 7 }, data })
  const create = (name: string, data: unknown) => rowsOf(name, 'create', { data })

  it('are derived from the filters of connect and disconnect when the other table contains the key', () => {
    expect(update('Book', { loans: { connect: [{ id: 8 }, { id: 9 }] } })).toEqual(['update Loan: 8,9'])
    expect(create('Book', { loans: { connect: { id: 8 } } })).toEqual(['insert Book', 'update Loan: 8'])
    expect(update('Book', { sequels: { disconnect: [{ id: 8 }] } })).toEqual(['update Book: 8'])
    expect(
      update('Book', {
        sequels: { disconnect: [{ id: 8 }, { title_authorId: { title: 'x', authorId: 1 } }] },
      }),
    ).toEqual(['update Book: any'])
  })

  it('are unknown for set, which disconnects rows that it does not name', () => {
    expect(update('Book', { sequels: { set: [{ id: 8 }] } })).toEqual(['update Book: any'])
    expect(update('Book', { sequels: { set: [] } })).toEqual(['update Book: any'])
  })

  it('are derived from the filter of connectOrCreate', () => {
    const step = (where: unknown) => update('Book', { loans: { connectOrCreate: [{ where, create: {} }] } })
    expect(step({ id: 8 })).toEqual(['insert Loan', 'update Loan: 8'])
    expect(step({ bookId: 8 })).toEqual(['insert Loan', 'update Loan: any'])
  })

  it('are those of the row itself when it contains the key', () => {
    expect(update('Book', { author: { connect: { id: 8 } } })).toEqual(['update Book: 7'])
    expect(update('Book', { title: 'x', author: { create: {} } })).toEqual([
      'update Book: 7',
      'insert authors',
    ])
    expect(
      rowsOf('Book', 'update', { where: { title: 'x' }, data: { author: { connect: { id: 8 } } } }),
    ).toEqual(['update Book: any'])
  })

  it('are unknown in a one-to-one relation, where another row may be replaced', () => {
    expect(update('Card', { owner: { connect: { email: 'x' } } })).toEqual(['update Card: any'])
    expect(create('Card', { owner: { connect: { email: 'x' } } })).toEqual([
      'insert Card',
      'update Card: any',
    ])
    expect(update('Author', { card: { connect: { id: 8 } } })).toContain('update Card: any')
    expect(update('Author', { card: { disconnect: { id: 8 } } })).toContain('update Card: any')
    expect(create('Author', { card: { connect: { id: 8 } } })).toEqual(['insert authors', 'update Card: 8'])
  })

  it('are unknown in a join table', () => {
    expect(update('Genre', { books: { connect: [{ id: 8 }] } })).toEqual([
      'insert _BookToGenre',
      'delete _BookToGenre: any',
    ])
  })

  it('are derived from the filters of update, updateMany and upsert', () => {
    expect(update('Book', { loans: { update: { where: { id: 8 }, data: { bookId: 1 } } } })).toEqual([
      'update Loan: 8',
    ])
    expect(update('Book', { loans: { updateMany: [{ where: { id: 8 }, data: { bookId: 1 } }] } })).toEqual([
      'update Loan: 8',
    ])
    expect(update('Book', { loans: { updateMany: { where: {}, data: { bookId: 1 } } } })).toEqual([
      'update Loan: any',
    ])
    expect(
      update('Book', { loans: { upsert: [{ where: { id: 8 }, update: { bookId: 1 }, create: {} }] } }),
    ).toEqual(['update Loan: 8', 'insert Loan'])
  })

  it('are unknown for an update of a to-one relation without a filter', () => {
    expect(update('Book', { author: { update: { name: 'x' } } })).toEqual(['update authors: any'])
    expect(update('Book', { author: { update: { where: { id: 8 }, data: { name: 'x' } } } })).toEqual([
      'update authors: 8',
    ])
    expect(update('Author', { card: { update: { where: { id: 8 }, data: { ownerEmail: 'x' } } } })).toContain(
      'update Card: any',
    )
  })

  it('are derived from the filters of delete and deleteMany', () => {
    expect(update('Book', { loans: { delete: [{ id: 8 }, { id: 9 }] } })).toEqual(['delete Loan: 8,9'])
    expect(update('Book', { loans: { deleteMany: [{ id: 8 }, {}] } })).toEqual(['delete Loan: any'])
    expect(update('Book', { loans: { deleteMany: {} } })).toEqual(['delete Loan: any'])
    expect(update('Book', { loans: { deleteMany: [] } })).toEqual(['delete Loan: any'])
    expect(update('Book', { author: { delete: true } })).toContain('delete authors: any')
  })

  it('are combined when one table is written in several places', () => {
    expect(
      update('Book', { title: 'x', sequels: { update: { where: { id: 8 }, data: { shelf: 1 } } } }),
    ).toEqual(['update Book: 7,8'])
    expect(
      update('Book', { title: 'x', sequels: { updateMany: { where: {}, data: { shelf: 1 } } } }),
    ).toEqual(['update Book: any'])
    expect(update('Book', { loans: { delete: { id: 8 }, deleteMany: [{ bookId: 1 }] } })).toEqual([
      'delete Loan: any',
    ])
  })
})
