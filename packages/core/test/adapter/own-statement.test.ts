import { createSluice, type Dialect, type SluiceOptions } from '@sluice/core'
import { SchemaCatalog } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConnectionObserver } from '../../src/adapter/connection-observer.ts'
import type { SoleWriter } from '../../src/pipeline/sole-writer.ts'

/** A client of a server whose counter is set by hand, and which was polled once. */
class World {
  readonly observer: ConnectionObserver
  readonly errors: unknown[] = []
  #counter = 0n

  constructor(dialect: Dialect = 'postgresql', options: SluiceOptions = {}, isEmbedded = false) {
    const sluice = createSluice({ mode: 'optimize', ...options })
    onTestFinished(() => sluice.close())
    sluice.on('error', (error) => this.errors.push(error))
    const host = hostOf(sluice)
    const open = () => Promise.reject(new Error('must not be opened'))
    this.observer = new ConnectionObserver(
      host,
      'one',
      { dialect, isEmbedded },
      { connect: async () => true, open, openBriefly: open },
    )
    const table = {
      name: 't',
      kind: 'table' as const,
      columns: [{ name: 'id', type: 'integer', nullable: false } as const],
      primaryKey: ['id'],
      uniqueKeys: [],
    }
    const data = { dialect, defaultSchema: 'main', tables: [table], foreignKeys: [] }
    host.catalogs.set('one', new SchemaCatalog(data))
    this.observer.soleWriter?.watch()
  }

  get soleWriter(): SoleWriter {
    if (this.observer.soleWriter === undefined) throw new Error('There is no proof.')
    return this.observer.soleWriter
  }

  /** @param rose - By how much the counter rose since the last poll. */
  async poll(rose = 0n): Promise<string> {
    // Times are compared strictly.
    await new Promise((resolve) => setTimeout(resolve, 2))
    const busy = this.soleWriter.busy()
    this.#counter += rose
    const reading = { value: this.#counter, isSettled: true, server: 'one', uptime: 0 }
    const sentAt = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 2))
    const result = this.soleWriter.polled({ reading, sentAt, answeredAt: performance.now(), busy })
    await new Promise((resolve) => setTimeout(resolve, 2))
    return result
  }

  send(sql: string, answer: unknown = { rowCount: 1 }, connection: object = {}): Promise<unknown> {
    const send = async () => {
      if (answer instanceof Error) throw answer
      return answer
    }
    return this.observer.statement(connection, { sql, params: [], send, rows: () => 0, isKnown: true })
  }
}

const UPDATE = 'UPDATE t SET id = 2'
const mysqlHeader = (serverStatus: number) => [{ affectedRows: 1, changedRows: 1, serverStatus }, undefined]

