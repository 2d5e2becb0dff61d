import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { PrismaSchema } from '../src/schema/prisma-schema.ts'
import { PrismaShapes } from '../src/shape.ts'
import { library } from './schema/library.ts'
import { belongsTo, hasMany, model, scalar } from './schema/schema-builder.ts'

const id = scalar('Int', { id: true })
const teams = [
  model(
    'Membership',
    {
      orgId: scalar('String'),
      userId: scalar('Int'),
      role: scalar('String'),
      tasks: hasMany('Task', 'MembershipToTask'),
    },
    { primaryKey: { fields: ['orgId', 'userId'] } },
  ),
  model('Task', {
    id,
    orgId: scalar('String'),
    ownerId: scalar('Int'),
    owner: belongsTo('Membership', 'MembershipToTask', [
      ['orgId', 'ownerId'],
      ['orgId', 'userId'],
    ]),
  }),
  model('Letter', {
    id,
    fromId: scalar('Int'),
    toId: scalar('Int'),
    from: belongsTo('Person', 'sent', [['fromId'], ['id']]),
    to: belongsTo('Person', 'received', [['toId'], ['id']]),
  }),
  model('Person', { id, sent: hasMany('Letter', 'sent'), received: hasMany('Letter', 'received') }),
]
const data = library()
const schema = new PrismaSchema({ ...data, models: [...data.models, ...teams] })
const shapes = new PrismaShapes('postgresql')

type Call = readonly [call: string, args?: object]

function shapeOf([call, args]: Call, hasModel = true) {
  const [name = '', operation = ''] = call.split('.')
  return shapes.shapeOf(name, hasModel ? schema.models.get(name) : undefined, operation, 'read', args)
}

const fixOf = (listing: Call | undefined, asked: Call) =>
  shapeOf(asked).fix?.(listing === undefined ? undefined : shapeOf(listing))

/** A fix is an argument of the parent query, or a separate call. */
function syntaxErrors(fix: string): string[] {
  const code = fix.startsWith('prisma.') ? fix : `({ ${fix}\n})`
  const { diagnostics } = ts.transpileModule(code, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022 },
  })
  return (diagnostics ?? []).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

const books: Call = ['Book.findMany']
const authors: Call = ['Author.findMany']

