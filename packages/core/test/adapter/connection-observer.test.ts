import { createSluice, type Dialect } from '@sluice/core'
import {
  type FunctionLevel,
  SchemaCatalog,
  type SentStatement,
  type TransactionWrites,
  type WriteEffect,
  type WriteOutcome,
} from '@sluice/core/adapter'
import { hostOf, type SluiceHost } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { OpenConnection } from '../../src/adapter/catalog-reader.ts'
import { ConnectionObserver, type ObservedClient } from '../../src/adapter/connection-observer.ts'
import { MAX_SQL_LENGTH } from '../../src/sql/tokenize.ts'
import { turn } from '../helpers.ts'

const named = ({ tables, everything }: WriteEffect) =>
  everything ? '*' : [...tables].map((table) => table.split('.').at(-1)).join()

/** A catalog of the tables `t` and `u`, and of the view `v`. */
function catalogOf(dialect: Dialect, whenRead?: FunctionLevel): SchemaCatalog {
  const id = { name: 'id', type: 'integer', nullable: false } as const
  const tables = ['t', 'u'].map((name) => ({
    name,
    kind: 'table' as const,
    columns: [id],
    primaryKey: ['id'],
    uniqueKeys: [],
  }))
  const view = {
    name: 'v',
    kind: 'view' as const,
    columns: [id],
    primaryKey: [],
    uniqueKeys: [],
    ...(whenRead && { whenRead }),
  }
  return new SchemaCatalog({ dialect, defaultSchema: 'main', tables: [...tables, view], foreignKeys: [] })
}

/** A host that logs the start and end of each write. */
class World {
  readonly log: string[] = []
  readonly sluice = createSluice({ mode: 'optimize' })
  /** Settles when writes may be sent. */
  ready: (() => Promise<void>) | undefined
  /** Opens a connection for the catalog. */
  open: OpenConnection = () => Promise.reject(new Error('must not be opened'))
  readonly host: SluiceHost
  readonly observer: ConnectionObserver

  constructor(options: Partial<ObservedClient> = {}, overrides: Partial<SluiceHost> = {}) {
    onTestFinished(() => this.sluice.close())
    this.host = {
      ...hostOf(this.sluice),
      writes: {
        isShared: false,
        hold: () => () => {},
        begin: () => ({ end: () => {} }),
        announce: (effect) => this.#announced(named(effect)),
        transaction: () => this.transaction('transaction'),
        stateOf: () => 0,
      },
      transactionEnded: () => void this.log.push('scope notified'),
      ...overrides,
    }
    this.observer = new ConnectionObserver(
      this.host,
      'one',
      { dialect: 'postgresql', ...options },
      {
        connect: async () => true,
        open: (work, closing) => this.open(work, closing),
        openBriefly: (work, closing) => this.open(work, closing),
      },
    )
    this.host.catalogs.set('one', catalogOf(options.dialect ?? 'postgresql'))
  }

  transaction(name: string): TransactionWrites {
    const { log } = this
    return {
      add: (effect) => void log.push(`${name} adds ${named(effect)}`),
      savepoint: (savepoint) => void log.push(`${name} savepoint ${savepoint}`),
      release: (savepoint) => void log.push(`${name} release ${savepoint}`),
      rollbackTo: (savepoint) => void log.push(`${name} rollback to ${savepoint}`),
      beforeCommit: () => this.ready?.(),
      end: (outcome) => void log.push(`${name} ${outcome}`),
    }
  }

  #announced(name: string) {
    this.log.push(`announce ${name}`)
    return {
      ready: this.ready?.(),
      end: (outcome: WriteOutcome): Promise<void> => {
        this.log.push(`${name} ${outcome}`)
        return Promise.resolve()
      },
    }
  }

  sent(sql: string, extra: Partial<SentStatement<Promise<unknown>>> = {}): SentStatement<Promise<unknown>> {
    return {
      sql,
      params: [],
      send: async () => {
        this.log.push(sql)
        return []
      },
      rows: () => 0,
      isKnown: true,
      ...extra,
    }
  }

  async run(connection: object, ...statements: readonly string[]): Promise<string[]> {
    for (const sql of statements) await this.observer.statement(connection, this.sent(sql))
    return this.log
  }
}

const lost = () => Promise.reject(new Error('Connection terminated unexpectedly'))
const refused = () => Promise.reject(Object.assign(new Error('duplicate key'), { code: '23505' }))
const deadlock = () =>
  Promise.reject(Object.assign(new Error('deadlock'), { errno: 1213, sqlState: '40001' }))
