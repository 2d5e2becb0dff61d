import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { cacheStoreContract } from '../../../../../test/contracts/cache-store-contract.ts'
import { type CacheStore, StoreUnavailableError } from '../../../src/cache/stores/cache-store.ts'
import type { ClusterMessage, ClusterPort } from '../../../src/cache/stores/cluster-channel.ts'
import { ClusterService, serveClusterStore } from '../../../src/cache/stores/cluster-service.ts'
import {
  clusterStore,
  clusterStoreOn,
  resolveClusterStoreOptions,
} from '../../../src/cache/stores/cluster-store.ts'
import { resolveMemoryStoreOptions, SharedState } from '../../../src/cache/stores/memory-store.ts'
import { InvalidOptionError } from '../../../src/shared/errors.ts'
import { FakeClock, turn } from '../../helpers.ts'

/** Both ends of a channel that delivers JSON in order, one tick later. */
class FakePort extends EventEmitter implements ClusterPort {
  connected = true
  /** Received messages of the worker. */
  sent = 0
  deaf = false
  readonly toPrimary: ((message: unknown) => void)[] = []

  send(message: unknown, sent: (error: Error | null) => void): void {
    const text = JSON.stringify(message)
    setImmediate(() => {
      sent(null)
      this.sent += 1
      if (!this.deaf) for (const receive of this.toPrimary) receive(JSON.parse(text))
    })
  }

  deliver(message: ClusterMessage): void {
    const text = JSON.stringify(message)
    setImmediate(() => this.emit('message', JSON.parse(text)))
  }

  disconnect(): void {
    this.connected = false
    this.emit('disconnect')
  }
}

function setUp(options: { namespace?: string } = {}) {
  const clock = new FakeClock()
  const resolved = resolveMemoryStoreOptions({ leaseMs: 400, quarantineMs: 200, clock })
  const state = new SharedState(resolved)
  const service = new ClusterService<FakePort>(state, options.namespace ?? 'sluice', (port, message) =>
    port.deliver(message),
  )
  const connect = (own: object = {}): { store: CacheStore; port: FakePort } => {
    const port = new FakePort()
    port.toPrimary.push((message) => void service.receive(port, message))
    return { store: clusterStoreOn(port, { ...resolveClusterStoreOptions({ leaseMs: 400, ...own }) }), port }
  }
  return { clock, resolved, state, service, connect }
}

cacheStoreContract('node:cluster', async () => {
  const { clock, resolved, state, connect } = setUp()
  return {
    ...resolved,
    connect: () => connect().store,
    lose: async () => state.lose(),
    pass: async (ms) => clock.advance(ms),
    stop: async () => {},
  }
})

describe('clusterStore', () => {
  it('sends the calls of one tick in one message', async () => {
    const { store, port } = setUp().connect()
    await store.open(['a'])
    const before = port.sent
    await Promise.all([store.read(['a']), store.read(['b'], 'key'), store.open(['c'])])
    expect(port.sent).toBe(before + 1)
  })

  it('ignores messages of the app and of other stores', async () => {
    const { store, port } = setUp().connect()
    const heard: unknown[] = []
    port.on('message', (message) => heard.push(message))
    port.emit('message', { hello: 'app' })
    port.emit('message', 'text')
    port.emit('message', null)
    port.emit('message', {
      mark: 'sluice:cache-store',
      namespace: 'other',
      replies: [{ id: 1 }],
      invalidated: ['*'],
    })
    expect(heard).toHaveLength(4)
    expect(await store.open(['a'])).toBeDefined()
  })

  it('does not respond to a store with a different namespace', async () => {
    const { connect } = setUp({ namespace: 'one' })
    const { store } = connect({ namespace: 'two', timeoutMs: 20 })
    await expect(store.open(['a'])).rejects.toBeInstanceOf(StoreUnavailableError)
  })

  it('rejects when the primary does not respond in time, and recovers', async () => {
    const { store, port } = setUp().connect({ timeoutMs: 20 })
    port.deaf = true
    await expect(store.read(['a'])).rejects.toMatchObject({ code: 'SLUICE_STORE_UNAVAILABLE' })
    port.deaf = false
    expect(await store.read(['a'])).toMatchObject({ stamps: [undefined] })
  })

  it('does not resolve a ping before it receives messages of the primary', async () => {
    const { store, port } = setUp().connect({ timeoutMs: 20 })
    const log = { tags: [] as string[], losses: 0 }
    port.deaf = true
    store.watch({ invalidated: (tags) => log.tags.push(...tags), lost: () => (log.losses += 1) })
    await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailableError)
    port.deaf = false
    await store.ping()
    expect(log.losses).toBe(1)
    await store.begin(['a'], 'w')
    await store.ping()
    expect(log.tags).toEqual(['a'])
  })

  it('rejects pending and later calls when the channel closes, and notifies its watcher', async () => {
    const { store, port } = setUp().connect()
    let losses = 0
    store.watch({ invalidated: () => {}, lost: () => (losses += 1) })
    await store.ping()
    const pending = store.read(['a'])
    port.disconnect()
    await expect(pending).rejects.toBeInstanceOf(StoreUnavailableError)
    await expect(store.read(['a'])).rejects.toBeInstanceOf(StoreUnavailableError)
    expect(losses).toBe(2)
  })

  it('throws for durations that differ from those of the primary', async () => {
    const { store } = setUp().connect({ leaseMs: 500 })
    await expect(store.open(['a'])).rejects.toThrow('leaseMs 500 and 400')
  })

  it('keeps the write intents of a dead worker until they expire', async () => {
    const { clock, service, connect } = setUp()
    const [dead, living] = [connect(), connect()]
    await dead.store.begin(['a'], 'w')
    service.forget(dead.port)
    expect(await living.store.open(['a'])).toBeUndefined()
    clock.advance(400)
    expect(await living.store.open(['a'])).toBeDefined()
  })

  it('removes its listeners when it is closed', async () => {
    const { store, port } = setUp().connect()
    store.watch({ invalidated: () => {}, lost: () => {} })
    await store.ping()
    await store.close()
    await turn()
    expect(port.listenerCount('message') + port.listenerCount('disconnect')).toBe(0)
  })

  it.each([{ namespace: '' }, { timeoutMs: 0 }, { leaseMs: 0.5 }, { maxTtlMs: 0 }, { port: 1 }])(
    'throws for the options %j',
    (options) => {
      expect(() => clusterStore(options as object)).toThrow(InvalidOptionError)
    },
  )

  it('works only in a worker, and its server only in the primary', () => {
    expect(() => clusterStore()).toThrow('worker of node:cluster')
    expect(() => serveClusterStore({ namespace: '' })).toThrow(InvalidOptionError)
    serveClusterStore().close()
  })
})
