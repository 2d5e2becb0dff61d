import { type CatalogData, SchemaCatalog, type TableInfo } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { schemaFromRuntime } from '../../src/schema/from-runtime.ts'
import { touches } from '../../src/touches/touches.ts'

const table = (name: string, columns: readonly string[], more: Partial<TableInfo> = {}): TableInfo => ({
  name,
  kind: 'table',
  columns: columns.map((column) => ({ name: column, type: 'integer', nullable: false })),
  primaryKey: ['id'],
  uniqueKeys: [],
  ...more,
})

const key = (from: string, column: string, to: string): CatalogData['foreignKeys'][number] => ({
  table: `public.${from}`,
  columns: [column],
  references: `public.${to}`,
  referencedColumns: ['id'],
  onDelete: 'Cascade',
  onUpdate: 'NoAction',
})

function catalog(tables: readonly TableInfo[], foreignKeys: CatalogData['foreignKeys'] = []): SchemaCatalog {
  return new SchemaCatalog({ dialect: 'postgresql', defaultSchema: 'public', tables, foreignKeys })
}

const scalar = (name: string, dbName?: string) => ({ name, kind: 'scalar', type: 'Int', dbName })
const object = (name: string, type: string, relationName: string) => ({
  name,
  kind: 'object',
  type,
  relationName,
})
const shop = {
  models: {
    Order: {
      dbName: 'orders',
      fields: [scalar('id'), scalar('userId', 'user_id'), object('user', 'User', 'OrderToUser')],
    },
    User: { dbName: null, fields: [scalar('id'), object('orders', 'Order', 'OrderToUser')] },
  },
}
const tables = [table('orders', ['id', 'user_id']), table('User', ['id'])]

describe('schemaFromRuntime', () => {
  it('finds the foreign key of a relation', () => {
    const schema = schemaFromRuntime(shop, catalog(tables, [key('orders', 'user_id', 'User')]))
    const user = schema.models.get('Order')?.relations.get('user')
    expect(user).toMatchObject({
      ambiguous: false,
      foreignKeyHere: true,
      fromFields: ['userId'],
      toFields: ['id'],
      required: true,
    })
    expect(schema.models.get('User')?.relations.get('orders')).toMatchObject({
      ambiguous: false,
      foreignKeyHere: false,
      list: true,
    })
    expect(schema.catalog.effectOf([{ table: 'public.User', kind: 'delete' }]).tables).toEqual(
      new Set(['public.User', 'public.orders']),
    )
  })

  it('treats a relation with a unique key as one-to-one', () => {
    const unique = [table('orders', ['id', 'user_id'], { uniqueKeys: [['user_id']] }), table('User', ['id'])]
    const schema = schemaFromRuntime(shop, catalog(unique, [key('orders', 'user_id', 'User')]))
    expect(schema.models.get('User')?.relations.get('orders')).toMatchObject({ list: false, oneToOne: true })
  })

  it('marks a relation as ambiguous when two keys match', () => {
    const two = [table('orders', ['id', 'user_id', 'seller_id']), table('User', ['id'])]
    const schema = schemaFromRuntime(
      shop,
      catalog(two, [key('orders', 'user_id', 'User'), key('orders', 'seller_id', 'User')]),
    )
    expect(schema.models.get('Order')?.relations.get('user')?.ambiguous).toBe(true)
    expect(schema.data.relationMode).toBe('foreignKeys')
    expect(touches(schema, 'User', 'update', { data: { orders: { set: [] } } }).opaque).toBe(true)
    expect(touches(schema, 'User', 'update', { data: { id: 2 } }).opaque).toBe(false)
  })

  it('treats the emulation of missing foreign keys as opaque', () => {
    const schema = schemaFromRuntime(shop, catalog(tables))
    expect(schema.data.relationMode).toBe('prisma')
    expect(touches(schema, 'User', 'delete', { where: { id: 1 } }).opaque).toBe(true)
    expect(touches(schema, 'User', 'create', { data: {} }).opaque).toBe(false)
    expect(touches(schema, 'User', 'findMany', { include: { orders: true } })).toMatchObject({
      opaque: false,
      changes: [],
    })
  })

  it('treats a model without a table as a view', () => {
    const schema = schemaFromRuntime(shop, catalog([table('User', ['id'])]))
    expect(schema.models.get('Order')?.isView).toBe(true)
    expect(schema.catalog.baseTable('public.orders')).toBeUndefined()
  })

  it('finds the join table of a many-to-many relation', () => {
    const many = {
      models: {
        Post: { dbName: null, fields: [scalar('id'), object('tags', 'Tag', 'PostToTag')] },
        Tag: { dbName: null, fields: [scalar('id'), object('posts', 'Post', 'PostToTag')] },
      },
    }
    const schema = schemaFromRuntime(
      many,
      catalog([table('Post', ['id']), table('Tag', ['id']), table('_PostToTag', ['A', 'B'])]),
    )
    expect(schema.models.get('Tag')?.relations.get('posts')).toMatchObject({
      ambiguous: false,
      joinTable: 'public._PostToTag',
    })
    expect(schema.data.relationMode).toBe('foreignKeys')
  })

  it.each([
    [{ A: {} }],
    [{ A: { fields: [{ name: 'x' }] } }],
    [{ A: { fields: [{ name: 'x', kind: 'object', type: 'B' }] } }],
    [{ A: null }],
  ])('throws for an unknown format of the data model: %j', (models) => {
    expect(() => schemaFromRuntime({ models }, catalog([]))).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_CATALOG' }),
    )
  })
})
