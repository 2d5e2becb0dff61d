import { describe, expect, it } from 'vitest'
import { PrismaSchema } from '../../src/schema/prisma-schema.ts'
import type { PrismaSchemaData } from '../../src/schema/prisma-schema-data.ts'
import { touches } from '../../src/touches/touches.ts'
import { library } from '../schema/library.ts'

const schema = new PrismaSchema(library())

/** Table names without schemas, sorted. */
function names(tables: Iterable<string>): string[] {
  return [...tables].map((table) => table.slice(table.indexOf('.') + 1)).sort()
}

const reads = (model: string, action: string, args: unknown, of = schema) =>
  names(touches(of, model, action, args).reads)

/** The changes as `kind table(columns)`. */
function changes(model: string, action: string, args: unknown): string[] {
  return touches(schema, model, action, args).changes.map(
    ({ kind, table, columns }) => `${kind} ${names([table])}${columns ? `(${columns})` : ''}`,
  )
}

const writes = (model: string, action: string, args: unknown, of = schema) =>
  names(of.catalog.effectOf(touches(of, model, action, args).changes).tables)

describe('touches of reads', () => {
  it('are one shared frozen object for a read within one table', () => {
    const first = touches(schema, 'Book', 'findFirst', { where: { title: 'x' }, select: { title: true } })
    expect(touches(schema, 'Book', 'findMany', undefined)).toBe(first)
    expect(Object.isFrozen(first)).toBe(true)
    expect(first).toMatchObject({ changes: [], opaque: false })
    expect(names(first.reads)).toEqual(['Book'])
  })

  it.each<[string, unknown, string[]]>([
    ['some', { books: { some: { loans: { none: {} } } } }, ['Book', 'Loan', 'authors']],
    ['every', { books: { every: { title: 'x' } } }, ['Book', 'authors']],
    ['a short filter of a to-one relation', { card: { stamps: { some: {} } } }, ['Card', 'Stamp', 'authors']],
    ['is null', { card: null }, ['Card', 'authors']],
    ['isNot', { card: { isNot: { stamps: { some: {} } } } }, ['Card', 'Stamp', 'authors']],
    ['AND as an object', { AND: { books: { some: {} } } }, ['Book', 'authors']],
    ['OR within NOT', { NOT: [{ OR: [{ name: 'x' }, { card: { is: null } }] }] }, ['Card', 'authors']],
    ['an undefined filter', { books: undefined }, ['authors']],
  ])('follow a filter by %s', (_, where, expected) => {
    expect(reads('Author', 'findMany', { where })).toEqual(expected)
    expect(reads('Author', 'count', { where })).toEqual(expected)
    expect(reads('Author', 'groupBy', { by: ['name'], where })).toEqual(expected)
  })

  it.each<[string, unknown, string[]]>([
    ['the count of a relation', [{ books: { _count: 'asc' } }], ['Book', 'authors']],
    ['a field of a to-one relation', { card: { data: 'asc' } }, ['Card', 'authors']],
    ['a field of its own', { name: 'asc' }, ['authors']],
  ])('follow an order by %s', (_, orderBy, expected) => {
    expect(reads('Author', 'findMany', { orderBy })).toEqual(expected)
  })

  it.each<[string, object, string[]]>([
    ['include', { include: { books: true } }, ['Book', 'authors']],
    ['include of false', { include: { books: false } }, ['authors']],
    ['a nested select', { select: { books: { select: { loans: true } } } }, ['Book', 'Loan', 'authors']],
    [
      'a nested filter',
      { include: { books: { where: { genres: { some: {} } } } } },
      ['Book', 'Genre', '_BookToGenre', 'authors'],
    ],
    [
      'a nested order',
      { include: { books: { orderBy: { loans: { _count: 'asc' } } } } },
      ['Book', 'Loan', 'authors'],
    ],
    ['the count of one list', { include: { _count: { select: { books: true } } } }, ['Book', 'authors']],
    [
      'a filtered count',
      { select: { _count: { select: { books: { where: { loans: { some: {} } } } } } } },
      ['Book', 'Loan', 'authors'],
    ],
    ['a count not selected', { include: { _count: { select: { books: false } } } }, ['authors']],
  ])('follow %s', (_, selection, expected) => {
    expect(reads('Author', 'findFirst', selection)).toEqual(expected)
  })

  it('follow an order through relation after relation', () => {
    expect(reads('Stamp', 'findMany', { orderBy: { card: { owner: { name: 'asc' } } } })).toEqual([
      'Card',
      'Stamp',
      'authors',
    ])
  })

  it('include every list for `_count: true`', () => {
    expect(reads('Book', 'findMany', { include: { _count: true } })).toEqual([
      'Book',
      'Genre',
      'Loan',
      '_BookToGenre',
    ])
  })

  it('include the join table of a many-to-many relation', () => {
    expect(reads('Genre', 'findMany', { include: { books: true } })).toEqual([
      'Book',
      'Genre',
      '_BookToGenre',
    ])
  })

  it('contain a view by its own ID', () => {
    expect(reads('Report', 'findMany', {})).toEqual(['report'])
  })
})

