import { EventEmitter } from 'node:events'
import type { Connection } from '@sluice/core'
import type { DatabaseConnection } from 'kysely'
import { describe, expect, it } from 'vitest'
import { PgConversions } from '../src/pg-conversions.ts'
import type { PgTypesProbe } from '../src/pg-types-probe.ts'

/** The oid of a type whose parser Sluice compares only if a result contains it. */
const TSVECTOR = 3614

type Run = (probe: PgTypesProbe) => void

/** A connection of Kysely that passes the SQL of a query to a client. */
function connectionTo(run: Run): DatabaseConnection {
  class FakeConnection {
    async executeQuery(query: { readonly sql: unknown }) {
      run(query.sql as PgTypesProbe)
      return { rows: [] }
    }
    streamQuery() {
      throw new Error('It does not stream.')
    }
  }
  return new FakeConnection() as unknown as DatabaseConnection
}

/** A client that behaves like that of `pg`. */
function clientOf(parsers: Map<number, unknown>) {
  const connection = new EventEmitter()
  const types = { getTypeParser: (oid: number) => parsers.get(oid) ?? String }
  const run: Run = (probe) => {
    Object.assign(probe._result, { _types: types })
    if (probe.submit(connection) instanceof Error) process.nextTick(() => probe.handleError())
  }
  const receive = (dataTypeID: number) =>
    connection.emit('rowDescription', { fields: [{ dataTypeID, format: 'text' }] })
  return { connection, run, receive }
}

function conversions(query: Connection['query'] = async () => [], now?: () => number): PgConversions {
  return new PgConversions(() => ({ dialect: 'postgresql', query }), now)
}

describe('PgConversions', () => {
  it('notices another parser of a type that a result contained', () => {
    const parsers = new Map<number, unknown>()
    const client = clientOf(parsers)
    const followed = conversions()
    followed.see(connectionTo(client.run))
    const first = followed.ofRead([])
    parsers.set(TSVECTOR, () => 1)
    expect(followed.ofRead([])).toBe(first)
    client.receive(TSVECTOR)
    const second = followed.ofRead([])
    parsers.set(TSVECTOR, () => 2)
    expect(followed.ofRead([])).not.toBe(second)
  })

  it('notices a change between a result and the next read', () => {
    const parsers = new Map<number, unknown>([[TSVECTOR, () => 1]])
    const client = clientOf(parsers)
    const followed = conversions()
    followed.see(connectionTo(client.run))
    const first = followed.ofRead([])
    client.receive(TSVECTOR)
    parsers.set(TSVECTOR, () => 2)
    expect(followed.ofRead([])).not.toBe(first)
  })

  it('knows no conversions while two clients convert differently', () => {
    const [one, other] = [new Map(), new Map<number, unknown>([[TSVECTOR, () => 1]])].map(clientOf)
    const followed = conversions()
    for (const client of [one, other]) if (client !== undefined) followed.see(connectionTo(client.run))
    one?.receive(TSVECTOR)
    expect(followed.ofRead([])).toBeUndefined()
    one?.connection.emit('end')
    expect(followed.ofRead([])).toBeDefined()
  })

  it('adds one listener to a client that many instances use', () => {
    const client = clientOf(new Map())
    for (let at = 0; at < 20; at += 1) conversions().see(connectionTo(client.run))
    expect(client.connection.listenerCount('rowDescription')).toBe(1)
    expect(client.connection.listenerCount('end')).toBe(1)
  })

  it('shares results between equal parsers only', () => {
    const sharedWith = (...parsers: [number, unknown][]) => {
      const followed = conversions()
      followed.see(connectionTo(clientOf(new Map(parsers)).run))
      return followed.shared([])
    }
    expect(sharedWith()).toMatch(/^[\w-]{43}$/)
    expect(sharedWith()).toBe(sharedWith())
    expect(sharedWith([TSVECTOR, (text: string) => text.length])).not.toBe(sharedWith())
    const letter = 'a'
    expect(sharedWith([TSVECTOR, (text: string) => letter + text])).toBeUndefined()
  })

  it.each<[string, Run]>([
    ['rejects the query', () => Promise.reject(new Error('This is not SQL.'))],
    [
      'throws',
      () => {
        throw new Error('This is not SQL.')
      },
    ],
    ['ignores it', () => {}],
    // As a client of `pg` does in pipeline mode.
    ['does not submit it', (probe) => process.nextTick(() => probe.handleError())],
  ])('shares nothing with a driver that %s', (_name, run) => {
    const followed = conversions()
    followed.see(connectionTo((probe) => void Promise.resolve(run(probe)).catch(() => {})))
    expect(followed.shared([])).toBeUndefined()
    expect(followed.ofRead([new Date()])).toBe('')
  })

  it('identifies how dates are sent, after 10 s if it got no answer', async () => {
    let now = 0
    let queries = 0
    let isUtc = false
    const followed = conversions(
      async (_sql, [value] = []) => {
        queries += 1
        if (queries === 1) throw new Error('no connection')
        const { toPostgres } = value as { toPostgres(mapper: () => string): unknown }
        toPostgres(() => (isUtc ? '2026+00:00' : '2026+01:17'))
        return []
      },
      () => now,
    )
    followed.see(connectionTo(clientOf(new Map()).run))
    const read = async () => {
      followed.ofRead([new Date()])
      await new Promise(setImmediate)
      return followed.ofRead([new Date()])
    }
    expect(await read()).toBeUndefined()
    expect(await read()).toBeUndefined()
    expect(queries).toBe(1)
    now = 10_000
    const local = await read()
    isUtc = true
    expect(local).toBeDefined()
    expect(followed.ofRead([new Date()])).not.toBe(local)
    expect(queries).toBe(2)
  })
})
