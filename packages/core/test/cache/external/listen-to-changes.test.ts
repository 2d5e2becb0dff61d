import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type ChangeConnection,
  type ChangeListener,
  type ListenOptions,
  listenToChanges,
} from '../../../src/cache/external/listen-to-changes.ts'
import { InvalidArgumentError, InvalidOptionError } from '../../../src/shared/errors.ts'

type Listeners = Record<string, ((payload?: never) => void)[]>

/** A connection that responds, fails or never responds, as the test requires. */
class FakeConnection implements ChangeConnection {
  readonly queries: string[] = []
  readonly #listeners: Listeners = {}
  ended = false
  answers: 'at once' | 'never' | 'error' = 'at once'

  connect(): Promise<unknown> {
    return this.#answer()
  }

  query(sql: string): Promise<unknown> {
    this.queries.push(sql)
    return this.#answer()
  }

  async end(): Promise<void> {
    this.ended = true
    this.emit('end')
  }

  on(event: string, listener: (payload: never) => void): void {
    const listeners = this.#listeners[event] ?? []
    this.#listeners[event] = [...listeners, listener as () => void]
  }

  emit(event: string, payload?: unknown): void {
    for (const listener of this.#listeners[event] ?? []) listener(payload as never)
  }

  notify(payload: string, channel = 'sluice_changes'): void {
    this.emit('notification', { channel, payload })
  }

  /** Settles the query that got no response. */
  answerLate: () => void = () => {}

  #answer(): Promise<unknown> {
    if (this.answers === 'error') return Promise.reject(new Error('refused'))
    return this.answers === 'never'
      ? new Promise<void>((resolve) => (this.answerLate = resolve))
      : Promise.resolve()
  }
}