describe('touches of writes', () => {
  it.each(['create', 'createMany', 'createManyAndReturn'])('insert for %s', (action) => {
    expect(changes('Genre', action, { data: {} })).toEqual(['insert Genre'])
  })

  it.each(['update', 'updateMany', 'updateManyAndReturn'])(
    'contain the changed columns for %s, and those of @updatedAt',
    (action) => {
      expect(changes('Author', action, { where: { id: 1 }, data: { id: 2, name: undefined } })).toEqual([
        'update authors(changed_at,author_id)',
      ])
    },
  )

  it('update and insert for upsert', () => {
    expect(
      changes('Book', 'upsert', { where: { id: 1 }, update: { title: 'x' }, create: { title: 'x' } }),
    ).toEqual(['update Book(title)', 'insert Book'])
  })

  it.each(['delete', 'deleteMany'])('delete for %s', (action) => {
    expect(changes('Loan', action, { where: { id: 1 } })).toEqual(['delete Loan'])
  })

  it('include the tables that filters and selections read', () => {
    const args = { where: { books: { some: {} } }, data: { name: 'x' }, include: { card: true } }
    expect(reads('Author', 'update', args)).toEqual(['Book', 'Card', 'authors'])
  })

  it('include every table to which the database cascades a delete', () => {
    expect(writes('Author', 'delete', { where: { id: 1 } })).toEqual([
      'Book',
      'Card',
      'Loan',
      '_BookToGenre',
      'authors',
    ])
  })

  it('include tables to which an update of a referenced column cascades, and no others', () => {
    expect(writes('Author', 'update', { where: { id: 1 }, data: { email: 'x' } })).toEqual([
      'Card',
      'authors',
    ])
    expect(writes('Author', 'update', { where: { id: 1 }, data: { name: 'x' } })).toEqual(['authors'])
  })

  it('include all columns when the data is not an object', () => {
    expect(changes('Author', 'update', { where: { id: 1 } })).toEqual(['update authors'])
  })
})