const unreachable = () => Promise.reject(new Error('store is down'))

describe('ConnectionObserver', () => {
  it('announces a write before it is sent, and ends it before the caller is notified', async () => {
    const world = new World()
    await world.run({}, 'update t set v = 1', 'select 1')
    expect(world.log).toEqual(['announce t', 'update t set v = 1', 't committed', 'select 1'])
  })

  it('rejects a write when other processes cannot be notified of it', async () => {
    const world = new World()
    world.ready = unreachable
    await expect(world.run({}, 'update t set v = 1')).rejects.toThrow('store is down')
    expect(world.log).toEqual(['announce t'])
  })

  it('determines the outcome of a failed write from the error of the database', async () => {
    const world = new World()
    await expect(
      world.observer.statement({}, world.sent('delete from t', { send: refused })),
    ).rejects.toThrow('duplicate key')
    await expect(world.observer.statement({}, world.sent('delete from t', { send: lost }))).rejects.toThrow(
      'terminated',
    )
    expect(world.log).toEqual(['announce t', 't rolled-back', 'announce t', 't unknown'])
  })

  it('lets the client decide the outcome of a failed write and of a failed COMMIT', async () => {
    const world = new World({ writeOutcome: () => 'unknown' })
    const connection = {}
    for (const sql of ['delete from t', 'begin', 'commit'])
      await world.observer
        .statement(connection, world.sent(sql, sql === 'begin' ? {} : { send: refused }))
        .catch(() => {})
    expect(world.log).toEqual(['announce t', 't unknown', 'begin', 'transaction unknown', 'scope notified'])
  })

  it('collects the writes of a transaction by its connection until it commits', async () => {
    const world = new World()
    const [one, other] = [{}, {}]
    await world.run(one, 'begin', 'update t set v = 1')
    expect(world.observer.isOpen(one)).toBe(true)
    expect(world.observer.isOpen(other)).toBe(false)
    await world.run(other, 'update u set v = 1')
    await world.run(one, 'savepoint a', 'rollback to savepoint a', 'release savepoint a', 'commit')
    expect(world.observer.isOpen(one)).toBe(false)
    expect(
      world.log.filter(
        (line) =>
          line !== line.toLowerCase() || !/^(begin|update|savepoint|rollback to s|release|commit)/.test(line),
      ),
    ).toEqual([
      'transaction adds t',
      'announce u',
      'u committed',
      'transaction savepoint a',
      'transaction rollback to a',
      'transaction release a',
      'transaction committed',
      'scope notified',
    ])
  })

  it('treats a COMMIT that the server answers with ROLLBACK as a rollback', async () => {
    const world = new World()
    const connection = {}
    await world.run(connection, 'begin', 'update t set v = 1')
    await world.observer.statement(connection, world.sent('commit', { isRolledBack: () => true }))
    expect(world.log.slice(-2)).toEqual(['transaction rolled-back', 'scope notified'])
  })

  it.each([
    ['commit', lost, 'transaction unknown'],
    ['commit', refused, 'transaction rolled-back'],
    ['rollback', lost, 'transaction unknown'],
    ['rollback', refused, 'transaction unknown'],
  ] as const)('ends a transaction whose %s fails (%o)', async (sql, send, ending) => {
    const world = new World()
    const connection = {}
    await world.run(connection, 'begin')
    await expect(world.observer.statement(connection, world.sent(sql, { send }))).rejects.toThrow()
    expect(world.log.slice(1)).toEqual([ending, 'scope notified'])
    expect(world.observer.isOpen(connection)).toBe(false)
  })

  it('rolls back instead of committing when other processes cannot be notified', async () => {
    const world = new World()
    const connection = {}
    await world.run(connection, 'begin')
    world.ready = unreachable
    const rollBack = async () => void world.log.push('rolled back')
    await expect(world.observer.statement(connection, world.sent('commit', { rollBack }))).rejects.toThrow(
      'store is down',
    )
    expect(world.log).toEqual(['begin', 'rolled back', 'transaction rolled-back', 'scope notified'])
  })

  it('announces everything at the end of an unknown transaction', async () => {
    expect(await new World().run({}, 'commit')).toEqual([
      'announce *',
      'commit',
      '* committed',
      'scope notified',
    ])
  })

  it('announces the writes of a transaction that is unknown to the ORM also when they are sent', async () => {
    const world = new World()
    const connection = {}
    await world.observer.statement(connection, world.sent('begin', { isKnown: false }))
    await world.run(connection, 'update t set v = 1', 'commit')
    expect(world.log).toEqual([
      'begin',
      'transaction adds t',
      'announce t',
      'update t set v = 1',
      't committed',
      'announce *',
      'commit',
      '* committed',
      'transaction committed',
      'scope notified',
    ])
  })

  describe('without waiting for the answers before', () => {
    /** Sends each statement on one connection, and notes when it is answered. */
    async function together(dialect: Dialect, ...statements: readonly string[]) {
      const world = new World({ dialect })
      const connection = {}
      await Promise.all(
        statements.map(async (sql) => {
          await world.observer.statement(connection, world.sent(sql))
        }),
      )
      return { world, connection }
    }

    it.each(['postgresql', 'mysql'] as const)(
      'announces the writes of a transaction (%s)',
      async (dialect) => {
        const { world, connection } = await together(dialect, 'begin', 'update t set v = 1')
        expect(world.log).toContain('announce t')
        const sent = world.log.length
        await world.run(connection, 'commit')
        expect(world.log.slice(sent)).toEqual([
          'announce *',
          'commit',
          '* committed',
          'transaction committed',
          'scope notified',
        ])
      },
    )

    it('announces a write after the end of a transaction', async () => {
      for (const end of ['commit', 'rollback']) {
        const world = new World()
        const connection = {}
        await world.run(connection, 'begin')
        await Promise.all([world.run(connection, end), world.run(connection, 'update t set v = 1')])
        expect(world.log).toEqual(expect.arrayContaining(['announce t', 't committed']))
        expect(world.observer.isOpen(connection)).toBe(false)
      }
    })

    it('announces the writes of the next transaction', async () => {
      const world = new World()
      const connection = {}
      await world.run(connection, 'begin')
      const next = ['commit', 'begin', 'update t set v = 1', 'commit']
      await Promise.all(next.map((sql) => world.run(connection, sql)))
      expect(world.log).toContain('* committed')
    })

    it('keeps a write after ROLLBACK TO', async () => {
      const world = new World()
      const connection = {}
      await world.run(connection, 'begin', 'savepoint a')
      await Promise.all([world.run(connection, 'rollback to a'), world.run(connection, 'update t set v = 1')])
      await world.run(connection, 'commit')
      expect(world.log).toContain('* committed')
    })

    it('follows a transaction whose statements wait again', async () => {
      const { world, connection } = await together('postgresql', 'begin', 'update t set v = 1', 'commit')
      const before = world.log.length
      await world.run(connection, 'begin', 'update t set v = 1', 'commit')
      expect(world.log.slice(before)).toEqual([
        'begin',
        'transaction adds t',
        'update t set v = 1',
        'commit',
        'transaction committed',
        'scope notified',
      ])
    })
  })

  describe('after a failed statement in a transaction', () => {
    /** A transaction on a connection, and a function that sends a statement that fails. */
    async function begun(dialect: Dialect) {
      const world = new World({ dialect })
      const connection = {}
      await world.run(connection, 'begin')
      const fails = (sql: string, send = deadlock) =>
        expect(
          (async () => world.observer.statement(connection, world.sent(sql, { send })))(),
        ).rejects.toThrow()
      return { world, connection, fails }
    }
    const announced = ({ log }: World) => log.filter((line) => /^(announce|[tu*] )/.test(line))

    it.each(['update u set v = 1', 'select v from u'])(
      'announces writes when they are sent on MySQL and SQLite (%s)',
      async (failing) => {
        for (const dialect of ['mysql', 'sqlite'] as const) {
          const { world, connection, fails } = await begun(dialect)
          await fails(failing)
          await world.run(connection, 'update t set v = 1', 'rollback')
          expect(world.log.slice(-7)).toEqual([
            'transaction adds t',
            'announce t',
            'update t set v = 1',
            't committed',
            'rollback',
            'transaction rolled-back',
            'scope notified',
          ])
        }
      },
    )

    it('announces a write on PostgreSQL only if the connection may be lost', async () => {
      const { world, connection, fails } = await begun('postgresql')
      await fails('update u set v = 1', refused)
      await world.run(connection, 'update t set v = 1')
      expect(announced(world)).toEqual([])
      await fails('update u set v = 1', lost)
      await world.run(connection, 'update t set v = 1')
      expect(announced(world)).toEqual(['announce t', 't committed'])
    })

    it('announces a write that was sent before the error was known', async () => {
      const { world, connection, fails } = await begun('mysql')
      const failed = fails('update u set v = 1')
      const written = world.run(connection, 'update t set v = 1')
      await Promise.all([failed, written])
      expect(announced(world)).toEqual(['announce t', 't committed'])
    })

    it('announces everything for such a write if the schema has changed', async () => {
      const { world, connection, fails } = await begun('mysql')
      const failed = fails('update u set v = 1')
      const written = world.run(connection, 'update t set v = 1')
      world.host.catalogs.generations.beginDefinition()(true)
      await Promise.all([failed, written])
      expect(announced(world)).toEqual(['announce *', '* committed'])
    })

    it('includes statements of transaction control, streams and synchronous drivers', async () => {
      const sql = 'select v from u'
      const { world, connection, fails } = await begun('mysql')
      await fails('savepoint a')
      await world.run(connection, 'update t set v = 1')
      expect(announced(world)).toEqual(['announce t', 't committed'])

      const thrown = await begun('mysql')
      const throws = (): never => {
        throw new Error('rolled back')
      }
      await thrown.fails(sql, throws)
      await thrown.world.run(thrown.connection, 'update t set v = 1')
      expect(announced(thrown.world)).toEqual(['announce t', 't committed'])

      const streamed = await begun('mysql')
      void streamed.world.observer.stream(streamed.connection, { sql, params: [] }).end(new Error(), 0)
      await streamed.world.run(streamed.connection, 'update t set v = 1')
      expect(announced(streamed.world)).toEqual(['announce t', 't committed'])

      const synchronous = await begun('sqlite')
      const sent = { sql, params: [], rows: () => 0, send: throws }
      expect(() => synchronous.world.observer.statementSync(synchronous.connection, sent)).toThrow()
      await synchronous.world.run(synchronous.connection, 'update t set v = 1')
      expect(announced(synchronous.world)).toEqual(['announce t', 't committed'])
    })

    it('announces everything at a RELEASE on SQLite, which may commit', async () => {
      const { world, connection, fails } = await begun('sqlite')
      await fails('select v from u')
      await world.run(connection, 'savepoint a', 'release a')
      expect(announced(world)).toEqual(['announce *', '* committed'])
    })
  })

  it('announces writes after PREPARE TRANSACTION when they are sent', async () => {
    const world = new World()
    const connection = {}
    await world.run(connection, 'begin', "prepare transaction 'x'", 'update t set v = 1')
    expect(world.log.slice(-3)).toEqual(['announce t', 'update t set v = 1', 't committed'])
  })

  it('treats BEGIN inside a transaction of MySQL as a commit', async () => {
    const world = new World({ dialect: 'mysql' })
    await world.run({}, 'begin', 'update t set v = 1', 'begin')
    expect(world.log.slice(-2)).toEqual(['transaction committed', 'scope notified'])
    const other = new World()
    await other.run({}, 'begin', 'update t set v = 1', 'begin')
    expect(other.log).not.toContain('transaction committed')
  })

  it('announces everything at a BEGIN after SET on MySQL, because autocommit may be off', async () => {
    const world = new World({ dialect: 'mysql' })
    await world.run({}, 'set autocommit = 0', 'begin')
    expect(world.log).toContain('announce *')
  })

  it('leaves the scope to the adapter that collects the writes of a transaction', async () => {
    const world = new World()
    const connection = {}
    world.observer.begun(connection, world.transaction('own'))
    await world.run(connection, 'update t set v = 1')
    await world.observer.control(connection, { kind: 'commit' }, { send: async () => {} })
    expect(world.log).toEqual(['own adds t', 'update t set v = 1', 'own committed'])
  })

  it('sends a statement that it cannot parse, and announces that it may write any table', async () => {
    const errors: unknown[] = []
    const seen = () => {
      throw new TypeError('a defect')
    }
    const world = new World({}, { seen, reportError: (error) => void errors.push(error) })
    await world.run({}, 'select 1')
    expect(world.log).toEqual(['announce *', 'select 1', '* committed'])
    expect(errors).toEqual([new TypeError('a defect')])
  })

  it('returns the result when its rows cannot be counted', async () => {
    const errors: unknown[] = []
    const world = new World({}, { reportError: (error) => void errors.push(error) })
    const rows = () => {
      throw new TypeError('a defect')
    }
    expect(await world.observer.statement({}, world.sent('select 1', { rows }))).toEqual([])
    expect(errors).toEqual([new TypeError('a defect')])
  })

  it('announces everything around a script', async () => {
    const world = new World()
    await world.observer.script(async () => void world.log.push('script'))
    expect(world.log).toEqual(['announce *', 'script', '* committed'])
  })

  it('announces everything when a write ends after the schema has changed', async () => {
    const world = new World()
    let answer = (_rows: unknown[]): void => {}
    const send = () =>
      new Promise<unknown[]>((resolve) => {
        answer = resolve
      })
    const sent = world.observer.statement({}, world.sent('delete from t', { send }))
    world.host.catalogs.generations.beginDefinition()(true)
    answer([])
    await sent
    expect(world.log.filter((line) => line.startsWith('announce'))).toEqual(['announce t', 'announce *'])
  })

  it('adds everything to a transaction that commits after the schema has changed', async () => {
    const world = new World()
    const connection = {}
    await world.run(connection, 'begin', 'delete from t')
    world.host.catalogs.generations.beginDefinition()(true)
    await world.run(connection, 'commit')
    expect(world.log).toContain('transaction adds *')
  })

  describe.each(['postgresql', 'mysql', 'sqlite'] as const)(
    'a read that calls a writing function on %s',
    (dialect) => {
      it('is announced according to the views of its catalog', async () => {
        const world = new World({ dialect })
        world.host.catalogs.set('one', catalogOf(dialect, 'writes'))
        await world.run({}, 'select * from t', 'select * from v')
        expect(world.log).toEqual(['select * from t', 'announce *', 'select * from v', '* committed'])
        await world.run({}, 'select * from unknown')
        expect(world.log.slice(4)).toEqual(['announce *', 'select * from unknown', '* committed'])
      })

      it('is announced even if the same statement wrote nothing before', async () => {
        const world = new World({ dialect })
        await world.run({}, 'select * from v', 'select * from v')
        expect(world.log).toEqual(['select * from v', 'select * from v'])
        world.host.catalogs.set('one', catalogOf(dialect, 'writes'))
        await world.run({}, 'select * from v')
        expect(world.log.slice(2)).toEqual(['announce *', 'select * from v', '* committed'])
        await world.run({}, 'select * from t')
        world.host.catalogs.shadow('t', true)
        await world.run({}, 'select * from t')
        expect(world.log.slice(5)).toEqual([
          'select * from t',
          'announce *',
          'select * from t',
          '* committed',
        ])
      })

      it('is announced even if the same statement was only observed before', async () => {
        let isOptimizing = false
        const world = new World({ dialect }, { isOptimizing: () => isOptimizing })
        const { catalogs } = world.host
        catalogs.set('one', undefined)
        world.open = () => new Promise(() => {})
        await world.run({}, 'select * from v')
        isOptimizing = true
        const send = async () => {
          catalogs.set('one', catalogOf(dialect, 'writes'))
          return []
        }
        await world.observer.statement({}, world.sent('select * from v', { send }))
        expect(world.log).toEqual(['select * from v', 'announce *', '* committed'])
      })

      it('is announced when it ends, if no catalog was known before', async () => {
        const world = new World({ dialect })
        const { catalogs } = world.host
        catalogs.set('one', undefined)
        const connection = {}
        const known = (whenRead?: FunctionLevel) => async () => {
          catalogs.set('one', catalogOf(dialect, whenRead))
          return []
        }
        await world.observer.statement(connection, world.sent('select * from v', { send: known() }))
        expect(world.log).toEqual([])
        catalogs.set('one', undefined)
        await world.observer.statement(connection, world.sent('select * from v', { send: known('writes') }))
        expect(world.log).toEqual(['announce *', '* committed'])
        catalogs.set('one', undefined)
        await world.run(connection, 'begin', 'select * from v')
        await known('writes')()
        world.log.length = 0
        await world.run(connection, 'commit')
        expect(world.log).toContain('* committed')
      })

      it.skipIf(dialect === 'postgresql')('is announced when it ends, after an error', async () => {
        const world = new World({ dialect })
        const { catalogs } = world.host
        catalogs.set('one', undefined)
        const connection = {}
        await world.run(connection, 'begin')
        const failed = world.observer.statement(connection, world.sent('select 1', { send: deadlock }))
        await expect(failed).rejects.toThrow()
        const send = async () => {
          catalogs.set('one', catalogOf(dialect, 'writes'))
          return []
        }
        await world.observer.statement(connection, world.sent('select * from v', { send }))
        expect(world.log).toEqual(['begin', 'announce *', '* committed'])
      })
    },
  )

  it('changes the schema at the commit of a transaction with DDL', async () => {
    const world = new World()
    const { generations } = world.host.catalogs
    const connection = {}
    await world.run(connection, 'begin', 'create table v (id int)')
    const before = generations.current
    expect(generations.isChanging).toBe(false)
    await world.run(connection, 'commit')
    expect(generations.current).toBe(before + 2)
  })

  it('ignores the catalog of a client while a connection has session settings', async () => {
    const world = new World()
    const { catalogs } = world.host
    const connection = {}
    const isKnown = () => catalogs.of('one') !== undefined
    for (const sql of [
      "set statement_timeout = '5s'",
      'set local search_path = other',
      'set transaction read only',
    ]) {
      await world.run(connection, sql)
      expect(isKnown(), sql).toBe(true)
    }
    for (const [set, reset] of [
      ['set search_path = other', 'reset search_path'],
      ["set time zone 'Asia/Tokyo'", 'reset all'],
      ['set role other', 'discard all'],
      ["select set_config('role', 'other', false)", 'reset role'],
    ] as const) {
      await world.run(connection, set)
      expect(isKnown(), set).toBe(false)
      await world.run({}, reset)
      expect(isKnown(), `${reset} elsewhere`).toBe(false)
      await world.run(connection, reset)
      expect(isKnown(), reset).toBe(true)
    }
  })

  it('discards the session settings of a closed connection', async () => {
    const closed = new Set<object>()
    const world = new World({ isClosed: (connection) => closed.has(connection) })
    const connection = {}
    await world.run(connection, 'set role other')
    await world.run({}, 'select 1')
    expect(world.host.catalogs.of('one')).toBeUndefined()
    closed.add(connection)
    await world.run({}, 'select 1')
    expect(world.host.catalogs.of('one')).toBeDefined()
  })

  it('announces the writes of a statement with the current catalog, even if the same statement was sent before', async () => {
    const world = new World({ dialect: 'sqlite' })
    await world.run({}, 'UPDATE t SET id = 1')
    world.host.catalogs.trigger('t')
    await world.run({}, 'UPDATE t SET id = 1')
    expect(world.log.filter((line) => line.startsWith('announce'))).toEqual(['announce t', 'announce *'])
  })

  it('reports the effect of each write to its adapter', async () => {
    const wrote: string[] = []
    const world = new World({ wrote: (effect) => void wrote.push(named(effect)) })
    await world.run({}, 'select 1', 'delete from t')
    expect(wrote).toEqual(['t'])
  })

  it('sends a statement that is too long unparsed, counts it, and announces that it may write any table', async () => {
    const world = new World()
    await world.run({}, `select '${'x'.repeat(MAX_SQL_LENGTH)}'`)
    expect(world.log).toEqual(['announce *', expect.stringContaining('select'), '* committed'])
    expect(world.host.stats.snapshot().passedThrough).toEqual({ STATEMENT_TOO_LONG: 1 })
  })

  it('records statements, or only counts them when operations are recorded', async () => {
    for (const recordsOperations of [false, true]) {
      const world = new World({ recordsOperations })
      const scope = world.sluice.openScope('test')
      await scope.enter(() => world.run({}, 'select v from t where id = 1', 'select v from t where id = 2'))
      expect(scope.end()).toMatchObject({ queries: 2, operations: 0 })
      expect(world.host.stats.snapshot()).toMatchObject({ executed: recordsOperations ? 0 : 2 })
    }
  })
})

