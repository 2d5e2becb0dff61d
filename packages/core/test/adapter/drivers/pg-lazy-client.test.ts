import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { PgLazyClient } from '../../../src/adapter/drivers/pg-lazy-client.ts'

const onlyReads = (sql: string) => sql.startsWith('SELECT')

let sent: string[]
let connection: EventEmitter & { query(...args: unknown[]): unknown; release: ReturnType<typeof vi.fn> }
let pool: { query(...args: unknown[]): unknown; connect: ReturnType<typeof vi.fn> }
let lazy: PgLazyClient

function answer(place: string, args: readonly unknown[]): unknown {
  sent.push(`${place} ${(args[0] as { readonly text?: string }).text ?? args[0]}`)
  const callback = args.at(-1)
  if (typeof callback !== 'function') return Promise.resolve({ place })
  setImmediate(() => callback(undefined, { place }))
  return undefined
}

beforeEach(() => {
  sent = []
  connection = Object.assign(new EventEmitter(), {
    query: (...args: unknown[]) => answer('connection', args),
    release: vi.fn(),
  })
  pool = { query: (...args: unknown[]) => answer('pool', args), connect: vi.fn(async () => connection) }
  lazy = new PgLazyClient(pool as never, onlyReads)
})

const withCallback = (sql: string) =>
  new Promise((resolve, reject) =>
    lazy.query(sql, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result))),
  )

describe('PgLazyClient', () => {
  it('sends reads to the pool until a statement needs a connection, and then everything to that', async () => {
    await lazy.query('SELECT 1')
    expect(pool.connect).not.toHaveBeenCalled()
    await lazy.query({ text: 'BEGIN' })
    expect(await lazy.query('SELECT 2', [])).toEqual({ place: 'connection' })
    expect(await withCallback('SELECT 3')).toEqual({ place: 'connection' })
    expect(sent).toEqual(['pool SELECT 1', 'connection BEGIN', 'connection SELECT 2', 'connection SELECT 3'])
    expect(pool.connect).toHaveBeenCalledOnce()
  })

  it('answers callbacks', async () => {
    expect(await withCallback('SELECT 1')).toEqual({ place: 'pool' })
    expect(await withCallback('BEGIN')).toEqual({ place: 'connection' })
  })

  it('connects only after the reads before, and keeps the order of later statements', async () => {
    let finish = (_: unknown) => {}
    pool.query = () =>
      new Promise((resolve) => {
        finish = resolve
      })
    const read = lazy.query('SELECT 1')
    const write = lazy.query('UPDATE a') as Promise<unknown>
    const later = lazy.query('SELECT 2') as Promise<unknown>
    await new Promise((resolve) => setImmediate(resolve))
    expect(pool.connect).not.toHaveBeenCalled()
    finish('read')
    expect(await read).toBe('read')
    await Promise.all([write, later])
    expect(sent).toEqual(['connection UPDATE a', 'connection SELECT 2'])
  })

  it('passes errors of the connection to each form of a statement', async () => {
    pool.connect.mockRejectedValue(new Error('refused'))
    await expect(lazy.query('BEGIN')).rejects.toThrow('refused')
    await expect(withCallback('BEGIN')).rejects.toThrow('refused')
    const cursor = { submit() {}, handleError: vi.fn() }
    expect(lazy.query(cursor)).toBe(cursor)
    await new Promise((resolve) => setImmediate(resolve))
    expect(cursor.handleError).toHaveBeenCalledWith(new Error('refused'))
  })

  it('listens to its connection as soon as it has one', async () => {
    const [kept, removed, once] = [vi.fn(), vi.fn(), vi.fn()]
    lazy.on('error', kept).on('error', removed).once('error', once).off('error', removed)
    await lazy.query('BEGIN')
    connection.emit('error', 1)
    connection.emit('error', 2)
    lazy.removeListener('error', kept)
    expect(connection.listenerCount('error')).toBe(0)
    expect([kept.mock.calls, removed.mock.calls, once.mock.calls]).toEqual([[[1], [2]], [], [[1]]])
  })

  it('releases the connection that it has taken, also one that is being taken, and only once', async () => {
    new PgLazyClient(pool as never, onlyReads).release()
    expect(connection.release).not.toHaveBeenCalled()
    const writing = lazy.query('BEGIN')
    lazy.release('broken')
    await writing
    expect(connection.release.mock.calls).toEqual([['broken']])
    expect(() => lazy.release()).toThrow('already been released')
  })
})
