import { describe, expect, it } from 'vitest'
import { SchemaCatalog } from '../../src/schema/catalog.ts'
import type { CatalogData, TableInfo } from '../../src/schema/catalog-data.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import { effectOfStatement } from '../../src/schema/statement-effect.ts'
import { WritePlan } from '../../src/schema/write-plan.ts'
import { readStatement } from '../../src/sql/statement.ts'

const table = (name: string, key: readonly string[] = ['id'], more: Partial<TableInfo> = {}): TableInfo => ({
  name,
  kind: 'table',
  primaryKey: key,
  uniqueKeys: [],
  columns: [...key, 'x', 'parent'].map((column) => ({
    name: column,
    type: column === 'x' ? 'text' : 'integer',
    nullable: false,
  })),
  ...more,
})

const cascade = { onDelete: 'Cascade', onUpdate: 'NoAction' } as const
const data: CatalogData = {
  dialect: 'sqlite',
  defaultSchema: 'main',
  tables: [
    table('city'),
    table('tree'),
    table('seat', ['a', 'b']),
    table('loud', ['id'], { hasTriggers: true }),
  ],
  foreignKeys: [
    {
      ...cascade,
      table: 'main.tree',
      columns: ['parent'],
      references: 'main.tree',
      referencedColumns: ['id'],
    },
    {
      ...cascade,
      table: 'main.seat',
      columns: ['parent'],
      references: 'main.city',
      referencedColumns: ['id'],
    },
  ],
}

function registryOf(): CatalogRegistry {
  const registry = new CatalogRegistry()
  registry.set('s', new SchemaCatalog(data))
  return registry
}

describe('WritePlan', () => {
  it.each([
    'select * from city where id = ?',
    'update city set x = ? where id = ?',
    'update city set id = ? where id = ?',
    'update city set x = ? where id = 7',
    'update city set x = ? where x = ?',
    'update seat set x = ? where a = 1 and b = ?',
    'update loud set x = ? where id = ?',
    'update nowhere set x = ? where id = ?',
    'insert into city (id, x) values (?, ?)',
    'insert into city (id, x) values (?, ?) on conflict (id) do update set x = 1',
    'delete from city where id in (?, ?)',
    'delete from tree where id = ? and x = ?',
    'with a as (delete from seat where a = ? returning 1) update city set x = 1 where id = ?',
    'update city set x = f(?) where id = ?',
  ])('has the same effect as its statement for all values: %s', (sql) => {
    const registry = registryOf()
    const statement = readStatement(sql, 'sqlite')
    const plan = WritePlan.of(statement, 's', registry)
    for (const values of [[1, 2], ['1', '2'], ['x', 'y'], [null, null], [1.5, 2.5], [1], [], [3, 4]]) {
      if (plan !== undefined)
        expect(plan.effectOf(values), String(values)).toEqual(
          effectOfStatement(statement, 's', registry, values),
        )
    }
    expect(plan === undefined).toBe(statement.writes.length > 1)
  })

  it.each(['create table new_one (id integer)', 'delete from city; delete from tree'])(
    'is undefined for: %s',
    (sql) => {
      expect(WritePlan.of(readStatement(sql, 'sqlite'), 's', registryOf())).toBeUndefined()
    },
  )

  it('is undefined while the catalog is unknown', () => {
    const registry = registryOf()
    registry.setStrange('s', true)
    expect(WritePlan.of(readStatement('delete from city', 'sqlite'), 's', registry)).toBeUndefined()
  })

  it('is valid until a catalog, a temporary trigger or a temporary view changes the meaning of its names', () => {
    const registry = registryOf()
    const changes = [
      () => registry.trigger('city'),
      () => registry.shadow('city', true),
      () => registry.setStrange('s', true),
      () => registry.set('s', undefined),
      () => void registry.generations.beginDefinition(),
    ]
    for (const change of changes) {
      const { version } = registry
      expect(registry.used()).toBe(version)
      change()
      expect(registry.used(), String(change)).not.toBe(version)
    }
  })
})
