import { SluiceError } from '@sluice/core'
import { SchemaCatalog } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { PrismaSchema } from '../../src/schema/prisma-schema.ts'
import type { PrismaSchemaData } from '../../src/schema/prisma-schema-data.ts'
import { library } from './library.ts'
import { belongsTo, hasMany, model, scalar, schemaData } from './schema-builder.ts'

const schema = new PrismaSchema(library())
const relation = (modelName: string, field: string) => schema.models.get(modelName)?.relations.get(field)

function keysFrom(table: string, of = schema) {
  return of.catalog.foreignKeys.filter((key) => key.table === table)
}

describe('PrismaSchema', () => {
  it('uses table and column names of the database', () => {
    const author = schema.models.get('Author')
    expect(author?.table).toBe('public.authors')
    expect(author?.column('id')).toBe('author_id')
    expect(author?.column('books')).toBeUndefined()
    expect(author?.updatedAtColumns).toEqual(['changed_at'])
  })

  it('folds table names on SQLite and MySQL', () => {
    const idOf = (provider: string) => new PrismaSchema(library({ provider })).models.get('Book')?.table
    expect([idOf('sqlite'), idOf('mysql'), idOf('cockroachdb')]).toEqual([
      'main.book',
      '-.book',
      'public.Book',
    ])
  })

  it('contains the single and compound keys that select one row', () => {
    expect([...(schema.models.get('Book')?.uniqueSelectors ?? [])]).toEqual([
      ['id', ['id']],
      ['spot', ['shelf', 'place']],
      ['title_authorId', ['title', 'authorId']],
    ])
  })

  it('describes a relation from both sides', () => {
    expect(relation('Book', 'author')).toMatchObject({
      foreignKeyHere: true,
      fromFields: ['authorId'],
      toFields: ['id'],
      list: false,
    })
    expect(relation('Author', 'books')).toMatchObject({
      foreignKeyHere: false,
      fromFields: ['id'],
      toFields: ['authorId'],
      list: true,
    })
    expect(relation('Author', 'books')?.keyColumns).toEqual(['author'])
    expect(relation('Author', 'books')?.target).toBe(schema.models.get('Book'))
  })

  it('distinguishes the sides of a self-relation', () => {
    expect(relation('Book', 'prequel')).toMatchObject({
      foreignKeyHere: true,
      fromFields: ['sequelTo'],
      oneToOne: false,
    })
    expect(relation('Book', 'sequels')).toMatchObject({
      foreignKeyHere: false,
      toFields: ['sequelTo'],
      oneToOne: false,
    })
  })

  it('marks one-to-one relations', () => {
    expect([
      relation('Card', 'owner')?.oneToOne,
      relation('Author', 'card')?.oneToOne,
      relation('Book', 'author')?.oneToOne,
    ]).toEqual([true, true, false])
  })

  it('adds the default referential actions of Prisma', () => {
    expect(keysFrom('public.Card')[0]).toMatchObject({
      references: 'public.authors',
      onDelete: 'SetNull',
      onUpdate: 'Cascade',
    })
    expect(keysFrom('public.Stamp')[0]).toMatchObject({
      references: 'public.Card',
      onDelete: 'Restrict',
      onUpdate: 'Cascade',
    })
    expect(keysFrom('public.Book')[0]).toMatchObject({
      columns: ['author'],
      referencedColumns: ['author_id'],
      onDelete: 'Cascade',
    })
  })

  it('adds a table for each implicit many-to-many relation, with cascading keys to both sides', () => {
    expect(relation('Genre', 'books')?.joinTable).toBe('public._BookToGenre')
    expect(schema.catalog.baseTable('public._BookToGenre')?.primaryKey).toEqual(['A', 'B'])
    expect(
      keysFrom('public._BookToGenre').map(({ columns, references, onDelete }) => [
        columns[0],
        references,
        onDelete,
      ]),
    ).toEqual([
      ['A', 'public.Book', 'Cascade'],
      ['B', 'public.Genre', 'Cascade'],
    ])
  })

  it('puts a join table in the schema of the alphabetically first model', () => {
    const id = scalar('Int', { id: true })
    const data = schemaData([
      model('Zebra', { id, ants: hasMany('Ant', 'r') }, { schema: 'zoo' }),
      model('Ant', { id, zebras: hasMany('Zebra', 'r') }, { schema: 'hill' }),
    ])
    const split = new PrismaSchema(data)
    expect(split.models.get('Zebra')?.relations.get('ants')?.joinTable).toBe('hill._r')
    expect([...split.catalog.tables.keys()]).toEqual(['zoo.Zebra', 'hill._r', 'hill.Ant'])
  })

  it('does not count a view as a base table', () => {
    expect(schema.models.get('Report')?.isView).toBe(true)
    expect(schema.catalog.baseTable('public.report')).toBeUndefined()
  })

  it('adds the tables of the database, and uses its default schema on MySQL, as Prisma does', () => {
    const database = Object.assign(Object.create(new PrismaSchema(library()).catalog), {
      defaultSchema: 'app',
    })
    const tableIn = (provider: string) =>
      new PrismaSchema(library({ provider }), { database }).models.get('Book')?.table
    expect([tableIn('mysql'), tableIn('postgresql'), tableIn('sqlite')]).toEqual([
      'app.book',
      'public.Book',
      'main.book',
    ])
    const elsewhere = new PrismaSchema(library(), { database, defaultSchema: 'tenant' })
    expect(elsewhere.models.get('Book')?.table).toBe('tenant.Book')
    expect(elsewhere.catalog.baseTable('public.Book')).toBeDefined()
  })

  it('reads from the database which columns have a collation with several equal spellings', () => {
    const { tables } = new PrismaSchema(library()).catalog
    const book = tables.get('public.Book')
    const columns = book?.columns.map((column) =>
      column.name === 'title' ? { ...column, type: 'collated' as const } : column,
    )
    const data = {
      dialect: 'postgresql',
      defaultSchema: 'public',
      tables: [{ ...book, columns }],
      foreignKeys: [],
    }
    const { models } = new PrismaSchema(library(), { database: new SchemaCatalog(data as never) })
    expect([...(models.get('Book')?.collated ?? [])]).toEqual(['title'])
    expect(schema.models.get('Book')?.collated.size).toBe(0)
  })

  it.each<[string, PrismaSchemaData]>([
    ['another version', { ...library(), version: 2 as 1 }],
    ['a provider that Sluice does not read', library({ provider: 'mongodb' })],
    ['a relation to an unknown model', schemaData([model('A', { b: belongsTo('B', 'r', [['x'], ['y']]) })])],
    [
      'a key of unknown fields',
      schemaData([
        model('A', { b: belongsTo('B', 'r', [['x'], ['id']]) }),
        model('B', { id: scalar('Int', { id: true }), as: hasMany('A', 'r') }),
      ]),
    ],
  ])('throws for %s', (_, data) => {
    const act = () => new PrismaSchema(data)
    expect(act).toThrow(SluiceError)
    expect(act).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_CATALOG' }))
  })
})
