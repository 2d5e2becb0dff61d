import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DatabaseFacts, type IndexDefinition, type IndexKey, planFixFiles } from '@sluice/core/database'
import { is, SQL } from 'drizzle-orm'
import { MySqlDialect, type MySqlTable, getTableConfig as mysqlConfig } from 'drizzle-orm/mysql-core'
import { PgDialect, type PgTable, getTableConfig as pgConfig } from 'drizzle-orm/pg-core'
import { SQLiteSyncDialect, type SQLiteTable, getTableConfig as sqliteConfig } from 'drizzle-orm/sqlite-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drizzleProject } from '../../../packages/cli/src/formats/drizzle/drizzle-project.ts'
import { findDrizzle } from '../../../packages/cli/src/project/find-projects.ts'
import { projectFolder } from '../../../packages/cli/src/project/project-folder.ts'
import { databaseFacts } from '../../../packages/core/test/database/fixes/facts.ts'

type Product = 'postgresql' | 'mysql' | 'sqlite'

/** The properties from which drizzle-kit generates a migration. */
interface ReadIndex {
  readonly name: string | undefined
  readonly unique: boolean
  readonly columns: readonly unknown[]
  readonly where: string | undefined
  readonly method: string | undefined
}

const SCHEMAS: Readonly<Record<Product, string>> = {
  postgresql: `import { integer, pgTable, text } from 'drizzle-orm/pg-core'
export const city = pgTable('city', { id: integer('id'), regionId: integer('region_id'), name: text('name') }, (t) => [])
`,
  mysql: `import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core'
export const city = mysqlTable('city', { id: int('id'), regionId: int('region_id'), name: varchar('name', { length: 40 }) })
`,
  sqlite: `import { int, sqliteTable, text } from 'drizzle-orm/sqlite-core'
export const city = sqliteTable('city', { id: int('id'), regionId: int('region_id'), name: text('name') }, (t) => ({}))
`,
}

describe('an index that sluice analyze adds to a Drizzle schema', () => {
  let root: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-drizzle-'))
    await symlink(join(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'))
    await mkdir(join(root, 'drizzle/meta'), { recursive: true })
    await writeFile(
      join(root, 'package.json'),
      '{ "type": "module", "dependencies": { "drizzle-orm": "*" } }',
    )
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  /** The indexes of the schema after the change, as Drizzle reads them. */
  async function added(product: Product, keys: readonly IndexKey[], more: Partial<IndexDefinition> = {}) {
    await writeFile(join(root, 'schema.ts'), SCHEMAS[product])
    const found = await findDrizzle(projectFolder(root), root, {})
    if (found === undefined) throw new Error('no Drizzle project was found')
    const facts: DatabaseFacts = databaseFacts(product)
    const index = {
      table: `${facts.defaultSchema}.city`,
      keys,
      method: 'btree',
      isUnique: false,
      ...more,
    } as const
    const plan = planFixFiles(
      [{ kind: 'create-index', name: 'city_index', index }],
      drizzleProject(found),
      facts,
      new Date(),
    )
    expect(plan.refused).toEqual([])
    for (const { path, content } of plan.files) await writeFile(join(root, path), content)
    const { city } = (await import(join(root, 'schema.ts'))) as { city: never }
    return read(product, city)
  }

  it('has its columns, order and operator classes on PostgreSQL', async () => {
    const order = { order: 'asc', nulls: 'last', opClass: undefined }
    expect(
      await added('postgresql', [{ column: 'region_id' }, { column: 'name', isDescending: true }]),
    ).toEqual([
      {
        name: 'city_index',
        unique: false,
        columns: [
          { name: 'region_id', ...order },
          { name: 'name', ...order, order: 'desc', nulls: 'first' },
        ],
        where: undefined,
        method: 'btree',
      },
    ])
  })

  it('has its operator class and its condition on PostgreSQL', async () => {
    const where = ["name <> 'a`$", "{b}\\\\'"].join('')
    expect(
      await added('postgresql', [{ column: 'name', operatorClass: 'text_pattern_ops' }], {
        isUnique: true,
        where,
      }),
    ).toMatchObject([{ unique: true, columns: [{ name: 'name', opClass: 'text_pattern_ops' }], where }])
  })

  it.each([
    ['postgresql', [{ column: 'name', expression: 'lower(name)' }], { columns: ['(lower(name))'] }, {}],
    [
      'postgresql',
      [{ column: 'name', operatorClass: 'gin_trgm_ops' }],
      { method: 'gin', columns: [{ name: 'name', opClass: 'gin_trgm_ops' }] },
      { method: 'gin' },
    ],
    [
      'postgresql',
      [{ column: 'name', operatorClass: 'text_pattern_ops', isDescending: true }],
      { columns: ['"name" text_pattern_ops DESC'] },
      {},
    ],
    [
      'mysql',
      [{ column: 'region_id' }],
      { columns: [{ name: 'region_id' }], unique: true },
      { isUnique: true },
    ],
    [
      'mysql',
      [{ column: 'id' }, { column: 'name', prefixLength: 10 }],
      { columns: [{ name: 'id' }, '`name`(10)'] },
      {},
    ],
    [
      'sqlite',
      [{ column: 'region_id' }, { column: 'id', isDescending: true }],
      { columns: [{ name: 'region_id' }, '"id" DESC'] },
      {},
    ],
    [
      'sqlite',
      [{ column: 'name', collation: 'NOCASE' }],
      { columns: ['"name" COLLATE "NOCASE"'], where: 'name IS NOT NULL' },
      { where: 'name IS NOT NULL' },
    ],
  ] as const)('is complete on %s: %j', async (product, keys, expected, more) => {
    expect(await added(product, keys, more)).toMatchObject([{ name: 'city_index', ...expected }])
  })
})

function read(product: Product, table: never): ReadIndex[] {
  const sqlText = (value: unknown): string | undefined => {
    if (!is(value, SQL)) return undefined
    if (product === 'postgresql') return new PgDialect().sqlToQuery(value).sql
    return (product === 'mysql' ? new MySqlDialect() : new SQLiteSyncDialect()).sqlToQuery(value).sql
  }
  const indexes =
    product === 'postgresql'
      ? pgConfig(table as PgTable).indexes
      : product === 'mysql'
        ? mysqlConfig(table as MySqlTable).indexes
        : sqliteConfig(table as SQLiteTable).indexes
  return indexes.map(({ config }) => ({
    name: config.name,
    unique: config.unique === true,
    columns: config.columns.map((column) => {
      const sql = sqlText(column)
      if (sql !== undefined) return sql
      const { name, indexConfig } = column as { name: string; indexConfig?: object }
      return { name, ...indexConfig }
    }),
    where: 'where' in config ? sqlText(config.where) : undefined,
    method: 'method' in config ? config.method : undefined,
  }))
}
