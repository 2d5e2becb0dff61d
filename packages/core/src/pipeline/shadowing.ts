import { AsyncLocalStorage } from 'node:async_hooks'

const storage = new AsyncLocalStorage<true>()

/** Runs what shadow mode asks beside the user's own queries: it belongs to no scope's counts and is nobody's N+1. */
export function shadowing<T>(fn: () => T): T {
  return storage.run(true, fn)
}

/** Whether this is asked by shadow mode alone. */
export function isShadowing(): boolean {
  return storage.getStore() === true
}