describe('fixes along a relation', () => {
  it.each<[string, Call, Call, string]>([
    [
      'to-one',
      books,
      ['Author.findUnique', { where: { id: 1 } }],
      'include: { author: true }  // in book.findMany',
    ],
    [
      'to-one with a selection',
      books,
      ['Author.findUniqueOrThrow', { where: { id: 1 }, select: { name: true, books: { take: 2 } } }],
      'include: { author: { select: { name: true, books: { take: 2 } } } }  // in book.findMany',
    ],
    [
      'to-one by findFirst',
      books,
      ['Author.findFirst', { where: { id: 1 } }],
      'include: { author: true }  // in book.findMany',
    ],
    [
      'one to one',
      authors,
      ['Card.findUnique', { where: { ownerEmail: 'a' } }],
      'include: { card: true }  // in author.findMany',
    ],
    [
      'to-many',
      authors,
      ['Book.findMany', { where: { authorId: 1 } }],
      'include: { books: true }  // in author.findMany',
    ],
    [
      'to-many with an order and a limit for each',
      authors,
      [
        'Book.findMany',
        { where: { authorId: 1 }, orderBy: [{ title: 'asc' }, { id: 'desc' }], take: 3, skip: 1 },
      ],
      "include: { books: { orderBy: [{ title: 'asc' }, { id: 'desc' }], take: 3, skip: 1 } }  // in author.findMany",
    ],
    [
      'the first of many',
      authors,
      ['Book.findFirst', { where: { authorId: 1 }, orderBy: { id: 'desc' } }],
      "include: { books: { orderBy: { id: 'desc' }, take: 1 } }  // in author.findMany",
    ],
    [
      'to-many without deleted rows',
      authors,
      ['Book.findMany', { where: { authorId: 1, shelf: null, sequelTo: { not: null } } }],
      'include: { books: { where: { shelf: null, sequelTo: { not: null } } } }  // in author.findMany',
    ],
    [
      'to-many with a range',
      authors,
      ['Book.findMany', { where: { authorId: 1, place: { gte: 3, lt: 9 } }, orderBy: { id: 'asc' } }],
      "include: { books: { where: { place: { gte: value, lt: value } }, orderBy: { id: 'asc' } } }  // in author.findMany, if value is the same for all keys",
    ],
    [
      'a count without deleted rows',
      authors,
      ['Book.count', { where: { authorId: 1, shelf: null } }],
      'include: { _count: { select: { books: { where: { shelf: null } } } } }  // in author.findMany',
    ],
    [
      'a count',
      authors,
      ['Book.count', { where: { authorId: 1 } }],
      'include: { _count: { select: { books: true } } }  // in author.findMany',
    ],
    [
      'a listing that selects',
      ['Author.findMany', { select: { id: true } }],
      ['Book.findMany', { where: { authorId: 1 } }],
      'select: { books: true }  // in author.findMany',
    ],
    [
      'a composite key',
      ['Membership.findMany'],
      ['Task.findMany', { where: { orgId: 'o', ownerId: 1 } }],
      'include: { tasks: true }  // in membership.findMany',
    ],
    [
      'a compound selector',
      ['Task.findMany'],
      ['Membership.findUnique', { where: { orgId_userId: { orgId: 'o', userId: 1 } } }],
      'include: { owner: true }  // in task.findMany',
    ],
    [
      'one of two relations',
      ['Letter.findMany'],
      ['Person.findUnique', { where: { id: 1 } }],
      'include: { from: true }  // or to, in letter.findMany',
    ],
    [
      'a relation of a model to itself',
      books,
      ['Book.findMany', { where: { sequelTo: 1 } }],
      'include: { sequels: true }  // in book.findMany',
    ],
  ])('add an argument to the parent query for %s', (_name, listing, asked, expected) => {
    const fix = fixOf(listing, asked)
    expect(fix).toBe(expected)
    expect(syntaxErrors(fix ?? '')).toEqual([])
  })

  it('show no value of a condition', () => {
    const include = {
      loans: {
        where: { book: { title: { in: ['Secret', 'Hidden'] } }, bookId: null, id: { gt: 5n } },
        cursor: { id: 77 },
      },
    }
    const fix = fixOf(authors, ['Book.findMany', { where: { authorId: 1 }, include }])
    expect(fix).toContain(
      'loans: { where: { book: { title: { in: values } }, bookId: null, id: { gt: value } }, cursor: { id: value } }',
    )
    expect(syntaxErrors(fix ?? '')).toEqual([])
  })

  it('quote names and strings that need it', () => {
    const fix = fixOf(authors, [
      'Book.findMany',
      { where: { authorId: 1 }, orderBy: { 'odd-name': `it's "\\" \n` }, distinct: ['title'] },
    ])
    expect(fix).toContain(`{ 'odd-name': 'it\\'s "\\\\" \\n' }`)
    expect(syntaxErrors(fix ?? '')).toEqual([])
  })
})

