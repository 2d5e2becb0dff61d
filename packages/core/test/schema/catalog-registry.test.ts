import { describe, expect, it } from 'vitest'
import { SchemaCatalog } from '../../src/schema/catalog.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import { effectOfStatement, readsOfStatement } from '../../src/schema/statement-effect.ts'
import type { Dialect } from '../../src/sql/dialect.ts'
import { readStatement } from '../../src/sql/statement.ts'

interface Options {
  readonly dialect?: Dialect
  readonly schemas?: readonly string[]
  readonly view?: boolean
}

/** A database with a table `users` in each schema; its connections have this default schema. */
function catalogWith(
  defaultSchema: string,
  { dialect = 'postgresql', schemas = ['sa', 'sb'], view = false }: Options = {},
): SchemaCatalog {
  const tables = schemas.map((schema) => ({
    schema,
    name: 'users',
    kind: view ? ('view' as const) : ('table' as const),
    columns: [],
    primaryKey: [],
    uniqueKeys: [],
  }))
  return new SchemaCatalog({ dialect, defaultSchema, tables, foreignKeys: [] })
}

function registryWith(sources: Readonly<Record<string, SchemaCatalog | undefined>>): CatalogRegistry {
  const registry = new CatalogRegistry()
  for (const [id, catalog] of Object.entries(sources)) registry.set(id, catalog)
  return registry
}

function written(registry: CatalogRegistry, sourceId: string, sql: string, dialect: Dialect = 'postgresql') {
  const effect = effectOfStatement(readStatement(sql, dialect), sourceId, registry)
  return effect?.everything === true ? 'everything' : [...(effect?.tables ?? [])].sort()
}

describe('CatalogRegistry', () => {
  it.each(['postgresql', 'mysql', 'sqlite'] as const)(
    'resolves names with the default schema of their source (%s)',
    (dialect) => {
      const registry = registryWith({ a: catalogWith('sa', { dialect }), b: catalogWith('sb', { dialect }) })
      expect(written(registry, 'a', 'update users set id = 1', dialect)).toEqual(['sa.users'])
      expect(written(registry, 'b', 'update users set id = 1', dialect)).toEqual(['sb.users'])
      expect(written(registry, 'b', 'update sa.users set id = 1', dialect)).toEqual(['sa.users'])
      expect(readsOfStatement(readStatement('select * from users', dialect), 'a', registry)).toEqual({
        tables: ['sa.users'],
      })
    },
  )

  it('reports that a statement of an unknown source may write anything', () => {
    const registry = registryWith({ a: catalogWith('sa') })
    expect(written(registry, 'b', 'update users set id = 1')).toBe('everything')
    expect(readsOfStatement(readStatement('select * from users', 'postgresql'), 'b', registry)).toEqual({
      refused: 'NO_CATALOG',
    })
  })

  it('trusts no catalog while any source is being read', () => {
    const registry = registryWith({ a: catalogWith('sa'), b: undefined })
    expect(registry.seenBy('a')).toBeUndefined()
    expect(registry.trusted('a')).toBeUndefined()
    registry.set('b', catalogWith('sb'))
    expect(registry.trusted('a')?.defaultSchema).toBe('sa')
  })

  describe('tables of an unknown schema', () => {
    const unknown = catalogWith('-', { dialect: 'mysql', schemas: ['-'] })

    it('are treated as all tables with their name, in both directions', () => {
      const registry = registryWith({ a: catalogWith('sa', { dialect: 'mysql' }), p: unknown })
      expect(written(registry, 'a', 'update users set id = 1', 'mysql')).toEqual(
        expect.arrayContaining(['-.users', 'sa.users']),
      )
      expect(written(registry, 'p', 'update users set id = 1', 'mysql')).toEqual([
        '-.users',
        'sa.users',
        'sb.users',
      ])
    })

    it('are not cacheable if a view has their name', () => {
      const registry = registryWith({
        a: catalogWith('sa', { dialect: 'mysql', schemas: ['sa'], view: true }),
        p: unknown,
      })
      expect(registry.cacheableTable('mysql', '-.users')).toBeUndefined()
    })

    it('are found by name together', () => {
      const registry = registryWith({ a: catalogWith('sa', { dialect: 'mysql' }), p: unknown })
      expect([...registry.resolve('sa.users')].sort()).toEqual(['-.users', 'sa.users'])
      expect([...registry.resolve('users')].sort()).toEqual(['-.users', 'sa.users', 'sb.users'])
    })
  })

  it('resolves additional names before the catalog of their source is known', () => {
    const registry = registryWith({ a: catalogWith('sa') })
    registry.name('p', [['User', '-.users']])
    expect([...registry.resolve('User')].sort()).toEqual(['-.users', 'sa.users', 'sb.users'])
    registry.name('p', [['User', 'sb.users']])
    expect(registry.resolve('User')).toContain('sb.users')
    expect(registry.resolve('User')).not.toContain('sa.users')
    registry.delete('p')
    expect(registry.resolve('User').size).toBe(0)
  })

  it('treats a write to a table with a temporary trigger as a write to everything', () => {
    const registry = registryWith({ a: catalogWith('main', { dialect: 'sqlite', schemas: ['main'] }) })
    registry.trigger('posts')
    expect(written(registry, 'a', 'update users set id = 1', 'sqlite')).toEqual(['main.users'])
    registry.trigger('Users')
    expect(written(registry, 'a', 'update users set id = 1', 'sqlite')).toBe('everything')
  })

  it('treats any write as a write to everything if the table of a trigger is unknown', () => {
    const registry = registryWith({ a: catalogWith('main', { dialect: 'sqlite', schemas: ['main'] }) })
    registry.trigger()
    expect(written(registry, 'a', 'update users set id = 1', 'sqlite')).toBe('everything')
  })

  it('does not cache a table whose name a temporary table shadows, in any schema', () => {
    const registry = registryWith({ a: catalogWith('sa') })
    expect(registry.cacheableTable('postgresql', 'sb.users')).toBeDefined()
    registry.shadow('users')
    expect(registry.cacheableTable('postgresql', 'sb.users')).toBeUndefined()
  })
})
