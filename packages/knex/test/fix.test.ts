import type { Dialect } from '@sluice/core'
import { readEqualitySelect } from '@sluice/core/adapter'
import knex, { type Knex } from 'knex'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { fixForSql } from '../src/fix.ts'

const dialects: readonly [Dialect, client: string][] = [
  ['sqlite', 'better-sqlite3'],
  ['postgresql', 'pg'],
  ['mysql', 'mysql2'],
]
const clients = dialects.map(
  ([dialect, client]) => [dialect, knex({ client, useNullAsDefault: true })] as const,
)

type Build = (db: Knex) => Knex.QueryBuilder

function fixOf(dialect: Dialect, db: Knex, build: Build): string | undefined {
  const asked = readEqualitySelect(build(db).toSQL().toNative().sql, dialect)
  return asked && fixForSql(asked)
}

function syntaxErrors(code: string): string[] {
  const { diagnostics } = ts.transpileModule(code, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022 },
  })
  return (diagnostics ?? []).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

/** Runs the fix with a real builder, whose methods must exist and whose SQL must select by the keys. */
function sqlOf(db: Knex, fix: string, keys: readonly unknown[]): string {
  const build = new Function('db', 'keys', 'value', `return ${fix}`) as (
    db: Knex,
    keys: readonly unknown[],
    value: unknown,
  ) => Knex.QueryBuilder
  return build(db, keys, /In\('\w+', value|Between/.test(fix) ? [3, 4] : 3)
    .toSQL()
    .toNative().sql
}

describe.each(clients)('fixForSql on %s', (dialect, db) => {
  it.each<[string, Build, string]>([
    ['rows', (db) => db('posts').where('author_id', 1), "db('posts').whereIn('author_id', keys)"],
    ['one row', (db) => db('posts').where({ id: 1 }).first(), "db('posts').whereIn('id', keys)"],
    [
      'columns',
      (db) => db('posts').where({ id: 1 }).select('id', 'title as t'),
      "db('posts').whereIn('id', keys).select('id', 'title as t')",
    ],
    [
      'columns without the key',
      (db) => db('posts').where({ id: 1 }).select('title'),
      "db('posts').whereIn('id', keys).select('id', 'title')",
    ],
    [
      'an order',
      (db) => db('posts').where({ a: 1 }).orderBy('x', 'desc').orderBy('id'),
      "db('posts').whereIn('a', keys).orderBy('x', 'desc').orderBy('id', 'asc')",
    ],
    [
      'an alias',
      (db) => db('posts as p').where('p.id', 1).select('p.*'),
      "db('posts as p').whereIn('p.id', keys).select('p.*')",
    ],
    [
      'a schema',
      (db) => db.withSchema('s').from('posts').where('id', 1),
      "db('s.posts').whereIn('id', keys)",
    ],
    [
      'a composite key',
      (db) => db('memberships').where({ org_id: 1, user_id: 2 }),
      "db('memberships').whereIn(['org_id', 'user_id'], keys)",
    ],
    [
      'a count',
      (db) => db('posts').where('author_id', 1).count('* as n'),
      "db('posts').whereIn('author_id', keys).groupBy('author_id').select('author_id').count('* as n')",
    ],
    [
      'aggregates',
      (db) => db('posts').where('author_id', 1).max('views').countDistinct('title as titles'),
      "db('posts').whereIn('author_id', keys).groupBy('author_id').select('author_id').max('views').countDistinct('title as titles')",
    ],
    [
      'a filter of deleted rows',
      (db) => db('posts').where('author_id', 1).whereNull('deleted_at').whereNotNull('slug').orderBy('id'),
      "db('posts').whereIn('author_id', keys).whereNull('deleted_at').whereNotNull('slug').orderBy('id', 'asc')",
    ],
    [
      'a range',
      (db) => db('posts').where('created_at', '>=', 3).where('p.author_id', 1).where('id', '<>', 2),
      "db('posts').whereIn('p.author_id', keys).where('created_at', '>=', value).where('id', '<>', value)  // if value is the same for all keys",
    ],
    [
      'lists',
      (db) =>
        db('posts').where({ id: 1 }).whereIn('a', [1, 2]).whereNotIn('b', [1]).whereBetween('c', [1, 2]),
      "db('posts').whereIn('id', keys).whereIn('a', value).whereNotIn('b', value).whereBetween('c', value)  // if value is the same for all keys",
    ],
    [
      'a count with conditions',
      (db) =>
        db('posts')
          .where((group) => group.where('author_id', 1).whereNull('deleted_at'))
          .count('* as n'),
      "db('posts').whereIn('author_id', keys).whereNull('deleted_at').groupBy('author_id').select('author_id').count('* as n')",
    ],
    ['odd names', (db) => db("o'dd table").where('we ird', 1), "db('o\\'dd table').whereIn('we ird', keys)"],
  ])('writes %s as code that Knex runs', (_name, build, expected) => {
    const fix = fixOf(dialect, db, build) ?? ''
    expect(fix).toBe(expected)
    expect(syntaxErrors(fix)).toEqual([])
    const isComposite = fix.includes('whereIn([')
    expect(sqlOf(db, fix, isComposite ? [[1, 2]] : [1])).toMatch(/^select .* in \(/)
  })

  it.each<[string, Build]>([
    ['has no condition', (db) => db('posts')],
    ['has another condition', (db) => db('posts').where('id', '>', 1)],
    ['negates its condition', (db) => db('posts').whereNot('id', 1)],
    ['asks for several keys already', (db) => db('posts').whereIn('id', [1])],
    ['asks for nulls', (db) => db('posts').whereNull('id')],
    ['compares with a pattern', (db) => db('posts').where('id', 1).where('title', 'like', 'a%')],
    [
      'compares columns',
      (db) =>
        db('posts')
          .where('id', 1)
          .where('a', '>', db.ref('b') as never),
    ],
    ['has an alternative', (db) => db('posts').where('id', 1).orWhere('id', 2)],
    ['joins', (db) => db('a').join('b', 'a.id', 'b.a_id').where('a.id', 1)],
    ['groups', (db) => db('t').where('k', 1).groupBy('k').select('k')],
    ['wants distinct rows', (db) => db('t').where('k', 1).distinct('x')],
    ['takes the first few of each key', (db) => db('t').where('k', 1).orderBy('id').limit(3)],
    ['takes rows further on', (db) => db('t').where('k', 1).limit(3).offset(3)],
    ['takes counts and columns', (db) => db('t').where('k', 1).select('x').count('* as n')],
    ['calls a function', (db) => db('t').where('k', 1).select(db.raw('lower(x)'))],
    [
      'has a dot in a name',
      (db) =>
        db('t')
          .where(db.raw('?? = 1', ['x']))
          .select(db.raw(dialect === 'mysql' ? '`a.b`' : '"a.b"')),
    ],
    ['reads a subquery', (db) => db(db('t').as('s')).where('id', 1)],
    ['adds a union', (db) => db('t').where('id', 1).union(db('u').where('id', 1))],
  ])('writes nothing for a query that %s', (_name, build) => {
    expect(fixOf(dialect, db, build)).toBeUndefined()
  })
})
