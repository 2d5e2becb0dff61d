import type { Knex } from 'knex'
import type { Kysely } from 'kysely'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { WRONG_LISTS } from './forged-entries.ts'

export interface Tables {
  posts: { id: number; title: string; views: number; author_id: number }
}

/** Clients of one database. */
export interface Clients {
  readonly db: Knex
  readonly prisma: TestPrismaClient
  readonly kysely: Kysely<Tables>
}

export type Read = (clients: Clients, n: number) => PromiseLike<unknown>
type Changes = Readonly<Record<string, (value: unknown) => unknown>>

const one = (change: (row: Record<string, unknown>) => unknown) => (row: unknown) =>
  change(row as Record<string, unknown>)

const WRONG_ROWS: Changes = {
  null: () => null,
  'a number': () => 7,
  'a string': () => 'forged',
  'an empty row': () => ({}),
  'a list': (row) => [row],
  'a row in an object': (row) => ({ row }),
  'a row without a column': one(({ title, ...row }) => row),
  'a row with another column': one((row) => ({ ...row, admin: true })),
  'an object in a column': one((row) => ({ ...row, title: { forged: true } })),
}
const WRONG_NUMBERS: Changes = {
  null: () => null,
  'a string': (value) => String(value),
  'a negative number': () => -1,
  'a fraction': () => 1.5,
  NaN: () => Number.NaN,
  'a bigint': () => 1n,
  'a list': (value) => [value],
  'an object': (value) => ({ value }),
}
const { undefined: _, ...WRONG_PRISMA_LISTS } = WRONG_LISTS

const posts = ['id', 'title', 'views'] as const
const select = { id: true, title: true, views: true } as const

/** Reads whose result depends on a number, and values that are not their results. */
export const READS: Readonly<Record<string, { readonly ask: Read; readonly wrong: Changes }>> = {
  'a list of Knex': {
    ask: ({ db }, n) =>
      db('posts')
        .select(...posts)
        .where('id', '<', n)
        .orderBy('id'),
    wrong: WRONG_LISTS,
  },
  'all columns of Knex': {
    ask: ({ db }, n) => db('posts').where('id', '<', n).orderBy('id'),
    wrong: WRONG_LISTS,
  },
  'a first row of Knex': {
    ask: ({ db }, n) =>
      db('posts')
        .first(...posts)
        .where('id', n),
    wrong: WRONG_ROWS,
  },
  'plucked values of Knex': {
    ask: ({ db }, n) => db('posts').where('id', '<', n).orderBy('id').pluck('views'),
    wrong: {
      null: () => null,
      'an object': () => ({}),
      rows: (values) => (values as number[]).map((views) => ({ views })),
      booleans: (values) => (values as number[]).map(() => true),
      'a missing value': () => [undefined],
    },
  },
  'a count of Knex': {
    ask: ({ db }, n) => db('posts').where('id', '<', n).count('* as n'),
    wrong: {
      'a number': () => 7,
      'no row': () => [],
      'two rows': () => [{ n: 1 }, { n: 1 }],
      null: () => [{ n: null }],
      'a word': () => [{ n: 'forged' }],
      'another name': () => [{ count: 1 }],
    },
  },
  'a list of Kysely': {
    ask: ({ kysely }, n) =>
      kysely.selectFrom('posts').select(posts).where('id', '<', n).orderBy('id').execute(),
    wrong: WRONG_LISTS,
  },
  'all columns of Kysely': {
    ask: ({ kysely }, n) => kysely.selectFrom('posts').selectAll().where('id', '<', n).execute(),
    wrong: WRONG_LISTS,
  },
  'a limited list of Kysely': {
    ask: ({ kysely }, n) => kysely.selectFrom('posts').select(posts).where('id', '<', n).limit(2).execute(),
    wrong: { 'more rows than the limit': (rows) => [...(rows as unknown[]), ...(rows as unknown[])] },
  },
  'a list of Prisma': {
    ask: ({ prisma }, n) =>
      prisma.post.findMany({ select, where: { id: { lt: n } }, orderBy: { id: 'asc' } }),
    wrong: WRONG_PRISMA_LISTS,
  },
  'whole rows of Prisma': {
    ask: ({ prisma }, n) => prisma.post.findMany({ where: { id: { lt: n } }, orderBy: { id: 'asc' } }),
    wrong: WRONG_PRISMA_LISTS,
  },
  'a unique row of Prisma': {
    ask: ({ prisma }, n) => prisma.post.findUniqueOrThrow({ select, where: { id: n } }),
    wrong: WRONG_ROWS,
  },
  'a unique row of Prisma that may be missing': {
    ask: ({ prisma }, n) => prisma.post.findUnique({ select, where: { id: n } }),
    wrong: Object.fromEntries(Object.entries(WRONG_ROWS).filter(([name]) => name !== 'null')),
  },
  'a row of Prisma with a relation': {
    ask: ({ prisma }, n) =>
      prisma.post.findFirst({ select: { id: true, author: { select: { id: true } } }, where: { id: n } }),
    wrong: {
      'no relation': one((row) => ({ ...row, author: null })),
      'a list': one((row) => ({ ...row, author: [row.author] })),
      'another field': one((row) => ({ ...row, author: { id: 1, email: 'a' } })),
      'a wrong type': one((row) => ({ ...row, author: { id: '1' } })),
    },
  },
  'a relation of the fluent API of Prisma': {
    ask: ({ prisma }, n) => prisma.post.findUnique({ where: { id: n } }).author({ select: { id: true } }),
    wrong: {
      'a list': (row) => [row],
      'another field': one((row) => ({ ...row, email: 'a' })),
      'a number': () => 1,
    },
  },
  'a count of Prisma': {
    ask: ({ prisma }, n) => prisma.post.count({ where: { id: { lt: n } } }),
    wrong: WRONG_NUMBERS,
  },
  'counts of Prisma': {
    ask: ({ prisma }, n) => prisma.post.count({ select: { _all: true }, where: { id: { lt: n } } }),
    wrong: {
      'a number': () => 1,
      'a string': () => ({ _all: '1' }),
      'another count': () => ({ _all: 1, id: 1 }),
    },
  },
  'an aggregate of Prisma': {
    ask: ({ prisma }, n) =>
      prisma.post.aggregate({ _sum: { views: true }, _count: true, where: { id: { lt: n } } }),
    wrong: {
      'a number': () => 1,
      'a missing part': one(({ _count, ...rest }) => rest),
      'another part': one((value) => ({ ...value, _avg: { views: 1 } })),
      'a string': one((value) => ({ ...value, _sum: { views: '1' } })),
    },
  },
  'groups of Prisma': {
    ask: ({ prisma }, n) =>
      prisma.post.groupBy({
        by: ['authorId'],
        _count: true,
        where: { id: { lt: n } },
        orderBy: { authorId: 'asc' },
      }),
    wrong: {
      'one group': (groups) => (groups as unknown[])[0],
      'a missing field': (groups) => (groups as object[]).map(() => ({ _count: 1 })),
      'a wrong type': (groups) => (groups as object[]).map((group) => ({ ...group, authorId: 'x' })),
    },
  },
}
