import { createSluice, type Mode, type SluiceOptions } from '@sluice/core'
import {
  type AdapterClient,
  attachClient,
  type RowForm,
  type SqlRead,
  type SqlRow,
} from '@sluice/core/adapter'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'

/** An app on SQLite without an ORM: a minimal adapter. */
class App {
  readonly sent: string[] = []
  readonly database = new Database(':memory:')
  readonly sluice
  readonly client: AdapterClient

  constructor(mode: Mode = 'optimize', options: Partial<SluiceOptions> = {}) {
    this.database.exec('create table city (id integer primary key, region_id integer, name text)')
    for (let id = 1; id <= 60; id++)
      this.database.prepare('insert into city values (?, ?, ?)').run(id, id % 7, `city ${id}`)
    this.sluice = createSluice({ mode, ...options })
    onTestFinished(() => this.sluice.close())
    this.client = attachClient(this.sluice, {
      orm: 'plain',
      dialect: 'sqlite',
      moduleUrl: import.meta.url,
      fix: () => 'ask once',
      connection: () => ({
        dialect: 'sqlite',
        query: async (sql, params = []) => this.bare(sql, params, 'objects') as Record<string, unknown>[],
      }),
    })
  }

  bare(sql: string, params: readonly unknown[], form: RowForm): SqlRow[] {
    const statement = this.database.prepare(sql)
    if (!statement.reader) return [{ changes: statement.run(...params).changes }]
    return statement.raw(form === 'arrays').all(...params) as SqlRow[]
  }

  send(sql: string, params: readonly unknown[] = [], form: RowForm = 'objects'): Promise<SqlRow[]> {
    const send = async () => {
      this.sent.push(sql)
      return this.bare(sql, params, form)
    }
    return this.client.statement({}, { sql, params, send, rows: (rows) => rows.length })
  }

  query(
    sql: string,
    params: readonly unknown[] = [],
    extra: Partial<SqlRead> = {},
  ): Promise<readonly SqlRow[]> {
    const { rows = 'objects' } = extra
    if (!this.client.isActive) return this.send(sql, params, rows)
    return this.client.read({
      sql,
      params,
      rows,
      inTransaction: false,
      send: (s, p) => this.send(s, p, rows),
      ...extra,
    })
  }

  /** Settles when the catalog is available. */
  async ready(): Promise<this> {
    await this.query('select 1')
    await new Promise((resolve) => setTimeout(resolve, 20))
    this.sent.length = 0
    return this
  }
}

const byId = 'select name, region_id from city where id = ?'

