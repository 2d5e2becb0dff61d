import { describe, expect, it } from 'vitest'
import { ProgramOrder } from '../../src/adapter/program-order.ts'
import { Scope } from '../../src/pipeline/scope.ts'
import type { WriteEffect } from '../../src/schema/catalog.ts'

const effect: WriteEffect = { tables: new Set(['city']), everything: false }

/** A client whose work ends when the test ends it. */
function world(isSingle = true) {
  const log: string[] = []
  let passed = 0
  let scope: Scope | undefined
  const ends = new Map<string, (error?: Error) => void>()
  const order = new ProgramOrder({
    isSingle: () => isSingle,
    scope: () => scope,
    dispatch: (inEveryScope) => void log.push(`dispatch ${inEveryScope ? 'all' : 'scope'}`),
    hold: ({ tables }) => {
      log.push(`hold ${[...tables]}`)
      return () => void log.push('end hold')
    },
    passed: () => {
      passed += 1
    },
  })
  const start = (name: string) => () => {
    log.push(name)
    return new Promise<string>((resolve, reject) => {
      ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)))
    })
  }
  const read = (name: string) => order.read(start(`optimized ${name}`), start(`unchanged ${name}`))
  return {
    order,
    start,
    read,
    run: (name: string) => order.run(start(name)),
    pass: (name: string) => order.pass(start(name)),
    reserve: (name: string) => order.reserve(start(name)),
    inScope(next: Scope | undefined, work: () => unknown) {
      scope = next
      work()
      scope = undefined
    },
    started: () => log.filter((entry) => !entry.startsWith('dispatch')),
    log,
    passed: () => passed,
    async end(name: string, error?: Error) {
      ends.get(name)?.(error)
      for (let at = 0; at < 20; at++) await undefined
    },
  }
}