describe('OwnStatements', () => {
  it('counts a statement outside of transactions', async () => {
    const world = new World()
    await world.poll()
    await world.send(UPDATE)
    expect(await world.poll(1n)).toBe('proven')
    await world.send(UPDATE, { rowCount: 0 })
    expect(await world.poll()).toBe('proven')
    await world.send(UPDATE, { rowCount: 0 })
    expect(await world.poll(1n)).toBe('ended')
  })

  it('reads the answer of a statement with the method of the statement', async () => {
    const world = new World()
    await world.poll()
    const sent = {
      sql: UPDATE,
      params: [],
      isKnown: true,
      answer: { rowCount: 1 },
      send: async () => 'answer',
      rows: () => 0,
      resultOf(): unknown {
        return this.answer
      },
    }
    await world.observer.statement({}, sent)
    expect(await world.poll(1n)).toBe('proven')
  })

  it('never fails a statement: without its answer, there is no proof', async () => {
    const world = new World()
    await world.poll()
    const resultOf = () => {
      throw new Error('of Sluice')
    }
    const sent = {
      sql: UPDATE,
      params: [],
      isKnown: true,
      send: async () => 'answer',
      rows: () => 0,
      resultOf,
    }
    expect(await world.observer.statement({}, sent)).toBe('answer')
    expect(world.errors).toEqual([new Error('of Sluice')])
    expect(await world.poll()).toBe('ended')
  })

  it('counts a transaction once, and twice on MariaDB', async () => {
    for (const [dialect, rose, answer] of [
      ['postgresql', 1n, { rowCount: 1 }],
      ['mysql', 2n, mysqlHeader(3)],
    ] as const) {
      const world = new World(dialect)
      const connection = {}
      await world.poll()
      await world.send('BEGIN', undefined, connection)
      await world.send(UPDATE, answer, connection)
      await world.send(UPDATE, answer, connection)
      await world.send('COMMIT', undefined, connection)
      expect(await world.poll(rose)).toBe('proven')
    }
  })

  it('counts a transaction of MariaDB once if a part of it was rolled back', async () => {
    const world = new World('mysql')
    const connection = {}
    await world.poll()
    for (const sql of ['BEGIN', 'SAVEPOINT a']) await world.send(sql, undefined, connection)
    await world.send(UPDATE, mysqlHeader(3), connection)
    for (const sql of ['ROLLBACK TO a', 'COMMIT']) await world.send(sql, undefined, connection)
    expect(await world.poll(1n)).toBe('proven')
  })

  it('counts nothing for a statement that failed, and ends the chain if its outcome is unknown', async () => {
    const world = new World()
    await world.poll()
    const rejected = Object.assign(new Error('duplicate key'), { code: '23505' })
    await expect(world.send(UPDATE, rejected)).rejects.toBe(rejected)
    expect(await world.poll(1n)).toBe('ended')
    const lost = Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
    await expect(world.send(UPDATE, lost)).rejects.toBe(lost)
    expect(world.soleWriter.covers(performance.now())).toBe(false)
  })

  it('takes no base while a transaction is open', async () => {
    const world = new World()
    const connection = {}
    await world.send('BEGIN', undefined, connection)
    expect(await world.poll()).toBe('unknown')
    await world.send('COMMIT', undefined, connection)
    expect(await world.poll()).toBe('ended')
    expect(await world.poll()).toBe('proven')
  })

  it.each([
    ['postgresql', 'SELECT 1; BEGIN'],
    ['mysql', 'SET autocommit = 0'],
    ['mysql', 'SET SESSION completion_type = 1'],
    ['mysql', "XA START 'a'"],
    ['mysql', 'CALL p()'],
  ] as const)(
    'proves nothing any more after a statement that may leave a transaction open (%s, %s)',
    async (dialect, sql) => {
      const world = new World(dialect)
      await world.poll()
      await world.send(sql)
      await world.poll()
      expect(await world.poll()).toBe('ended')
      expect(world.soleWriter.covers(performance.now())).toBe(false)
    },
  )

  it.each([
    ['postgresql', 'CREATE TABLE x (id int)'],
    ['mysql', 'CREATE TABLE x (id int)'],
    ['mysql', 'SET NAMES utf8mb4'],
    ['mysql', 'UNLOCK TABLES'],
  ] as const)('begins another chain after other statements (%s, %s)', async (dialect, sql) => {
    const world = new World(dialect)
    await world.send(sql)
    await world.poll()
    expect(await world.poll()).toBe('proven')
  })

  it('proves nothing any more after a transaction that the ORM does not know, or a script', async () => {
    for (const act of [
      (world: World) =>
        world.observer.statement({}, { sql: 'BEGIN', params: [], send: async () => {}, rows: () => 0 }),
      (world: World) => world.observer.script(async () => {}),
    ]) {
      const world = new World()
      await world.poll()
      await act(world)
      await world.poll()
      expect(await world.poll()).toBe('ended')
    }
  })

  it('proves nothing any more after a savepoint that began a transaction of SQLite', async () => {
    const [sqlite, mysql] = [new World('sqlite', {}, true), new World('mysql')]
    for (const world of [sqlite, mysql]) {
      await world.poll()
      await world.send('SAVEPOINT outermost')
    }
    expect(await sqlite.poll()).toBe('ended')
    expect(sqlite.soleWriter.begin()).toBeUndefined()
    expect(await mysql.poll()).toBe('proven')
  })

  it('ends the chain with a transaction that may have ended earlier', async () => {
    const world = new World('mysql')
    const connection = {}
    await world.poll()
    await world.send('BEGIN', undefined, connection)
    const deadlock = Object.assign(new Error('deadlock'), { code: 'ER_LOCK_DEADLOCK', errno: 1213 })
    await expect(world.send(UPDATE, deadlock, connection)).rejects.toBe(deadlock)
    await world.send('COMMIT', undefined, connection)
    expect(await world.poll()).toBe('ended')
  })

  it('does not exist for SQLite, with a store, or if the app set a time to live', () => {
    expect(new World('sqlite').observer.soleWriter).toBeUndefined()
    expect(new World('postgresql', { cache: { ttl: 1 } }).observer.soleWriter).toBeUndefined()
    expect(new World('postgresql', { cache: false }).observer.soleWriter).toBeUndefined()
    expect(new World('postgresql', { schemaCheckMs: false }).observer.soleWriter).toBeUndefined()
    expect(new World('postgresql', { cache: { maxBytes: 1_000_000 } }).observer.soleWriter).toBeDefined()
  })
})
