import { withSluice } from '@sluice/knex'
import knex from 'knex'
import { sluice } from './sluice.js'

globalThis.made = (globalThis.made ?? 0) + 1
globalThis.db ??= withSluice(
  knex({
    client: 'better-sqlite3',
    connection: { filename: process.env.DATABASE_FILE ?? 'app.db' },
    useNullAsDefault: true,
  }),
  sluice,
)

export const db = globalThis.db
