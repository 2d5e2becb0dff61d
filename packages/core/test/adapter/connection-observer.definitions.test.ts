import { createSluice } from '@sluice/core'
import { SchemaCatalog } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConnectionObserver } from '../../src/adapter/connection-observer.ts'

/** A table whose triggers may change the schema, and one without triggers. */
function catalogOf(): SchemaCatalog {
  const id = { name: 'id', type: 'integer', nullable: false } as const
  const table = { kind: 'table', columns: [id], primaryKey: ['id'], uniqueKeys: [] } as const
  const tables = [
    { ...table, name: 'defining', hasTriggers: true, hasDefiningTriggers: true },
    { ...table, name: 'plain' },
  ]
  return new SchemaCatalog({ dialect: 'postgresql', defaultSchema: 'public', tables, foreignKeys: [] })
}

function open() {
  const sluice = createSluice({ mode: 'optimize' })
  onTestFinished(() => sluice.close())
  const { catalogs } = hostOf(sluice)
  const open = () => Promise.reject(new Error('not opened'))
  const observer = new ConnectionObserver(
    hostOf(sluice),
    'one',
    { dialect: 'postgresql' },
    { connect: async () => true, open, openBriefly: open },
  )
  catalogs.set('one', catalogOf())
  const generationsOf = async (sql: string) => {
    const before = catalogs.generations.current
    await observer.statement({}, { sql, params: [], send: async () => [], rows: () => 0, isKnown: true })
    return catalogs.generations.current - before
  }
  return { catalogs, generationsOf }
}

describe('a write that may change the schema', () => {
  it('starts a schema generation if its table has triggers', async () => {
    const { generationsOf } = open()
    expect(await generationsOf('insert into plain values (1)')).toBe(0)
    expect(await generationsOf('insert into defining values (1)')).toBe(2)
  })

  it('starts a schema generation while the catalog of another source is being read', async () => {
    const { catalogs, generationsOf } = open()
    catalogs.set('other', undefined)
    expect(await generationsOf('insert into defining values (1)')).toBe(2)
  })
})
