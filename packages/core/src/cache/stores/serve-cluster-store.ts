import cluster, { type Worker } from 'node:cluster'
import { InvalidOptionError, SluiceError } from '../../shared/errors.ts'
import { ClusterService } from './cluster-service.ts'
import { clusterNamespace } from './cluster-store-options.ts'
import { type MemoryStoreOptions, resolveMemoryStoreOptions } from './memory-store-options.ts'
import { SharedState } from './shared-state.ts'

export interface ServeClusterStoreOptions extends MemoryStoreOptions {
  /**
   * Which store this is, if there are several. 1 to 64 characters.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
}

export interface ClusterStoreServer {
  /** Answers no more; workers' calls are rejected when their time is over. */
  close(): void
}

/**
 * Keeps, in the primary process of `node:cluster`, what the `clusterStore()` of each worker shares. Call it before workers are forked. Messages of
 * the app's own pass untouched. The intents of a worker that dies lapse with their lease.
 *
 * @throws InvalidOptionError when an option is unknown, of the wrong type, or out of its bounds; SluiceError in a process that is not the
 * primary one.
 */
export function serveClusterStore(options: ServeClusterStoreOptions = {}): ClusterStoreServer {
  if (!cluster.isPrimary) throw new SluiceError('SLUICE_INVALID_ARGUMENT', 'serveClusterStore belongs into the primary process.')
  const { namespace = clusterNamespace.fallback, ...ofState } = options
  if (!clusterNamespace.rule.accepts(namespace)) throw new InvalidOptionError('namespace', clusterNamespace.rule.expected, namespace)
  const state = new SharedState(resolveMemoryStoreOptions(ofState))
  const service = new ClusterService<Worker>(state, namespace, (worker, message) => {
    // One that has gone meanwhile needs no answer.
    if (worker.isConnected()) worker.send(message, () => {})
  })
  const onMessage = (worker: Worker, message: unknown): void => void service.receive(worker, message)
  const onGone = (worker: Worker): void => service.forget(worker)
  cluster.on('message', onMessage)
  cluster.on('disconnect', onGone)
  return {
    close: () => {
      cluster.off('message', onMessage)
      cluster.off('disconnect', onGone)
      service.close()
      state.clear()
    },
  }
}