describe('fixes without a relation', () => {
  it.each<[string, Call, string]>([
    [
      'a unique key',
      ['Author.findUnique', { where: { email: 'a' } }],
      'prisma.author.findMany({ where: { email: { in: keys } } })',
    ],
    [
      'rows in an order',
      ['Book.findMany', { where: { shelf: 1 }, orderBy: { id: 'asc' } }],
      "prisma.book.findMany({ where: { shelf: { in: keys } }, orderBy: { id: 'asc' } })",
    ],
    [
      'a selection, which must not lose the key',
      ['Book.findMany', { where: { shelf: 1 }, select: { title: true } }],
      'prisma.book.findMany({ where: { shelf: { in: keys } } })',
    ],
    [
      'the first of each',
      ['Book.findFirst', { where: { shelf: 1 }, orderBy: { id: 'asc' } }],
      "prisma.book.findMany({ where: { shelf: { in: keys } }, orderBy: { id: 'asc' }, distinct: ['shelf'] })",
    ],
    [
      'counts',
      ['Book.count', { where: { shelf: 1 } }],
      "prisma.book.groupBy({ by: ['shelf'], where: { shelf: { in: keys } }, _count: true })",
    ],
    [
      'counts of fields',
      ['Book.count', { where: { shelf: 1 }, select: { _all: true, sequelTo: true } }],
      "prisma.book.groupBy({ by: ['shelf'], where: { shelf: { in: keys } }, _count: { _all: true, sequelTo: true } })",
    ],
    [
      'aggregates',
      ['Book.aggregate', { where: { shelf: 1 }, _max: { place: true } }],
      "prisma.book.groupBy({ by: ['shelf'], where: { shelf: { in: keys } }, _max: { place: true } })",
    ],
    [
      'rows that are not deleted',
      ['Book.findMany', { where: { shelf: 1, sequelTo: null } }],
      'prisma.book.findMany({ where: { shelf: { in: keys }, sequelTo: null } })',
    ],
    [
      'rows with conditions in AND',
      ['Book.findMany', { where: { AND: [{ shelf: 1 }, { sequelTo: null }] } }],
      'prisma.book.findMany({ where: { shelf: { in: keys }, sequelTo: null } })',
    ],
    [
      'rows in a range',
      ['Book.findFirst', { where: { place: { gte: 3 }, shelf: 1, id: { in: [1] } }, orderBy: { id: 'asc' } }],
      "prisma.book.findMany({ where: { shelf: { in: keys }, place: { gte: value }, id: { in: values } }, orderBy: { id: 'asc' }, distinct: ['shelf'] })  // if value is the same for all keys",
    ],
    [
      'counts without deleted rows',
      ['Book.count', { where: { shelf: 1, sequelTo: null } }],
      "prisma.book.groupBy({ by: ['shelf'], where: { shelf: { in: keys }, sequelTo: null }, _count: true })",
    ],
    [
      'a composite key',
      ['Membership.findUnique', { where: { orgId_userId: { orgId: 'o', userId: 1 } } }],
      'prisma.membership.findMany({ where: { OR: keys } })',
    ],
  ])('replace %s with one call for all keys', (_name, asked, expected) => {
    const fix = fixOf(undefined, asked)
    expect(fix).toBe(expected)
    expect(syntaxErrors(fix ?? '')).toEqual([])
  })

  it('are separate calls when the relation does not accept the arguments', () => {
    expect(fixOf(books, ['Author.findMany', { where: { id: 1 }, orderBy: { id: 'asc' } }])).toMatch(
      /^prisma\.author\.findMany/,
    )
    expect(fixOf(books, ['Author.findFirst', { where: { id: 1, name: { not: null } } }])).toBe(
      "prisma.author.findMany({ where: { id: { in: keys }, name: { not: null } }, distinct: ['id'] })",
    )
    expect(fixOf(authors, ['Book.aggregate', { where: { authorId: 1 }, _sum: { place: true } }])).toMatch(
      /^prisma\.book\.groupBy/,
    )
    expect(
      fixOf(['Author.groupBy', { by: ['name'] }], ['Book.findMany', { where: { authorId: 1 } }]),
    ).toMatch(/^prisma\.book\.findMany/)
  })
})

describe('missing fixes', () => {
  it.each<[string, Call]>([
    ['nothing is asked for by key', ['Book.findMany', {}]],
    ['it asks by a relation’s field', ['Book.findMany', { where: { author: { name: 'x' } } }]],
    ['it combines conditions', ['Book.findMany', { where: { OR: [{ id: 1 }] } }]],
    ['it asks for a range', ['Book.findMany', { where: { shelf: { gt: 1 } } }]],
    ['it has a filter beside its key', ['Book.findMany', { where: { shelf: 1, title: 'x' } }]],
    ['it takes some of each key', ['Book.findMany', { where: { shelf: 1 }, take: 3 }]],
    ['it counts some of each key', ['Book.count', { where: { shelf: 1 }, take: 3 }]],
    [
      'an argument cannot be written',
      ['Book.findMany', { where: { shelf: 1 }, orderBy: { place: Symbol('skip') } }],
    ],
    ['it groups', ['Book.groupBy', { by: ['place'], where: { shelf: 1 } }]],
    [
      'a key is called by a name of its own',
      ['Book.findUnique', { where: { spot: { shelf: 1, place: 2 } } }],
    ],
  ])('are expected when %s', (_name, asked) => {
    expect(fixOf(undefined, asked)).toBeUndefined()
  })

  it('are expected without a model, except for a field that is certainly an ID', () => {
    expect(shapeOf(['Shop.findUnique', { where: { id: 1 } }], false).fix?.(undefined)).toBe(
      'prisma.shop.findMany({ where: { id: { in: keys } } })',
    )
    expect(
      shapeOf(['Shop.findMany', { where: { owner: { name: 'x' } } }], false).fix?.(undefined),
    ).toBeUndefined()
    expect(shapeOf(['Shop.findMany', { where: { AND: [] } }], false).fix?.(undefined)).toBeUndefined()
  })
})
