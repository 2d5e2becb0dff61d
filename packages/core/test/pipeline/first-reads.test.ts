import { AsyncLocalStorage } from 'node:async_hooks'
import type { Operation } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { FirstReads } from '../../src/pipeline/first-reads.ts'
import { compose } from '../../src/pipeline/interceptor.ts'
import { OperationContext } from '../../src/pipeline/operation-context.ts'
import { FirstCatalogs } from '../../src/schema/first-catalogs.ts'
import { type ReadOptions, read, touching, turn, write } from '../helpers.ts'

function world() {
  const catalogs = new FirstCatalogs()
  const log: string[] = []
  const reads = new FirstReads(catalogs)
  const last = compose([], (operation, context) => operation.run(context) as never)
  const chain = compose([reads.interceptor(last)], (operation, context) => {
    log.push(`optimized ${operation.kind}`)
    return operation.run(context) as never
  })
  const run = (operation: Operation<unknown>) => chain(operation, new OperationContext(undefined, undefined))
  const runs = (name: string) => () => {
    log.push(name)
    return Promise.resolve(name)
  }
  return {
    catalogs,
    reads,
    log,
    runs,
    run,
    read: (name: string, options: Partial<ReadOptions> = {}) => run(read({ run: runs(name), ...options })),
    write: (name: string) => run(write(touching('city'), runs(name))),
  }
}

describe('FirstReads', () => {
  it('lets reads wait for the catalog, and sends them in their order', async () => {
    const { catalogs, log, read: readOf } = world()
    catalogs.expect('test1')
    const both = Promise.all([readOf('a'), readOf('b')])
    await turn()
    expect(log).toEqual([])
    catalogs.end('test1')
    expect(log).toEqual(['optimized read', 'a', 'optimized read', 'b'])
    expect(await both).toEqual(['a', 'b'])
  })

  it('lets no read wait if no catalog is expected', () => {
    const { log, read: readOf } = world()
    void readOf('a')
    expect(log).toEqual(['optimized read', 'a'])
  })

  it('lets no read of a transaction wait, and none that its ORM batches', () => {
    const { catalogs, log, run, runs, read: readOf } = world()
    catalogs.expect('test1')
    void readOf('a', { inTransaction: true })
    const merged = read({ run: runs('b') })
    void run({ ...merged, shape: { fingerprint: 'b', label: 'b', kind: 'read', mergedByOrm: true } })
    expect(log).toEqual(['optimized read', 'a', 'optimized read', 'b'])
    catalogs.clear()
  })

  it('sends reads before a write that was issued after them', async () => {
    const { catalogs, log, read: readOf, write: writeOf } = world()
    catalogs.expect('test1')
    const first = readOf('a')
    await turn()
    const both = Promise.all([first, writeOf('write'), readOf('b')])
    expect(log).toEqual(['optimized read', 'a', 'optimized write', 'write'])
    catalogs.end('test1')
    expect(log.slice(4)).toEqual(['optimized read', 'b'])
    expect(await both).toEqual(['a', 'write', 'b'])
  })

  it('sends each read in the asynchronous context in which it was issued', async () => {
    const { catalogs, reads, run } = world()
    const storage = new AsyncLocalStorage<string>()
    catalogs.expect('test1')
    const operation = read({ run: async () => storage.getStore() })
    const issued = storage.run('request', () => run(operation))
    storage.run('another request', () => reads.release())
    expect(await issued).toBe('request')
    catalogs.clear()
  })

  it('describes a read again that has waited', async () => {
    const { catalogs, log, run, runs } = world()
    catalogs.expect('test1')
    const described = read({ run: runs('afresh') })
    const running = run({ ...read({ run: runs('before') }), afresh: () => described })
    catalogs.end('test1')
    expect(await running).toBe('afresh')
    expect(log).toEqual(['optimized read', 'afresh'])
  })

  it('does not optimize what turned out to be more than a read', async () => {
    const { catalogs, log, run, runs } = world()
    catalogs.expect('test1')
    const described: Operation = { ...read({ run: runs('calls') }), kind: 'other' }
    const running = run({ ...read({ run: runs('before') }), afresh: () => described })
    catalogs.end('test1')
    expect(await running).toBe('calls')
    expect(log).toEqual(['calls'])
  })

  it('rejects with the error of the read, thrown or rejected', async () => {
    const { catalogs, run } = world()
    catalogs.expect('test1')
    const failure = new Error('No connection.')
    const rejected = run(read({ run: () => Promise.reject(failure) }))
    const thrown = run(
      read({
        run: () => {
          throw failure
        },
      }),
    )
    catalogs.end('test1')
    expect(await Promise.allSettled([rejected, thrown])).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ])
  })
})
