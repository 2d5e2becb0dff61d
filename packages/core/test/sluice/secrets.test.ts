import { SchemaCatalog, type TableInfo } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import { NamedTables } from '../../src/schema/named-tables.ts'
import { Secrets } from '../../src/sluice/secrets.ts'

const table = (name: string): TableInfo => ({
  schema: 'public',
  name,
  kind: 'table',
  columns: [],
  primaryKey: [],
  uniqueKeys: [],
})
const [users, sessions, cities] = ['public.users', 'public.sessions', 'public.cities'] as const

function setUp(...names: string[]) {
  const catalogs = new CatalogRegistry()
  const unknown: string[] = []
  const secrets = new Secrets(names, new NamedTables(catalogs), (name) => unknown.push(name))
  const know = () => {
    const tables = ['users', 'sessions', 'cities'].map(table)
    catalogs.set(
      'one',
      new SchemaCatalog({ dialect: 'postgresql', defaultSchema: 'public', tables, foreignKeys: [] }),
    )
    catalogs.name('one', [['User', users]])
  }
  const mayShare = (tables: readonly string[], value: unknown, statement?: string) => {
    const copy = () => undefined
    const sharing = secrets.of({ key: '', tables, copy, ...(statement === undefined ? {} : { statement }) })
    return sharing.isShared && sharing.mayShare?.(value) !== false
  }
  return { know, unknown, mayShare }
}

describe('values that are excluded from the shared store', () => {
  it('are none by default', () => {
    expect(setUp().mayShare([users], { password: 1 })).toBe(true)
  })

  it.each([['sessions'], ['public.sessions']])('include reads of a table: %s', (name) => {
    const { know, mayShare, unknown } = setUp(name)
    know()
    expect(mayShare([users, sessions], [])).toBe(false)
    expect(mayShare([users], [])).toBe(true)
    expect(unknown).toEqual([])
  })

  it('include rows with a field of a model, at any depth and in either naming convention', () => {
    const { know, mayShare } = setUp('User.passwordHash')
    know()
    expect(mayShare([users], [{ id: 1, name: 'a' }])).toBe(true)
    for (const row of [
      { passwordHash: 'x' },
      { password_hash: 'x' },
      { _max: { passwordHash: 'x' } },
      { posts: [{ author: { passwordHash: null } }] },
    ])
      expect(mayShare([cities, users], [{ id: 1, ...row }])).toBe(false)
    expect(mayShare([cities], [{ passwordHash: 'x' }])).toBe(true)
  })

  it('include rows with a field of any model', () => {
    const { know, mayShare } = setUp('*.token')
    know()
    expect(mayShare([cities], { token: 1 })).toBe(false)
    expect(mayShare([cities], { tokens: 1 })).toBe(true)
  })

  it('include results of statements that may rename the column or return its values without a name', () => {
    const { know, mayShare } = setUp('users.password_hash')
    know()
    expect(mayShare([users], ['x'], 'select "password_hash" from "users"')).toBe(false)
    expect(mayShare([users], [{ p: 'x' }], 'select "PasswordHash" as "p" from "users"')).toBe(false)
    expect(mayShare([users], [{ id: 1 }], 'select "id" from "users"')).toBe(true)
    expect(mayShare([users], [{ id: 1, password_hash: 'x' }], 'select * from "users"')).toBe(false)
  })

  it('include everything while a name is not in any catalog', () => {
    const { know, mayShare, unknown } = setUp('User', 'Usr.password')
    expect(mayShare([cities], {})).toBe(false)
    expect(unknown).toEqual(['User', 'Usr.password'])
    know()
    expect(mayShare([cities], {})).toBe(false)
    expect(unknown.slice(2)).toEqual(['Usr.password'])
  })
})
