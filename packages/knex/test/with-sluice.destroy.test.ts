import { createSluice, type Mode } from '@sluice/core'
import knex from 'knex'
import { describe, expect, it } from 'vitest'
import { withSluice } from '../src/index.ts'

/** Its connections fail before they reach a server. */
const FAILING = {
  client: 'mysql2',
  connection: 'mysql://127.0.0.1/none?ssl=unknown',
  log: { warn: () => {} },
}

const silent = { warn: () => {}, error: () => {} }

describe('destroy', () => {
  for (const mode of ['observe', 'shadow', 'optimize'] satisfies Mode[])
    it(`does not wait for a timeout in ${mode} if no connection can be opened`, {
      timeout: 10_000,
    }, async () => {
      const db = withSluice(knex(FAILING), createSluice({ mode, logger: silent }))
      await expect(db.raw('SELECT 1')).rejects.toThrow('Unknown SSL profile')
      await db.destroy()
      expect(db.client.pool).toBeUndefined()
    })
})
