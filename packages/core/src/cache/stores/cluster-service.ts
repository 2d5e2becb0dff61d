import type { Worker } from 'node:cluster'
import { errorMessage } from '../../shared/error-message.ts'
import { InvalidOptionError, SluiceError } from '../../shared/errors.ts'
import { cluster } from '../../shared/late-modules.ts'
import type { NewEntry } from './cache-store.ts'
import {
  type ClusterCall,
  type ClusterMessage,
  type ClusterReply,
  clusterMessage,
  EVERYTHING,
  readClusterMessage,
} from './cluster-channel.ts'
import { clusterNamespace } from './cluster-store.ts'
import {
  type MemoryStore,
  type MemoryStoreOptions,
  memoryStoreOn,
  resolveMemoryStoreOptions,
  SharedState,
} from './memory-store.ts'

/**
 * The primary process's side: executes the calls of workers on one state. Each worker is identified by its
 * object.
 */
export class ClusterService<TWorker extends object> {
  readonly #stores = new Map<TWorker, MemoryStore>()

  constructor(
    private readonly state: SharedState,
    private readonly namespace: string,
    private readonly send: (worker: TWorker, message: ClusterMessage) => void,
  ) {}

  /** Replies to Sluice's messages, and ignores all others. */
  async receive(worker: TWorker, message: unknown): Promise<void> {
    const calls = readClusterMessage(message, this.namespace)?.calls
    if (calls === undefined) return
    const store = this.#storeOf(worker)
    // Started in the order of arrival. The state is in memory, so each is executed when it is started.
    const replies = await Promise.all(calls.map((call) => this.#reply(worker, store, call)))
    this.send(worker, clusterMessage(this.namespace, { replies }))
  }

  /** The worker is gone. The intents that it began expire with their leases. */
  forget(worker: TWorker): void {
    void this.#stores.get(worker)?.close()
    this.#stores.delete(worker)
  }

  close(): void {
    for (const worker of [...this.#stores.keys()]) this.forget(worker)
  }

  #storeOf(worker: TWorker): MemoryStore {
    const store = this.#stores.get(worker) ?? memoryStoreOn(this.state)
    this.#stores.set(worker, store)
    return store
  }

  async #reply(worker: TWorker, store: MemoryStore, call: ClusterCall): Promise<ClusterReply> {
    try {
      return { id: call.id, value: await this.#do(worker, store, call) }
    } catch (error) {
      return { id: call.id, error: errorMessage(error) }
    }
  }

  #do(worker: TWorker, store: MemoryStore, { method, args }: ClusterCall): unknown {
    switch (method) {
      case 'hello':
        return this.#compare(args[0] as number, args[1] as number)
      case 'watch':
        store.watch({
          invalidated: (tags) => this.#notify(worker, tags),
          lost: () => this.#notify(worker, EVERYTHING),
        })
        return undefined
      case 'unwatch':
        return store.watch({ invalidated: () => {}, lost: () => {} })()
      case 'read':
        return this.#read(store, args[0] as readonly string[], args[1] as string | null | undefined)
      case 'set':
        return store.set(args[0] as string, args[1] as NewEntry, args[2] as number)
      case 'open':
        return store.open(args[0] as readonly string[])
      case 'begin':
      case 'renew':
      case 'end':
        return store[method](args[0] as readonly string[], args[1] as string)
      case 'delete':
        return store.delete(args[0] as readonly string[])
      case 'clear':
        return store.clear()
      case 'claim':
        return store.claim(args[0] as string, args[1] as string, args[2] as number)
      case 'release':
        return store.release(args[0] as string, args[1] as string)
      case 'ping':
        return store.ping()
      default:
        throw new Error(
          `Unknown method "${String(method)}" in the primary process. Use the same version of Sluice in all processes.`,
        )
    }
  }

  async #read(store: MemoryStore, tags: readonly string[], key: string | null | undefined): Promise<unknown> {
    const state = await store.read(tags, key ?? undefined)
    return { ...state, entry: state.entry && { ...state.entry, value: state.entry.value() } }
  }

  #compare(leaseMs: number, maxTtlMs: number): void {
    const own = this.state.options
    if (leaseMs === own.leaseMs && maxTtlMs === own.maxTtlMs) return
    throw new Error(
      `clusterStore and serveClusterStore have different options: leaseMs ${leaseMs} and ${own.leaseMs}, maxTtlMs ${maxTtlMs} and ${own.maxTtlMs}. Pass the same values to both.`,
    )
  }

  #notify(worker: TWorker, tags: readonly string[]): void {
    this.send(worker, clusterMessage(this.namespace, { invalidated: tags }))
  }
}

export interface ServeClusterStoreOptions extends MemoryStoreOptions {
  /**
   * Name of the store, if there are several. 1 to 64 characters.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
}

export interface ClusterStoreServer {
  /** Stops replying. Workers' calls are then rejected after their timeout. */
  close(): void
}

/**
 * Stores, in the primary process of `node:cluster`, the state that the `clusterStore()` of each worker
 * shares. Call it before you fork workers. Your app's messages pass unchanged. The intents of a worker that
 * dies expire with their lease.
 *
 * @throws InvalidOptionError for an unknown option, a wrong type, or a value out of bounds; SluiceError
 * outside the primary process.
 */
export function serveClusterStore(options: ServeClusterStoreOptions = {}): ClusterStoreServer {
  if (!cluster().isPrimary)
    throw new SluiceError(
      'SLUICE_INVALID_ARGUMENT',
      'serveClusterStore was called outside the primary process. Call it where cluster.isPrimary is true.',
    )
  const { namespace = clusterNamespace.fallback, ...ofState } = options
  if (!clusterNamespace.rule.accepts(namespace))
    throw new InvalidOptionError('namespace', clusterNamespace.rule.expected, namespace)
  const state = new SharedState(resolveMemoryStoreOptions(ofState))
  const service = new ClusterService<Worker>(state, namespace, (worker, message) => {
    // A worker that has disconnected meanwhile needs no reply.
    if (worker.isConnected()) worker.send(message, () => {})
  })
  const onMessage = (worker: Worker, message: unknown): void => void service.receive(worker, message)
  const onDisconnect = (worker: Worker): void => service.forget(worker)
  cluster().on('message', onMessage)
  cluster().on('disconnect', onDisconnect)
  return {
    close: () => {
      cluster().off('message', onMessage)
      cluster().off('disconnect', onDisconnect)
      service.close()
      state.clear()
    },
  }
}
