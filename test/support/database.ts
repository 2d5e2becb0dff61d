import type { Connection } from '@sluice/core'
import type { Knex } from 'knex'

/** The address of a database, as far as clients need it. */
export type DatabaseAddress = Pick<Database, 'dialect' | 'url' | 'filename'>

/** A separate empty database for one test file or one test, with a connection to prepare and inspect it. */
export interface Database extends Connection {
  /** SQLite: `file:` and the path. */
  readonly url: string
  /** SQLite only: the file. */
  readonly filename?: string
  /** A new configuration for `knex(…)` each time. */
  knexConfig(): Knex.Config
  /** Runs a script of any number of statements. */
  exec(script: string): Promise<void>
  /** Closes the connection and removes the database. */
  drop(): Promise<void>
}