describe('touches of nested writes', () => {
  const update = (model: string, data: unknown) => changes(model, 'update', { where: { id: 1 }, data })
  const create = (model: string, data: unknown) => changes(model, 'create', { data })

  it('insert for create, createMany and connectOrCreate', () => {
    expect(create('Author', { books: { create: [{ loans: { create: {} } }, {}] } })).toEqual([
      'insert authors',
      'insert Book',
      'insert Loan',
    ])
    expect(create('Book', { loans: { createMany: { data: [{ id: 1 }] } } })).toEqual([
      'insert Book',
      'insert Loan',
    ])
    expect(create('Author', { books: { connectOrCreate: { where: { id: 1 }, create: {} } } })).toEqual([
      'insert authors',
      'insert Book',
      'update Book(author)',
    ])
  })

  it.each(['connect', 'disconnect', 'set'])('update the key in the other table for %s', (step) => {
    expect(update('Book', { sequels: { [step]: [{ id: 2 }] } })).toEqual(['update Book(sequelTo)'])
    expect(update('Author', { books: { [step]: [{ id: 2 }] } })).toContain('update Book(author)')
  })

  it('update the key in the table of the model', () => {
    expect(update('Book', { author: { connect: { id: 2 } } })).toEqual(['update Book(author)'])
    expect(create('Book', { author: { connect: { id: 2 } } })).toEqual(['insert Book'])
  })

  it.each(['connect', 'disconnect', 'set'])('insert and delete in the join table for %s', (step) => {
    expect(update('Genre', { books: { [step]: [{ id: 1 }] } })).toEqual([
      'insert _BookToGenre',
      'delete _BookToGenre',
    ])
  })

  it('update the row that is replaced in a one-to-one relation', () => {
    expect(create('Card', { owner: { connect: { id: 1 } } })).toEqual([
      'insert Card',
      'update Card(ownerEmail)',
    ])
    expect(update('Author', { card: { create: {} } })).toContain('update Card(ownerEmail)')
  })

  it('delete, and clear the key when the table of the model contains it', () => {
    expect(update('Card', { owner: { delete: true } })).toEqual(['delete authors', 'update Card(ownerEmail)'])
    expect(update('Book', { loans: { deleteMany: {} } })).toEqual(['delete Loan'])
  })

  it('update through lists and to-one relations', () => {
    expect(update('Book', { loans: { update: { where: { id: 1 }, data: { id: 2 } } } })).toEqual([
      'update Loan(id)',
    ])
    expect(update('Book', { loans: { updateMany: [{ where: {}, data: { id: 2 } }] } })).toEqual([
      'update Loan(id)',
    ])
    expect(update('Book', { author: { update: { name: 'x' } } })).toEqual(['update authors(changed_at,name)'])
    expect(update('Book', { author: { update: { where: { card: null }, data: { name: 'x' } } } })).toEqual([
      'update authors(changed_at,name)',
    ])
  })

  it('interpret `update: { data }` both ways when the target has a field `data`', () => {
    const both = { card: { update: { data: { set: 'x' }, stamps: { create: {} } } } }
    expect(update('Author', both)).toEqual(expect.arrayContaining(['update Card', 'insert Stamp']))
    expect(update('Author', { card: { update: { data: { stamps: { create: {} } } } } })).toContain(
      'insert Stamp',
    )
  })

  it('update, insert and connect for upsert', () => {
    expect(update('Author', { card: { upsert: { create: {}, update: { id: 3 } } } })).toEqual([
      'update authors(changed_at)',
      'update Card(id,ownerEmail)',
      'insert Card',
    ])
  })

  it.each(['connect', 'disconnect', 'set', 'delete', 'deleteMany'])(
    'include the tables that the filter of %s reads',
    (step) => {
      const data = { books: { [step]: [{ id: 1, genres: { some: {} } }] } }
      expect(reads('Author', 'update', { data })).toEqual(['Book', 'Genre', '_BookToGenre', 'authors'])
    },
  )

  it.each([
    ['update', { data: {} }],
    ['updateMany', { data: {} }],
    ['upsert', { create: {}, update: {} }],
    ['connectOrCreate', { create: {} }],
  ])('include the tables that the where of %s reads', (step, more) => {
    const data = { books: { [step]: { where: { genres: { some: {} } }, ...more } } }
    expect(reads('Author', 'update', { data })).toEqual(['Book', 'Genre', '_BookToGenre', 'authors'])
  })
})

describe('opaque touches', () => {
  it.each<[string, string, string, unknown]>([
    ['an unknown model', 'Nobody', 'findMany', {}],
    ['an unknown action', 'Book', 'findRaw', {}],
    ['an unknown nested step', 'Author', 'update', { data: { books: { replace: {} } } }],
    ['a deeper unknown step', 'Author', 'create', { data: { books: { create: { loans: { swap: [] } } } } }],
    ['a write through a view', 'Report', 'create', { data: {} }],
  ])('are opaque for %s', (_, model, action, args) => {
    expect(touches(schema, model, action, args).opaque).toBe(true)
  })

  it('are not opaque for an undefined step', () => {
    expect(touches(schema, 'Author', 'update', { data: { books: { replace: undefined } } }).opaque).toBe(
      false,
    )
  })
})

describe('touches with relationMode "prisma"', () => {
  const emulated = new PrismaSchema(library({ relationMode: 'prisma' } satisfies Partial<PrismaSchemaData>))

  it('include the tables that refer to the changed ones', () => {
    expect(reads('Author', 'delete', { where: { id: 1 } }, emulated)).toEqual([
      'Book',
      'Card',
      'Loan',
      'Stamp',
      '_BookToGenre',
      'authors',
    ])
    expect(reads('Author', 'delete', { where: { id: 1 } })).toEqual(['authors'])
  })

  it('cascade in the same way as foreign keys', () => {
    expect(writes('Author', 'delete', { where: { id: 1 } }, emulated)).toEqual(
      writes('Author', 'delete', { where: { id: 1 } }),
    )
  })
})
