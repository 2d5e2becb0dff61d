import { createSluice } from '@sluice/core'
import { MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import { expect, it, vi } from 'vitest'
import { withSluice } from '../src/index.ts'

const dialect = () => new PostgresDialect({ pool: {} as never })

it.each([
  ['no dialect', { replicas: [{}] }],
  ['no array', { replicas: dialect() }],
  ['an unknown option', { lag: 1 }],
  ['a region without its own', { replicas: [{ client: dialect(), region: 'eu' }] }],
])('rejects replicas with %s', (_name, options) => {
  expect(() => withSluice(dialect(), createSluice(), options as never)).toThrow(
    expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' }),
  )
})

it('warns if the database has no replicas that Sluice can read from', async () => {
  const warn = vi.fn()
  const sluice = createSluice({ logger: { warn, error: () => {} } })
  const sqlite = new SqliteDialect({ database: {} as never })
  withSluice(sqlite, sluice, { replicas: [new SqliteDialect({ database: {} as never })] }).createDriver()
  expect(warn).toHaveBeenCalledTimes(1)
  expect(sluice.replicas.getStats()).toEqual([])
  const mysql = new MysqlDialect({ pool: {} as never })
  withSluice(mysql, sluice, { replicas: [mysql] }).createDriver()
  expect(sluice.replicas.getStats()).toHaveLength(1)
  await sluice.close()
})
