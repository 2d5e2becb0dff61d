import { createSluice, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import type { StaleReader } from '../../src/schema/source-state.ts'

/** Readers are not kept alive by the registry. */
const readers: StaleReader[] = []

function attach(sluice: Sluice, id: string, prepare: StaleReader['prepare']): void {
  const reader: StaleReader = { readIfStale: () => {}, forget: async () => {}, prepare }
  readers.push(reader)
  hostOf(sluice).catalogs.addReader(id, reader)
}

const never = () => new Promise<never>(() => {})

describe('sluice.ready', () => {
  it('resolves without clients', async () => {
    expect(await createSluice().ready()).toEqual({ ready: [], pending: {} })
  })

  it('contains each client, and the reason if its schema is not known', async () => {
    const sluice = createSluice()
    attach(sluice, 'knex1', async () => 'known')
    attach(sluice, 'knex2', async () => 'NO_CATALOG')
    attach(sluice, 'knex3', async () => 'NO_CONNECTION')
    attach(sluice, 'knex4', async () => undefined)
    expect(await sluice.ready()).toEqual({
      ready: ['knex1'],
      pending: { knex2: 'NO_CATALOG', knex3: 'NO_CONNECTION' },
    })
  })

  it('resolves after the timeout, and lists the clients that are ready', async () => {
    const sluice = createSluice()
    attach(sluice, 'knex1', async () => 'known')
    attach(sluice, 'knex2', never)
    expect(await sluice.ready({ timeoutMs: 5 })).toEqual({ ready: ['knex1'], pending: { knex2: 'TIMEOUT' } })
  })

  it('does not change a result that was returned', async () => {
    const sluice = createSluice()
    let known = (): void => {}
    attach(
      sluice,
      'knex1',
      () =>
        new Promise((resolve) => {
          known = () => resolve('known')
        }),
    )
    const result = await sluice.ready({ timeoutMs: 0 })
    known()
    await new Promise((resolve) => setImmediate(resolve))
    expect(result).toEqual({ ready: [], pending: { knex1: 'TIMEOUT' } })
  })

  it('resolves when the Sluice is closed', async () => {
    const sluice = createSluice()
    attach(sluice, 'knex1', never)
    const waiting = sluice.ready({ timeoutMs: 3_600_000 })
    await sluice.close()
    expect(await waiting).toEqual({ ready: [], pending: { knex1: 'TIMEOUT' } })
  })

  it('rejects invalid options', async () => {
    await expect(createSluice().ready({ timeoutMs: -1 })).rejects.toThrow(/timeoutMs/)
    await expect(createSluice().ready({ timeout: 1 } as never)).rejects.toThrow(/timeout/)
  })
})
