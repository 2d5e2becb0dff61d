import { readEqualitySelect } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { fixForSelect, ModelNames } from '../src/fix.ts'

const model = (table: string, fields: Readonly<Record<string, string>>, namespaceId = 'public') => ({
  storage: {
    table,
    namespaceId,
    fields: Object.fromEntries(Object.entries(fields).map(([field, column]) => [field, { column }])),
  },
})

const post = { id: 'id', title: 'title', views: 'views', authorId: 'author_id' }
const names = new ModelNames({
  domain: {
    namespaces: {
      public: {
        models: { Post: model('posts', post), Animal: model('animals', {}), Cat: model('animals', {}) },
      },
      audit: { models: { Post: model('posts', { id: 'id', at: 'at' }, 'audit') } },
    },
  },
})

const fixOf = (sql: string, known = names) => {
  const select = readEqualitySelect(sql, 'postgresql')
  return select && fixForSelect(select, known)
}

/** A select as Prisma 8 sends it. */
const select = (rest: string, columns = ['author_id', 'id', 'title', 'views'], schema = 'public') =>
  `SELECT ${columns.map((name) => `"posts"."${name}" AS "${name}"`).join(', ')} FROM "${schema}"."posts" WHERE ${rest}`

describe('fixForSelect', () => {
  it.each([
    [select('"posts"."author_id" = $1'), 'db.orm.public.Post.where((row) => row.authorId.in(keys)).all()'],
    [select('"posts"."id" = $1 LIMIT 1'), 'db.orm.public.Post.where((row) => row.id.in(keys)).all()'],
    [
      select('"posts"."author_id" = $1 ORDER BY "posts"."id" DESC, "posts"."views" ASC', ['title']),
      "db.orm.public.Post.select('title', 'authorId').where((row) => row.authorId.in(keys)).orderBy([(row) => row.id.desc(), (row) => row.views.asc()]).all()",
    ],
    [
      select('("posts"."author_id" = $1 AND "posts"."views" > $2)'),
      'db.orm.public.Post.where((row) => row.authorId.in(keys)).where((row) => row.views.gt(value)).all()  // if value is the same for all keys',
    ],
    [
      select('("posts"."author_id" = $1 AND "posts"."title" IS NULL)'),
      'db.orm.public.Post.where((row) => row.authorId.in(keys)).where((row) => row.title.isNull()).all()',
    ],
    [
      select('"posts"."id" = $1', ['at', 'id'], 'audit'),
      'db.orm.audit.Post.where((row) => row.id.in(keys)).all()',
    ],
  ])('writes code of Prisma 8 for %s', (sql, fix) => {
    expect(fixOf(sql)).toBe(fix)
  })

  it.each([
    [
      'a limit that selects some rows of each key',
      select('"posts"."author_id" = $1 ORDER BY "posts"."id" LIMIT 2'),
    ],
    ['a composite key', select('("posts"."author_id" = $1 AND "posts"."id" = $2)')],
    ['aggregates', 'SELECT COUNT(*) AS "n" FROM "public"."posts" WHERE "posts"."author_id" = $1'],
    ['a condition that Prisma 8 lacks', select('("posts"."id" = $1 AND "posts"."views" BETWEEN $2 AND $3)')],
    ['a negated list', select('("posts"."id" = $1 AND "posts"."views" NOT IN ($2))')],
    ['a column without a field', select('"posts"."id" = $1', ['id', 'hidden'])],
    ['a key without a field', select('"posts"."hidden" = $1')],
    ['a table without a model', 'SELECT "x"."id" AS "id" FROM "public"."x" WHERE "x"."id" = $1'],
    [
      'a table with several models',
      'SELECT "animals"."id" AS "id" FROM "public"."animals" WHERE "animals"."id" = $1',
    ],
    ['a table without a schema whose name several have', 'SELECT "id" AS "id" FROM "posts" WHERE "id" = $1'],
  ])('writes nothing for %s', (_, sql) => {
    expect(readEqualitySelect(sql, 'postgresql')).toBeDefined()
    expect(fixOf(sql)).toBeUndefined()
  })

  it.each([[undefined], [null], ['contract'], [{}], [{ domain: { namespaces: { public: {} } } }]])(
    'writes nothing with the contract %o',
    (contract) => {
      expect(fixOf(select('"posts"."id" = $1'), new ModelNames(contract))).toBeUndefined()
    },
  )
})
