import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import type { SqlMiddleware } from '@prisma/orm-postgres/family-runtime'
import type pg from 'pg'
import type { Case } from './cases.ts'
import { cached, postById, posts, warm } from './reads.ts'
import { World } from './world.ts'

const answersPost7: SqlMiddleware = {
  name: 'answers',
  familyId: 'sql',
  interceptQuery: async ({ params }) =>
    params[0] === 7 ? { rows: [{ id: 7, slug: 'own', title: 'own', views: 0, author_id: 1 }] } : undefined,
}

/** Keeps posts with few views from all readers. */
async function fewViews(): Promise<SqlMiddleware> {
  const { AndExpr, BinaryExpr, ColumnRef, ParamRef } = await import(
    '@prisma/orm-postgres/relational-core/ast'
  )
  return {
    name: 'tenant',
    familyId: 'sql',
    async beforeCompile({ ast, ...draft }) {
      if (ast.kind !== 'select') return undefined
      if (ast.from?.kind !== 'table-source' || ast.from.name !== 'posts') return undefined
      const views = ColumnRef.of('posts', 'views')
      const few = BinaryExpr.gt(views, ParamRef.of(5, { codec: { codecId: 'pg/int4@1' } }))
      return { ...draft, ast: ast.withWhere(ast.where === undefined ? few : AndExpr.of([ast.where, few])) }
    },
  }
}

const cases: Readonly<Record<string, (url: string) => Promise<undefined>>> = {
  'calls onRow of other middlewares for the rows of each caller': (url) => {
    const seen: unknown[][] = []
    const observer = (): SqlMiddleware => {
      const rows: unknown[] = []
      seen.push(rows)
      return { name: 'observer', familyId: 'sql', onRow: async (row) => void rows.push({ ...row }) }
    }
    return World.in(
      url,
      async (world) => {
        for (const rows of seen) rows.length = 0
        strictEqual((await world.same(posts(5))).queries, 1)
        const [bare, own] = seen.map((rows) => rows.map((row) => JSON.stringify(row)).sort())
        strictEqual(bare?.length, 5)
        deepStrictEqual(own, bare)
      },
      { middleware: () => [observer()] },
    )
  },

  'answers no query when it only observes': (url) => {
    const sources: string[] = []
    const spy: SqlMiddleware = {
      name: 'spy',
      familyId: 'sql',
      afterQuery: async (_, { source }) => void sources.push(source),
    }
    return World.in(
      url,
      async (world) => {
        strictEqual((await world.same(posts(2))).queries, 2)
        deepStrictEqual(new Set(sources), new Set(['driver']))
      },
      { mode: 'observe', middleware: () => [spy] },
    )
  },

  'is not asked if another middleware answers': (url) =>
    World.in(
      url,
      async (world) => {
        strictEqual((await world.same(posts(9))).queries, 1)
        strictEqual((await world.inScope(postById(7))).value?.title, 'own')
      },
      { middleware: () => [answersPost7] },
    ),

  'reads what a middleware has rewritten': async (url) => {
    const middleware = await fewViews()
    return World.in(
      url,
      async (world) => {
        const before = world.bare.sent()
        const { queries } = await world.same(posts(12))
        strictEqual(queries, 1)
        strictEqual(world.bare.sent() - before, 12)
        ok((await posts(12)(world.own.db)).includes(null))
      },
      { middleware: () => [middleware] },
    )
  },

  'shares no rows with queries that have their own type parsers': (url) => {
    const sent: { sql: string; params: unknown[] }[] = []
    const spy: SqlMiddleware = {
      name: 'spy',
      familyId: 'sql',
      interceptQuery: async ({ sql, params }) => void sent.push({ sql, params: [...params] }) as undefined,
    }
    return World.in(
      url,
      async (world) => {
        await warm(world, postById(1))
        const { sql: text, params: values } = sent.at(-1) ?? { sql: '', params: [] }
        const types = { getTypeParser: () => (value: unknown) => `own ${value}` }
        const { rows } = await world.own.pool.query<{ id: unknown }>({
          text,
          values,
          types: types as pg.CustomTypesConfig,
        })
        strictEqual(rows[0]?.id, 'own 1')
        const { rows: usual } = await world.own.pool.query<{ id: unknown }>(text, values)
        strictEqual(usual[0]?.id, 1)
        strictEqual((await world.same(postById(1))).queries, 0)
      },
      { ...cached, middleware: () => [spy] },
    )
  },
}

/** Prisma 8 with other middlewares, and with other users of its pool. */
export const MIDDLEWARE_CASES: readonly Case[] = Object.entries(cases).map(([name, run]) => ({ name, run }))
