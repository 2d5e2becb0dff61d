import { scopeJob } from '../scopes/jobs.ts'
import type { Method } from './patch-methods.ts'

interface Worker {
  callProcessJob: Method
}

interface Job {
  readonly name: string
  readonly queueName: string
}

/** Opens a scope for each job that a worker of BullMQ processes. */
export function patchBullmq(exports: unknown): unknown {
  const { prototype } = (exports as { readonly Worker: { readonly prototype: Worker } }).Worker
  const { callProcessJob } = prototype
  if (typeof callProcessJob !== 'function') throw new Error('This version of BullMQ has no callProcessJob.')
  prototype.callProcessJob = function (this: Worker, ...args) {
    const { queueName, name } = args[0] as Job
    return scopeJob(
      () => `${queueName} ${name}`,
      () => callProcessJob.apply(this, args),
    )
  }
  return exports
}