describe('ProgramOrder of one connection', () => {
  it('optimizes concurrent reads', () => {
    const { read, started } = world()
    void read('a')
    void read('b')
    expect(started()).toEqual(['optimized a', 'optimized b'])
  })

  it('starts a write without waiting if nothing was issued before', () => {
    const { run, started } = world()
    void run('w')
    expect(started()).toEqual(['w'])
  })

  it('sends waiting lookups of every scope before a write', () => {
    const { run, log } = world()
    void run('w')
    expect(log).toEqual(['dispatch all', 'w'])
  })

  it('lets a write wait for the results of all earlier reads', async () => {
    const { read, run, started, end } = world()
    void read('a')
    void read('b')
    void run('w')
    await end('optimized a')
    expect(started()).toEqual(['optimized a', 'optimized b'])
    await end('optimized b')
    expect(started()).toEqual(['optimized a', 'optimized b', 'w'])
  })

  it('lets a write start after an earlier read has failed', async () => {
    const { read, run, started, end } = world()
    const failed = read('a').catch((error: Error) => error.message)
    void run('w')
    await end('optimized a', new Error('gone'))
    expect(await failed).toBe('gone')
    expect(started()).toEqual(['optimized a', 'w'])
  })

  it('sends a read unchanged while an earlier write has not ended', async () => {
    const { read, run, started, passed, end } = world()
    void run('w')
    void read('a')
    await end('w')
    void read('b')
    expect(started()).toEqual(['w', 'unchanged a', 'optimized b'])
    expect(passed()).toBe(1)
  })

  it('starts everything behind a waiting write in the order of the calls', async () => {
    const { read, run, pass, started, end } = world()
    void read('a')
    void run('w')
    void read('b')
    void pass('c')
    void run('x')
    expect(started()).toEqual(['optimized a'])
    await end('optimized a')
    expect(started()).toEqual(['optimized a', 'w', 'unchanged b', 'c', 'x'])
  })

  it('keeps the order of a call that is issued while waiting calls start', async () => {
    const { read, run, started, end } = world()
    const first = read('a')
    void run('w')
    void run('x')
    const late = first.then(() => read('b'))
    await end('optimized a')
    await end('w')
    await end('x')
    await end('unchanged b')
    expect(await late).toBe('unchanged b')
    expect(started()).toEqual(['optimized a', 'w', 'x', 'unchanged b'])
  })

  it('lets a statement that began as a read keep its place', async () => {
    const { order, run, started, end, start } = world()
    order.beginRead()
    void run('w')
    void order.reserve(start('x'), true, true)
    await end('')
    expect(started()).toEqual(['x', 'w'])
  })

  it('lets a statement that began as a read wait for the reads before it', async () => {
    const { order, read, run, started, end, start } = world()
    void read('a')
    order.beginRead()
    void run('w')
    void order.reserve(start('x'), true, true)
    expect(started()).toEqual(['optimized a'])
    await end('optimized a')
    expect(started()).toEqual(['optimized a', 'x', 'w'])
  })

  it('optimizes no read until a reservation is released', async () => {
    const { read, reserve, started, end } = world()
    const reserved = reserve('r')
    await end('r')
    void read('a')
    ;(await reserved).leave()
    void read('b')
    expect(started()).toEqual(['r', 'unchanged a', 'optimized b'])
  })

  it('optimizes reads of another scope during a reservation', async () => {
    const { read, reserve, inScope, started } = world()
    const [one, other] = [new Scope('one', 'optimize', 0), new Scope('other', 'optimize', 0)]
    inScope(one, () => void reserve('r'))
    inScope(one, () => void read('a'))
    inScope(other, () => void read('b'))
    void read('c')
    expect(started()).toEqual(['r', 'unchanged a', 'optimized b', 'unchanged c'])
  })

  it('optimizes reads after a connection could not be reserved', async () => {
    const { read, reserve, started, end } = world()
    const failed = reserve('r').catch((error: Error) => error.message)
    await end('r', new Error('timeout'))
    expect(await failed).toBe('timeout')
    void read('a')
    expect(started()).toEqual(['r', 'optimized a'])
  })

  it('optimizes reads after a failed write', async () => {
    const { read, run, started, end } = world()
    const failed = run('w').catch((error: Error) => error.message)
    await end('w', new Error('constraint'))
    expect(await failed).toBe('constraint')
    void read('a')
    expect(started()).toEqual(['w', 'optimized a'])
  })
})

describe('ProgramOrder of several connections', () => {
  it('lets no call wait', () => {
    const { read, run, started } = world(false)
    void read('a')
    void run('w')
    void read('b')
    expect(started()).toEqual(['optimized a', 'w', 'optimized b'])
  })

  it('sends waiting lookups of the scope before a write', () => {
    const { run, log } = world(false)
    void run('w')
    expect(log).toEqual(['dispatch scope', 'w'])
  })

  it('holds what an issued write modifies at the first read, until the write ends', () => {
    const { order, read, log } = world(false)
    const ended = order.issued(() => effect)
    void read('a')
    void read('b')
    ended()
    void read('c')
    expect(log).toEqual(['hold city', 'optimized a', 'optimized b', 'end hold', 'optimized c'])
  })

  it('lets a read that is sent wait for the writes that were issued before', async () => {
    const { order } = world(false)
    const ended = order.issued(() => effect)
    const log: string[] = []
    const waiting = order.earlierWrites()?.then(() => log.push('read'))
    order.issued(() => effect)
    log.push('write')
    ended()
    await waiting
    expect(log).toEqual(['write', 'read'])
  })

  it('lets a read wait for nothing if every write is sent', () => {
    const { order } = world(false)
    order.issued(() => effect)()
    expect(order.earlierWrites()).toBeUndefined()
  })

  it('determines no effect of a write during which nothing is read', () => {
    const { order, read, log } = world(false)
    order.issued(() => effect)()
    void read('a')
    expect(log).toEqual(['optimized a'])
  })
})
