import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/drizzle'
import SqliteDatabase from 'better-sqlite3'
import mysql from 'mysql2'
import promised from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'

describe('replicas for Drizzle', () => {
  const pool = (): pg.Pool => new pg.Pool()
  const mysqlPool = (): promised.Pool => {
    const opened = promised.createPool({ host: '127.0.0.1' })
    onTestFinished(() => opened.end())
    return opened
  }

  it.each([
    ['a pool of another driver', () => withSluice(pool(), undefined, { replicas: [mysqlPool()] })],
    ['a pool of pg', () => withSluice(mysqlPool(), undefined, { replicas: [pool()] })],
    ['no array', () => withSluice(pool(), undefined, { replicas: pool() as never })],
    ['no pool', () => withSluice(pool(), undefined, { replicas: [{ client: {} }] })],
    ['an unknown option', () => withSluice(pool(), undefined, { lag: 1 } as never)],
    ['a region without its own', () => withSluice(pool(), undefined, { primaryRegion: 'eu' })],
  ])('rejects %s', (_name, wrong) => {
    expect(wrong).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' }))
  })

  it('accepts pools of the same driver, with promises or callbacks', async () => {
    const sluice = createSluice()
    const callbacks = mysql.createPool({ host: '127.0.0.1' })
    onTestFinished(() => callbacks.end())
    const places = { balancer: { region: { local: 'eu' } } }
    withSluice(pool(), sluice, { replicas: [{ client: pool(), region: 'eu' }], ...places })
    withSluice(mysqlPool(), sluice, { replicas: [callbacks] })
    const ids = sluice.replicas
      .getStats()
      .map(({ replicas }) => replicas.map(({ id, region }) => [id, region]))
    expect(ids).toEqual([[['replica-1:1', 'eu']], [['127.0.0.1:3306', undefined]]])
    await sluice.close()
  })

  it('routes nothing on SQLite', () => {
    const database = new SqliteDatabase(':memory:')
    expect(() => withSluice(database, createSluice(), { replicas: [database] })).toThrow('replicas')
  })
})
