import type { Dialect } from '@sluice/core'
import { readEqualitySelect } from '@sluice/core/adapter'
import {
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteQueryCompiler,
} from 'kysely'
import { describe, expect, it } from 'vitest'
import { fixForSelect } from '../src/fix.ts'

interface Posts {
  posts: { id: number; author_id: number; title: string; views: number }
}
type Db = Kysely<Posts>
type Build = (db: Db) => { compile(): { readonly sql: string } }

function compiler(adapter: new () => object, queries: new () => object): Db {
  const dialect = {
    createAdapter: () => new adapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: () => ({}),
    createQueryCompiler: () => new queries(),
  }
  return new Kysely<Posts>({ dialect: dialect as never })
}

const dialects: readonly [Dialect, Db][] = [
  ['sqlite', compiler(SqliteAdapter, SqliteQueryCompiler)],
  ['postgresql', compiler(PostgresAdapter, PostgresQueryCompiler)],
  ['mysql', compiler(MysqlAdapter, MysqlQueryCompiler)],
]

function fixOf(dialect: Dialect, db: Db, build: Build): string | undefined {
  const asked = readEqualitySelect(build(db).compile().sql, dialect)
  return asked && fixForSelect(asked)
}

/** The SQL of a fix. Its methods must exist. */
function sqlOf(db: Db, fix: string): string {
  const code = fix.replace('.execute()', '.compile()')
  const build = new Function('db', 'keys', 'value', `return ${code}`) as (...args: unknown[]) => {
    readonly sql: string
  }
  return build(db, [1, 2], fix.includes('...value') || /in', value/.test(fix) ? [3, 4] : 3).sql
}

const posts = (db: Db) => db.selectFrom('posts')

describe.each(dialects)('the fix of a loop on %s', (dialect, db) => {
  it.each<[string, Build, string]>([
    [
      'rows',
      (db) => posts(db).selectAll().where('author_id', '=', 1),
      "db.selectFrom('posts').selectAll().where('author_id', 'in', keys).execute()",
    ],
    [
      'one row',
      (db) => posts(db).selectAll().where('id', '=', 1).limit(1),
      "db.selectFrom('posts').selectAll().where('id', 'in', keys).execute()",
    ],
    [
      'rows of an alias',
      (db) => db.selectFrom('posts as p').selectAll('p').where('p.id', '=', 1),
      "db.selectFrom('posts as p').selectAll('p').where('p.id', 'in', keys).execute()",
    ],
    [
      'columns, with the key',
      (db) => posts(db).select(['title as t']).where('id', '=', 1).orderBy('id', 'desc').orderBy('title'),
      "db.selectFrom('posts').select(['id', 'title as t']).where('id', 'in', keys).orderBy('id', 'desc').orderBy('title').execute()",
    ],
    [
      'other conditions',
      (db) =>
        posts(db)
          .select('id')
          .where('id', '=', 1)
          .where('views', '>', 2)
          .where('title', 'is not', null)
          .where('views', 'not in', [3, 4]),
      "db.selectFrom('posts').select('id').where('id', 'in', keys).where('views', '>', value).where('title', 'is not', null).where('views', 'not in', value).execute()  // if value is the same for all keys",
    ],
    [
      'a range',
      (db) =>
        posts(db)
          .select('id')
          .where('id', '=', 1)
          .where((eb) => eb.between('views', 3, 4)),
      "db.selectFrom('posts').select('id').where('id', 'in', keys).where((eb) => eb.between('views', ...value)).execute()  // if value is the same for all keys",
    ],
    [
      'aggregates',
      (db) =>
        posts(db)
          .select((eb) => [eb.fn.countAll().as('n'), eb.fn.count('title').distinct().as('t')])
          .where('author_id', '=', 1),
      "db.selectFrom('posts').select((eb) => ['author_id', eb.fn.countAll().as('n'), eb.fn.count('title').distinct().as('t')]).where('author_id', 'in', keys).groupBy('author_id').execute()",
    ],
  ])('asks for %s once', (_, build, expected) => {
    const fix = fixOf(dialect, db, build)
    expect(fix).toBe(expected)
    expect(sqlOf(db, fix ?? '')).toMatch(/ in \(/)
  })

  it.each<[string, Build]>([
    [
      'the first rows of a key',
      (db) => posts(db).selectAll().where('author_id', '=', 1).orderBy('id').limit(2),
    ],
    ['a key of two columns', (db) => posts(db).selectAll().where('author_id', '=', 1).where('id', '=', 2)],
  ])('does not know one for %s', (_, build) => {
    expect(fixOf(dialect, db, build)).toBeUndefined()
  })
})