describe('a stream of ConnectionObserver', () => {
  it('is announced before it starts, and ends when it is read', async () => {
    const world = new World()
    const { ready, end } = world.observer.stream({}, { sql: 'delete from t returning *', params: [] })
    expect(ready).toBeUndefined()
    expect(world.log).toEqual(['announce t'])
    await end(undefined, 2)
    expect(world.log).toEqual(['announce t', 't committed'])
    await world.observer.stream({}, { sql: 'delete from t', params: [] }).end(new Error('lost'), 0)
    expect(world.log.at(-1)).toBe('t unknown')
  })
})

describe('a synchronous statement', () => {
  const send = (world: World, connection: object, sql: string) =>
    world.observer.statementSync(connection, {
      sql,
      params: [],
      isKnown: true,
      send: () => void world.log.push(sql),
      rows: () => 0,
    })

  it('follows transactions like an asynchronous statement', () => {
    const world = new World({ dialect: 'sqlite' })
    const connection = {}
    for (const sql of [
      'begin',
      'update t set v = 1',
      'savepoint a',
      'rollback to a',
      'commit',
      'delete from t',
    ])
      send(world, connection, sql)
    expect(world.log).toEqual([
      'begin',
      'transaction adds t',
      'update t set v = 1',
      'savepoint a',
      'transaction savepoint a',
      'rollback to a',
      'transaction rollback to a',
      'commit',
      'transaction committed',
      'scope notified',
      'announce t',
      'delete from t',
      't committed',
    ])
  })

  it('throws the error of the driver', () => {
    const world = new World({ dialect: 'sqlite' })
    const failing = { sql: 'delete from t', params: [], rows: () => 0 }
    const fail = () => {
      throw Object.assign(new Error('no such table: t'), { code: 'SQLITE_ERROR' })
    }
    expect(() => world.observer.statementSync({}, { ...failing, send: fail })).toThrow('no such table: t')
    expect(world.log).toEqual(['announce t', 't rolled-back'])
    expect(() => world.observer.statementSync({}, { ...failing, sql: 'commit', send: fail })).toThrow(
      'no such table: t',
    )
    expect(world.log.slice(2)).toEqual(
      ['announce *', '* rolled-back', 'transaction rolled-back', 'scope notified'].filter(
        (line) => line[0] !== 't',
      ),
    )
  })

  it('throws if other processes must be notified first', async () => {
    const world = new World({ dialect: 'sqlite' })
    const connection = {}
    send(world, connection, 'begin')
    world.ready = unreachable
    expect(() => send(world, connection, 'commit')).toThrow(/synchronous driver cannot notify/)
    expect(() => send(world, {}, 'delete from t')).toThrow(/synchronous driver cannot notify/)
    await turn()
    expect(world.log).toEqual(['begin', 'announce t'])
  })

  it('counts as one of a sequence, never of a parallel group', () => {
    const world = new World({ dialect: 'sqlite' })
    const scope = world.sluice.openScope('test')
    scope.enter(() => {
      for (let id = 0; id < 10; id++) send(world, {}, `select * from t where id = ${id}`)
    })
    expect(scope.end().findings).toMatchObject([{ pattern: 'sequential', count: 10 }])
  })
})

