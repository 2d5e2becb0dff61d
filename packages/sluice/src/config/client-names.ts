/** The clients that Sluice attaches to, as the user knows them, in the order of messages. */
export const CLIENT_NAMES: readonly string[] = [
  'Knex',
  'Kysely',
  'Prisma',
  'pg',
  'postgres',
  'mysql2',
  'mysql',
  'mariadb',
  'better-sqlite3',
  'node:sqlite',
  'sqlite3',
  '@libsql/client',
]

/** The ORMs that Sluice recognizes above a driver. */
export const ORM_NAMES: readonly string[] = ['Drizzle', 'TypeORM', 'Sequelize', 'MikroORM', 'pg-promise']
