import type { Dialect } from '@sluice/core'
import { type ForeignKeyInfo, SchemaCatalog } from '@sluice/core/adapter'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runtimeDataModelOf } from '../../packages/prisma/src/internals.ts'
import { schemaFromRuntime } from '../../packages/prisma/src/schema/from-runtime.ts'
import { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import { touches } from '../../packages/prisma/src/touches/touches.ts'
import { readStillCatalog } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { prismaClient } from '../support/prisma-clients.ts'

/** On MySQL, the catalog contains the databases of other tests, too. */
function isOwn(table: string, { dialect, defaultSchema }: SchemaCatalog): boolean {
  return dialect !== 'mysql' || table.startsWith(`${defaultSchema}.`)
}

/** The database's own foreign keys as readable lines. */
function keysOf(catalog: SchemaCatalog, dialect: Dialect): string[] {
  // MySQL treats `NO ACTION` like `RESTRICT`, and its catalog may contain either.
  const same = (action: string) => (dialect === 'mysql' ? action.replace('NoAction', 'Restrict') : action)
  const line = ({ table, columns, references, referencedColumns, onDelete, onUpdate }: ForeignKeyInfo) =>
    `${table}(${columns}) -> ${references}(${referencedColumns}) ${same(onDelete)} ${same(onUpdate)}`
  const own = catalog.foreignKeys.filter(({ table }) => isOwn(table, catalog))
  return [...new Set(own.map(line))].sort()
}

/** Only the default schema. */
function emptyCatalog({ dialect, defaultSchema }: SchemaCatalog): SchemaCatalog {
  return new SchemaCatalog({ dialect, defaultSchema, tables: [], foreignKeys: [] })
}

describe.each(databases())('the Prisma schema on $name', ({ dialect, skipped, connect }) => {
  describe.skipIf(skipped !== undefined)('compared with the catalog of the database', () => {
    let database: Database
    let catalog: SchemaCatalog
    let generated: PrismaSchema
    let runtime: PrismaSchema

    beforeEach(async () => {
      database = await connect()
      const { PrismaClient, createAdapter, schema, ddl } = await prismaClient(dialect, database)
      await database.exec(ddl)
      catalog = await readStillCatalog(database)
      // On MySQL the schema alone does not contain the name of the database, which is part of the tables'
      // ids.
      generated = new PrismaSchema(schema, dialect === 'mysql' ? { database: emptyCatalog(catalog) } : {})
      const client = new PrismaClient({ adapter: createAdapter() })
      const model = runtimeDataModelOf(client)
      if (model === undefined) throw new Error('Expected the client to have a data model.')
      runtime = schemaFromRuntime(model, catalog)
      await client.$disconnect()
    })

    afterEach(() => database?.drop())

    it('has the same tables, keys and columns', () => {
      expect([...generated.catalog.tables.keys()].sort()).toEqual(
        [...catalog.tables.keys()].filter((table) => isOwn(table, catalog)).sort(),
      )
      for (const [id, table] of generated.catalog.tables) {
        const real = catalog.tables.get(id)
        expect(table.columns.map(({ name, nullable }) => [name, nullable])).toEqual(
          real?.columns.map(({ name, nullable }) => [name, nullable]),
        )
        expect(table.primaryKey).toEqual(real?.primaryKey)
        expect(table.uniqueKeys.map(String).sort()).toEqual(real?.uniqueKeys.map(String).sort())
      }
    })

    it('has the same foreign keys and actions', () => {
      expect(keysOf(generated.catalog, dialect)).toEqual(keysOf(catalog, dialect))
    })

    it('is derived without the generator, except for relations that the database does not distinguish', () => {
      const ambiguous: string[] = []
      for (const [name, model] of generated.models) {
        const found = runtime.models.get(name)
        expect(found?.table).toBe(model.table)
        expect(found?.columns).toEqual(model.columns)
        expect(found?.primaryKey).toEqual(model.primaryKey)
        for (const [field, relation] of model.relations) {
          const other = found?.relations.get(field)
          if (other?.ambiguous) ambiguous.push(`${name}.${field}`)
          else {
            const { foreignKeyHere, fromFields, toFields, list, required, oneToOne, joinTable, keyColumns } =
              relation
            // Without a key on this side, the database does not determine whether a relation is required, and
            // nothing depends on it.
            expect(other, `${name}.${field}`).toMatchObject({
              foreignKeyHere,
              fromFields,
              toFields,
              list,
              oneToOne,
              joinTable,
              keyColumns,
            })
            if (foreignKeyHere) expect(other?.required).toBe(required)
          }
        }
      }
      expect(ambiguous).toEqual([
        'Author.posts',
        'Author.edited',
        'Post.author',
        'Post.editor',
        'Comment.parent',
        'Comment.replies',
        'Employee.manager',
        'Employee.reports',
        'Employee.mentor',
        'Employee.mentee',
      ])
    })

    it('reads through an ambiguous relation, and treats a write through such a relation as opaque', () => {
      const posts = runtime.models.get('Post')?.table
      const read = touches(runtime, 'Author', 'findMany', { include: { edited: true } })
      expect([read.opaque, read.reads.has(posts ?? '')]).toEqual([false, true])
      expect(
        touches(runtime, 'Author', 'findMany', { include: { _count: true } }).reads.has(posts ?? ''),
      ).toBe(true)
      expect(touches(runtime, 'Author', 'update', { data: { edited: { set: [] } } }).opaque).toBe(true)
      expect(touches(runtime, 'Author', 'update', { data: { name: 'x' } }).opaque).toBe(false)
    })
  })
})
