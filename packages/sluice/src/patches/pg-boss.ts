import { scopeJob } from '../scopes/jobs.ts'
import type { Method } from './patch-methods.ts'

interface Working {
  work: Method
}

interface Class {
  readonly prototype: Working
}

/** Opens a scope for each call of a handler of pg-boss 10 and 11, with the jobs that it receives. */
export function patchPgBoss(exports: unknown): unknown {
  scopeHandlers(exports as Class)
  return exports
}

/** Does the same in version 12, which is an ES module, if it was loaded with `require`. */
export function patchPgBossModule(exports: unknown): unknown {
  pgBossClass((exports as { readonly PgBoss: unknown }).PgBoss)
  return exports
}

/** Does the same with the class that version 12 exports. */
export function pgBossClass(original: unknown): unknown {
  scopeHandlers(original as Class)
  return original
}

const patched = new WeakSet<Working>()

function scopeHandlers({ prototype }: Class): void {
  // A process can load it as an ES module, and with `require`.
  if (patched.has(prototype)) return
  const original = prototype.work
  if (typeof original !== 'function') throw new Error('This version of pg-boss has no work.')
  patched.add(prototype)
  // An instance has the methods under the names of the functions.
  prototype.work = function work(this: Working, queue, ...args) {
    const at = args.findLastIndex((arg) => typeof arg === 'function')
    if (at < 0) return original.call(this, queue, ...args)
    const handler = args[at] as Method
    const inScope: Method = (...jobs) =>
      scopeJob(
        () => String(queue),
        () => handler(...jobs),
      )
    return original.call(this, queue, ...args.with(at, inScope))
  }
}
