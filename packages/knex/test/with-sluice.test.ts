import { createSluice, InvalidArgumentError, InvalidOptionError } from '@sluice/core'
import { hostOf } from '@sluice/core/adapter'
import knex from 'knex'
import { describe, expect, it, vi } from 'vitest'
import { knexConnection } from '../src/knex-connection.ts'
import { withSluice } from '../src/with-sluice.ts'

const postgres = 'pg'

describe('withSluice', () => {
  it.each(['better-sqlite3', 'sqlite3', 'pg', 'pgnative', 'mysql2', 'mysql'])('instruments %s', (client) => {
    const db = knex({ client, useNullAsDefault: true })
    const prototype: unknown = Object.getPrototypeOf(db.client)
    const sluice = createSluice()
    const warn = vi.spyOn(hostOf(sluice), 'warn')
    expect(withSluice(db, sluice)).toBe(db)
    expect(Object.getPrototypeOf(db.client)).not.toBe(prototype)
    expect(warn).not.toHaveBeenCalled()
  })

  it.each([
    ['cockroachdb', 'cockroachdb'],
    ['redshift', 'pg-redshift'],
    ['mssql', 'mssql'],
    ['oracledb', 'oracledb'],
    ['mariadb', 'mariadb'],
  ])('leaves %s unchanged, with one warning', async (client, driverName) => {
    const db = knex({ client })
    const prototype: unknown = Object.getPrototypeOf(db.client)
    const sluice = createSluice({ mode: 'optimize' })
    const warn = vi.spyOn(hostOf(sluice), 'warn').mockImplementation(() => {})
    expect(withSluice(db, sluice)).toBe(db)
    expect(Object.getPrototypeOf(db.client)).toBe(prototype)
    expect(warn.mock.calls).toEqual([
      [
        `@sluice/knex works with the clients better-sqlite3, sqlite3, pg, pgnative, mysql2, mysql of Knex 3; this instance uses ${driverName}. Its queries pass through.`,
      ],
    ])
    expect(db('t').where({ id: 1 }).toSQL().bindings).toContain(1)
    expect(() => knexConnection(db)).toThrow(InvalidArgumentError)
    await db.destroy()
  })

  it.each([
    [{ replicas: [{ region: 'eu' }] }, 'replicas'],
    [{ replicas: {} }, 'replicas'],
    [{ replicas: [{ client: knex({ client: postgres }), zones: 'a' }] }, 'replicas[0].zones'],
    [{ replicas: [{ client: knex({ client: postgres }), region: '' }] }, 'replicas[0].region'],
    [{ replicas: [{ client: knex({ client: postgres }), region: 'eu' }] }, 'balancer.region'],
    [{ replicas: [knex({ client: postgres })], balancer: { region: { local: 'eu' } } }, 'replicas[0].region'],
  ])('rejects invalid replicas: %#', (options, name) => {
    const attach = () => withSluice(knex({ client: postgres }), createSluice(), options as never)
    expect(attach).toThrow(InvalidOptionError)
    expect(attach).toThrow(`"${name}"`)
  })

  it.each(['pgnative', 'mysql'])('reads from no replica through %s, with a warning', (client) => {
    const sluice = createSluice()
    const warn = vi.spyOn(hostOf(sluice), 'warn').mockImplementation(() => {})
    withSluice(knex({ client }), sluice, { replicas: [knex({ client })] })
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('All reads go to the primary.'), 'SLUICE_REPLICAS_UNUSED'],
    ])
  })
})
