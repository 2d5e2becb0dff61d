import { type Case, DRIZZLE_FIX, OPTIMIZED, TYPEORM } from './case.ts'

const SQLITE_FIX =
  "db.prepare('SELECT id, name FROM author WHERE id IN (SELECT value FROM json_each(?))').all(JSON.stringify(keys))"
const SYNCHRONOUS = 'No, its calls are synchronous'

/** A loop of 20 queries, and a transaction. */
function onSqlite(orm: string, APP_DRIVER: string): Omit<Case, 'client' | 'packages' | 'attached' | 'fixes'> {
  return {
    on: `\`${APP_DRIVER}\``,
    name: 'orms-on-sqlite',
    env: { APP_ORM: orm, APP_DRIVER },
    findings: 1,
    loops: [`the loop of ${orm}`],
    repeats: 20,
  }
}

export const SQLITE_CASES: readonly Case[] = [
  {
    ...onSqlite('knex', 'better-sqlite3'),
    client: '[Knex](./knex.md)',
    packages: ['knex'],
    optimized: 'As with `withSluice`',
    attached: 'Knex (better-sqlite3)',
    fixes: ["db('author').whereIn('id', keys)"],
  },
  {
    ...onSqlite('kysely', 'better-sqlite3'),
    client: '[Kysely](./kysely.md)',
    packages: ['kysely'],
    optimized: OPTIMIZED.kysely,
    attached: 'Kysely (sqlite)',
    fixes: ["db.selectFrom('author').selectAll().where('id', 'in', keys).execute()"],
  },
  {
    ...onSqlite('prisma', 'better-sqlite3'),
    client: '[Prisma](./prisma.md) with a driver adapter',
    packages: ['@prisma/client'],
    optimized: 'As with `withSluice`',
    attached: 'Prisma',
    fixes: ['prisma.author.findMany({ where: { id: { in: keys } } })'],
  },
  {
    client: '[Drizzle](./drizzle.md)',
    packages: ['drizzle-orm'],
    on: '`better-sqlite3`',
    optimized: SYNCHRONOUS,
    name: 'drizzle-sqlite',
    attached: 'better-sqlite3 (Drizzle)',
    findings: 2,
    // The driver runs a query that is awaited in a microtask, without the frames of the app.
    located: 1,
    loops: ['the synchronous loop'],
    fixes: [DRIZZLE_FIX],
  },
  {
    client: '[Drizzle](./drizzle.md)',
    packages: ['drizzle-orm'],
    on: '`@libsql/client`',
    name: 'drizzle-libsql',
    attached: '@libsql/client (Drizzle)',
    findings: 1,
    loops: ['the loop'],
    fixes: [DRIZZLE_FIX],
  },
  ...['typeorm', 'typeorm03'].map((APP_TYPEORM) => ({
    ...TYPEORM,
    packages: [APP_TYPEORM],
    on: '`better-sqlite3`',
    optimized: SYNCHRONOUS,
    attached: 'better-sqlite3 (TypeORM)',
    env: { APP_TYPEORM },
  })),
  {
    client: '`better-sqlite3`',
    packages: ['better-sqlite3'],
    optimized: SYNCHRONOUS,
    name: 'better-sqlite3',
    attached: 'better-sqlite3',
    findings: 2,
    loops: ['the loop', 'the bound loop'],
    fixes: [SQLITE_FIX],
  },
  ...[{ APP_LOADS: 'import', DATABASE_FILE: '' }, { APP_LOADS: 'import' }, { APP_LOADS: 'require' }].map(
    (env) => ({
      client: '`@libsql/client`',
      packages: ['@libsql/client'],
      name: 'libsql',
      attached: '@libsql/client',
      env,
      findings: 2,
      loops: ['the loop', 'the loop at the same time'],
      // Each statement of a batch and of a transaction counts, BEGIN and COMMIT of a batch do not.
      requests: ['script libsql.main.ts   90 queries'],
      fixes: [
        "client.execute('SELECT id, name FROM writer WHERE id IN (SELECT value FROM json_each(?))', [JSON.stringify(keys)])",
      ],
    }),
  ),
]

/** With `sqlite3`, which not each machine has. */
export const SQLITE3_CASES: readonly Case[] = [
  {
    ...onSqlite('knex', 'sqlite3'),
    client: '[Knex](./knex.md)',
    packages: ['knex'],
    optimized: 'As with `withSluice`',
    attached: 'Knex (sqlite3)',
    fixes: ["db('author').whereIn('id', keys)"],
  },
  {
    ...onSqlite('typeorm', 'sqlite3'),
    client: '[TypeORM](./typeorm.md)',
    packages: ['typeorm03'],
    attached: 'sqlite3 (TypeORM)',
    fixes: ['dataSource.getRepository(Author).find({ where: { id: In(keys) } })'],
  },
  {
    ...onSqlite('sequelize', 'sqlite3'),
    client: '[Sequelize](./sequelize.md)',
    packages: ['sequelize'],
    attached: 'sqlite3 (Sequelize)',
    // It sends a query in a callback, without the frames of the app.
    located: 0,
    loops: [],
    fixes: ['Author.findAll({ where: { id: keys } })'],
  },
  ...['no', 'yes'].map((APP_VERBOSE) => ({
    client: '`sqlite3`',
    packages: ['sqlite3'],
    name: 'sqlite3',
    attached: 'sqlite3',
    env: { APP_VERBOSE },
    findings: 4,
    loops: ['the loop', 'the prepared loop', 'the loop of names'],
    fixes: [
      "db.all('SELECT id, name FROM author WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(keys), callback)",
    ],
  })),
]

/** A part of Node.js. Version 24 has a store of tags, in which the program repeats queries, too. */
export const NODE_SQLITE: Case = {
  client: '`node:sqlite`',
  packages: [],
  optimized: SYNCHRONOUS,
  name: 'node-sqlite',
  attached: 'node:sqlite',
  findings: 1,
  loops: ['the loop'],
  fixes: [SQLITE_FIX],
}