describe('the catalog of a client', () => {
  const connection = {
    dialect: 'sqlite' as const,
    query: async (sql: string) => (sql.includes('"fingerprint"') ? [{ fingerprint: '1' }] : []),
  }

  it('is read on first use, and again after DDL', async () => {
    const world = new World({ dialect: 'sqlite' })
    const { catalog } = world.observer
    let reads = 0
    const read = () => catalog.read()
    world.open = async (work) => {
      reads += 1
      await work(connection)
    }
    await read()
    await read()
    expect(reads).toBe(1)
    expect(world.host.catalogs.of('one')).toBeDefined()
    await world.run({}, 'create table u (id int)')
    expect(world.host.catalogs.of('one')).toBeUndefined()
    await read()
    expect(reads).toBe(2)
    await world.observer.script(async () => {})
    await read()
    expect(reads).toBe(3)
    catalog.forget()
    await read()
    expect(reads).toBe(4)
  })

  it('is read again for other callers when a change interrupted the first read', async () => {
    const world = new World({ dialect: 'sqlite' })
    let isFirst = true
    world.open = async (work) => {
      if (isFirst) await world.run({}, 'create table u (id int)')
      isFirst = false
      await work(connection)
    }
    await world.observer.catalog.read()
    expect(world.host.catalogs.catalog('sqlite')).toBeUndefined()
    await turn()
    expect(world.host.catalogs.catalog('sqlite')).toBeDefined()
  })

  it('announces everything before it is used when reads may have written meanwhile', async () => {
    const world = new World({ dialect: 'sqlite' })
    const views = {
      u: 'CREATE VIEW u (a) AS SELECT upper(b) FROM t',
      v: 'CREATE VIEW v AS SELECT * FROM "W"',
      w: 'CREATE VIEW "w"(a) AS SELECT fancy(b) FROM t',
    }
    const tables = Object.entries(views).map(([table, view]) => ({
      table,
      view,
      type: 'view',
      without_rowid: 0,
      has_triggers: 0,
    }))
    const query = async (sql: string) => (sql.includes('AS "without_rowid"') ? tables : connection.query(sql))
    world.open = (work) => work({ ...connection, query })
    const reading = world.observer.catalog.read()
    await world.run({}, 'select * from v')
    await reading
    expect(world.log).toEqual(['select * from v', 'announce *', '* committed'])
    const catalog = world.host.catalogs.of('one')
    expect(['u', 'v', 'w'].map((name) => catalog?.tables.get(`main.${name}`)?.whenRead)).toEqual([
      undefined,
      'writes',
      'writes',
    ])
    // Until it is updated, any name may refer to a view.
    await world.run({}, 'create table x (id int)')
    world.log.length = 0
    await world.run({}, 'select * from u')
    expect(world.log).toEqual(['announce *', 'select * from u', '* committed'])
  })

  it('is read when a read is sent without it, outside of transactions', async () => {
    const world = new World()
    world.host.catalogs.set('one', undefined)
    let opened = 0
    world.open = async () => {
      opened += 1
    }
    await world.run({}, 'begin', 'select 1')
    const connection = {}
    await world.run(connection, 'begin', 'select * from t')
    expect(opened).toBe(0)
    await world.run({}, 'select * from t')
    expect(opened).toBe(1)
  })

  it('is not read while Sluice only observes', async () => {
    const world = new World({}, { isOptimizing: () => false })
    await world.observer.catalog.read()
    expect(world.observer.catalog.isNeeded).toBe(false)
  })

  it('is discarded when DDL was sent while it was read', async () => {
    const world = new World({ dialect: 'sqlite' })
    world.open = async (work) => {
      await work({
        ...connection,
        query: async (sql: string) => {
          await world.run({}, 'create table u (id int)')
          return connection.query(sql)
        },
      })
    }
    await world.observer.catalog.read()
    expect(world.host.catalogs.of('one')).toBeUndefined()
    expect(world.observer.catalog.isNeeded).toBe(true)
  })

  it('is read again, without an error, when reading failed because the schema changed', async () => {
    const errors: unknown[] = []
    const world = new World({ dialect: 'sqlite' }, { reportError: (error) => void errors.push(error) })
    world.open = async () => {
      await world.run({}, 'drop table u')
      throw new Error('no such table: u')
    }
    await world.observer.catalog.read()
    expect(errors).toEqual([])
    expect(world.observer.catalog.isNeeded).toBe(true)
  })

  it('is read again, without an error, when other processes change the schema continuously', async () => {
    const errors: unknown[] = []
    const world = new World({ dialect: 'sqlite' }, { reportError: (error) => void errors.push(error) })
    let fingerprint = 0
    world.open = (work) =>
      work({
        dialect: 'sqlite',
        query: async (sql) => (sql.includes('"fingerprint"') ? [{ fingerprint: `${fingerprint++}` }] : []),
      })
    await world.observer.catalog.read()
    expect(errors).toEqual([])
    expect(world.host.catalogs.of('one')).toBeUndefined()
    expect(world.observer.catalog.isNeeded).toBe(true)
  })

  it('stays unknown when it cannot be read', async () => {
    const errors: unknown[] = []
    const world = new World({}, { reportError: (error) => void errors.push(error) })
    world.open = () => Promise.reject(new Error('no permission'))
    await world.observer.catalog.read()
    expect(errors).toEqual([new Error('no permission')])
    expect(world.host.catalogs.of('one')).toBeUndefined()
    expect(world.observer.catalog.isNeeded).toBe(false)
  })

  it('distinguishes tables that exist on every server from those of one connection or server', async () => {
    const { observer } = new World()
    const send = { params: [], send: async () => [], rows: () => 0 }
    expect(observer.plans.of('select * from t').isPlainRead).toBe(true)
    expect(observer.plans.of('select * from t for update').isPlainRead).toBe(false)
    expect(observer.plans.of('delete from t').isPlainRead).toBe(false)
    expect(observer.plans.of('select * from pg_catalog.pg_class').isPlainRead).toBe(false)
    await observer.statement({}, { ...send, sql: 'create temporary table t (id int)' })
    expect(observer.plans.of('select * from t').isPlainRead).toBe(false)
  })
})
