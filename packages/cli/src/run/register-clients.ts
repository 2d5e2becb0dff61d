/** A client to which `sluice/register` attaches. */
export interface RegisterClient {
  /** As people know it. */
  readonly name: string
  /** The tested versions of its package. */
  readonly range: string
  /** An ORM whose statements Sluice sees in its driver. */
  readonly isSeenInDriver?: true
}

/** The clients of `sluice/register`, by package, in the order of messages. */
export const REGISTER_CLIENTS: Readonly<Record<string, RegisterClient>> = {
  knex: { name: 'Knex', range: '^2.0.0 || ^3.0.0' },
  kysely: { name: 'Kysely', range: '>=0.28.0 <0.30.0' },
  '@prisma/client': { name: 'Prisma', range: '^7.0.0' },
  'drizzle-orm': { name: 'Drizzle', range: '>=0.44.0 <0.46.0 || ^1.0.0-rc.1', isSeenInDriver: true },
  typeorm: { name: 'TypeORM', range: '>=0.3.0 <0.4.0 || ^1.0.0', isSeenInDriver: true },
  sequelize: { name: 'Sequelize', range: '^6.0.0', isSeenInDriver: true },
  '@mikro-orm/core': { name: 'MikroORM', range: '^6.0.0 || ^7.0.0', isSeenInDriver: true },
  'pg-promise': { name: 'pg-promise', range: '^12.0.0', isSeenInDriver: true },
  pg: { name: 'pg', range: '^8.0.0' },
  postgres: { name: 'postgres', range: '^3.4.0' },
  mysql2: { name: 'mysql2', range: '^3.0.0' },
  mysql: { name: 'mysql', range: '^2.18.0' },
  mariadb: { name: 'mariadb', range: '^3.4.0' },
  'better-sqlite3': { name: 'better-sqlite3', range: '^12.0.0' },
  // A part of Node.js, which is in no folder.
  'node:sqlite': { name: 'node:sqlite', range: '*' },
  sqlite3: { name: 'sqlite3', range: '^6.0.0' },
  '@libsql/client': { name: '@libsql/client', range: '>=0.18.0 <0.19.0' },
}

/** The names of the clients, as in a sentence. */
export const registerClientNames: string = new Intl.ListFormat('en').format(
  Object.values(REGISTER_CLIENTS).map(({ name }) => name),
)