describe('listenToChanges', () => {
  let connections: FakeConnection[]
  let next: FakeConnection['answers']
  let log: string[]
  let listener: ChangeListener

  beforeEach(() => {
    vi.useFakeTimers()
    connections = []
    next = 'at once'
    log = []
  })
  afterEach(async () => {
    await listener?.close()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  const target = {
    invalidate: (table: string) => void log.push(table),
    suspend: () => {
      log.push('suspend')
      return () => void log.push('resume')
    },
  }

  async function listen(options: ListenOptions = {}, of = target): Promise<FakeConnection> {
    const create = () => {
      const connection = new FakeConnection()
      connection.answers = next
      connections.push(connection)
      return connection
    }
    listener = listenToChanges(of, create, { random: () => 0, ...options })
    await vi.advanceTimersByTimeAsync(0)
    return connections[0] as FakeConnection
  }

  it('suspends the cache until it listens', async () => {
    next = 'never'
    const connection = await listen()
    expect([listener.suspended, log]).toEqual([true, ['suspend']])
    expect(connection.queries).toEqual([])
  })

  it('resumes the cache when the database has responded to LISTEN', async () => {
    const onUp = vi.fn()
    const connection = await listen({ channel: 'odd"one', onUp })
    await listener.started
    expect(connection.queries).toEqual(['LISTEN "odd""one"'])
    expect([listener.suspended, log]).toEqual([false, ['suspend', 'resume']])
    expect(onUp).toHaveBeenCalledTimes(1)
  })

  it('invalidates each table that a notification of its channel contains', async () => {
    const connection = await listen()
    connection.notify('public.city')
    connection.notify('public.city', 'another')
    connection.notify('geo.region')
    expect(log.slice(2)).toEqual(['public.city', 'geo.region'])
  })

  it('ignores unknown tables, and invalidates everything when an invalidation fails', async () => {
    const connection = await listen(
      {},
      {
        ...target,
        invalidate(table) {
          throw table === 'public.unknown'
            ? new InvalidArgumentError('table', 'a known one', table)
            : new Error('of another kind')
        },
      },
    )
    connection.notify('public.unknown')
    expect(log.slice(2)).toEqual([])
    connection.notify('public.city')
    expect(log.slice(2)).toEqual(['suspend', 'resume'])
  })

  it.each([
    ['an error', (connection: FakeConnection) => connection.emit('error', new Error('gone'))],
    ['its end', (connection: FakeConnection) => connection.emit('end')],
  ])(
    'suspends the cache after %s of the connection, and listens again on a new connection',
    async (_, lose) => {
      const onDown = vi.fn()
      const connection = await listen({ onDown })
      lose(connection)
      expect([listener.suspended, log.slice(2)]).toEqual([true, ['suspend']])
      expect(connection.ended).toBe(true)
      expect(onDown).toHaveBeenCalledTimes(1)
      await vi.advanceTimersByTimeAsync(100)
      expect([listener.suspended, log.slice(2)]).toEqual([false, ['suspend', 'resume']])
      connection.notify('public.late')
      connections[1]?.notify('public.city')
      expect(log.slice(4)).toEqual(['public.city'])
    },
  )

  it('reconnects with exponential backoff up to its limit', async () => {
    next = 'error'
    const onDown = vi.fn()
    await listen({ retryBaseMs: 100, retryMaxMs: 300, onDown })
    for (const waitMs of [100, 200, 300, 300]) {
      const before = connections.length
      await vi.advanceTimersByTimeAsync(waitMs - 1)
      expect(connections).toHaveLength(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(connections).toHaveLength(before + 1)
    }
    expect(onDown).toHaveBeenCalledTimes(5)
    expect(log).toEqual(['suspend'])
    next = 'at once'
    await vi.advanceTimersByTimeAsync(300)
    expect(listener.suspended).toBe(false)
    connections.at(-1)?.emit('end')
    await vi.advanceTimersByTimeAsync(100)
    expect(listener.suspended).toBe(false)
  })

  it('abandons a connection that is not ready in time', async () => {
    next = 'never'
    const connection = await listen({ connectTimeoutMs: 500 })
    next = 'at once'
    await vi.advanceTimersByTimeAsync(600)
    expect(connection.ended).toBe(true)
    expect(listener.suspended).toBe(false)
  })

  it('ignores a connection that becomes ready after it was abandoned', async () => {
    next = 'never'
    const connection = await listen({ connectTimeoutMs: 500 })
    await vi.advanceTimersByTimeAsync(550)
    connection.answers = 'at once'
    connection.answerLate()
    await vi.advanceTimersByTimeAsync(0)
    expect(listener.suspended).toBe(true)
  })

  it('abandons a connection that no longer responds to heartbeats', async () => {
    const connection = await listen({ heartbeatMs: 1000 })
    await vi.advanceTimersByTimeAsync(3500)
    expect(connection.queries).toEqual(['LISTEN "sluice_changes"', 'SELECT 1', 'SELECT 1', 'SELECT 1'])
    connection.answers = 'never'
    await vi.advanceTimersByTimeAsync(1499)
    expect(listener.suspended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(listener.suspended).toBe(true)
  })

  it('reconnects after the connection factory throws', async () => {
    let calls = 0
    listener = listenToChanges(
      target,
      () => {
        calls += 1
        if (calls === 1) throw new Error('no address')
        return new FakeConnection()
      },
      { random: () => 0 },
    )
    await vi.advanceTimersByTimeAsync(100)
    expect([calls, listener.suspended]).toEqual([2, false])
  })

  it('resumes the cache on close, and does not call onDown', async () => {
    next = 'never'
    const onDown = vi.fn()
    const connection = await listen({ onDown })
    await listener.close()
    await listener.started
    expect([connection.ended, listener.suspended, log]).toEqual([true, false, ['suspend', 'resume']])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(connections).toHaveLength(1)
    expect(onDown).not.toHaveBeenCalled()
    await listener.close()
  })

  it('throws for options out of bounds', () => {
    expect(() => listenToChanges(target, () => new FakeConnection(), { heartbeatMs: 1 })).toThrow(
      InvalidOptionError,
    )
    expect(() => listenToChanges(target, undefined as never)).toThrow(InvalidArgumentError)
  })
})