describe('AdapterClient.read', () => {
  it.each(['objects', 'arrays'] as const)(
    'batches lookups of one tick, and returns to each its rows as %s',
    async (rows) => {
      const app = await new App().ready()
      const ids = [3, 1, 99, 3]
      const found = await app.sluice.run(() => Promise.all(ids.map((id) => app.query(byId, [id], { rows }))))
      expect(found).toEqual(ids.map((id) => app.bare(byId, [id], rows)))
      expect(app.sent).toHaveLength(1)
    },
  )

  it('does not batch lookups with one key and different constants', async () => {
    const app = await new App().ready()
    const sql = 'select id from city where region_id = ? and id > ? order by id'
    const asked = [
      [3, 10],
      [3, 30],
      [4, 10],
    ]
    const found = await app.sluice.run(() => Promise.all(asked.map((params) => app.query(sql, params))))
    expect(found).toEqual(asked.map((params) => app.bare(sql, params, 'objects')))
    expect(app.sent).toHaveLength(2)
  })

  it('does not batch reads with different settings or row formats', async () => {
    const app = await new App('optimize', { cache: {} }).ready()
    const ask = (id: number, extra: Partial<SqlRead>) => app.query(byId, [id], extra)
    const all = () =>
      Promise.all([
        ask(1, {}),
        ask(2, { rows: 'arrays' }),
        ask(3, { settings: () => 'dates as text' }),
        ask(1, { rows: 'arrays' }),
      ])
    const found = await app.sluice.run(all)
    expect(found[3]).toEqual(app.bare(byId, [1], 'arrays'))
    expect(found[0]).toEqual(app.bare(byId, [1], 'objects'))
    expect(app.sent).toHaveLength(3)
    expect(await app.sluice.run(all)).toEqual(found)
    expect(app.sent).toHaveLength(3)
  })

  it('sends a read with unknown settings alone, and counts why', async () => {
    const app = await new App('optimize', { cache: {} }).ready()
    const all = () => Promise.all([1, 2].map((id) => app.query(byId, [id], { settings: () => undefined })))
    const expected = [1, 2].map((id) => app.bare(byId, [id], 'objects'))
    expect(await app.sluice.run(all)).toEqual(expected)
    expect(await app.sluice.run(all)).toEqual(expected)
    expect(app.sent).toEqual([byId, byId, byId, byId])
    const { passedThrough } = app.sluice.queries.getStats()
    expect(passedThrough).toMatchObject({ 'batch:UNSUPPORTED_OPTIONS': 4, 'cache:UNSUPPORTED_OPTIONS': 4 })
  })

  it('prefetches for a loop over a parent query', async () => {
    const app = await new App('optimize', { cache: false }).ready()
    const loop = async () => {
      const names: unknown[] = []
      for (const row of await app.query('select id from city order by id limit 30'))
        names.push(await app.query(byId, [(row as { id: number }).id]))
      return names
    }
    const expected = Array.from({ length: 30 }, (_, at) => app.bare(byId, [at + 1], 'objects'))
    expect(await app.sluice.run(loop)).toEqual(expected)
    expect(app.sent.length).toBeLessThanOrEqual(5)
    app.sent.length = 0
    expect(await app.sluice.run(loop)).toEqual(expected)
    expect(app.sent).toHaveLength(2)
  })

  it('caches until a write modifies the row', async () => {
    const app = await new App('optimize', { cache: {} }).ready()
    const get = (id: number) => app.sluice.run(() => app.query(byId, [id]))
    await get(1)
    await get(1)
    await app.send('update city set name = ? where id = 2', ['other'])
    await get(1)
    expect(app.sent.filter((sql) => sql === byId)).toHaveLength(1)
    await app.send('update city set name = ? where id = 1', ['new'])
    expect(await get(1)).toMatchObject([{ name: 'new' }])
  })

  it('returns separate objects to each caller', async () => {
    const app = await new App().ready()
    const [one, other] = (await app.sluice.run(() =>
      Promise.all([app.query(byId, [1]), app.query(byId, [1])]),
    )) as {
      name: string
    }[][]
    if (one?.[0] !== undefined) one[0].name = 'changed'
    expect(other?.[0]?.name).toBe('city 1')
  })

  it.each([
    ['a key in another spelling', ['07']],
    ['null', [null]],
    ['a date', [new Date(0)]],
  ])('does not batch %s', async (_, [value]) => {
    const app = await new App().ready()
    const note = async (sql: string) => {
      app.sent.push(sql)
      return []
    }
    const ask = (key: unknown) =>
      app.client.read({ sql: byId, params: [key], rows: 'objects', inTransaction: false, send: note })
    await app.sluice.run(() => Promise.all([ask(value), ask(7)]))
    expect(app.sent).toEqual([byId, byId])
  })

  it('batches nothing in a transaction', async () => {
    const app = await new App().ready()
    await app.sluice.run(() =>
      Promise.all([1, 2].map((id) => app.query(byId, [id], { inTransaction: true }))),
    )
    expect(app.sent).toEqual([byId, byId])
  })

  it('reports an N+1 with the fix of its adapter in observe mode, and sends no additional queries', async () => {
    const app = new App('observe')
    const scope = app.sluice.openScope('test')
    await scope.enter(async () => {
      for (let id = 1; id <= 10; id++) await app.query(byId, [id])
    })
    expect(scope.end()).toMatchObject({
      queries: 10,
      operations: 10,
      findings: [{ code: 'N_PLUS_ONE', fix: 'ask once' }],
    })
    expect(app.sent).toHaveLength(10)
  })

  it('sends reads unchanged when the catalog cannot be read', async () => {
    const app = new App()
    app.database.exec(
      'drop table city; create table city (id integer primary key, region_id integer, name text)',
    )
    const broken = attachClient(app.sluice, {
      orm: 'broken',
      dialect: 'sqlite',
      moduleUrl: import.meta.url,
      connection: () => ({ dialect: 'sqlite', query: () => Promise.reject(new Error('no permission')) }),
    })
    const ask = async (sql: string) => {
      app.sent.push(sql)
      return []
    }
    const read = () =>
      broken.read({ sql: byId, params: [1], rows: 'objects', inTransaction: false, send: ask })
    const errors: unknown[] = []
    app.sluice.on('error', (error) => void errors.push(error))
    await app.sluice.run(read)
    await app.sluice.run(() => Promise.all([read(), read()]))
    expect(app.sent).toEqual([byId, byId, byId])
    expect(errors).toHaveLength(1)
  })

  it('removes the client when it is detached', async () => {
    const app = await new App().ready()
    app.client.detach()
    await app.sluice.run(() => Promise.all([1, 2].map((id) => app.query(byId, [id]))))
    expect(app.sent).toEqual([byId, byId])
  })
})
