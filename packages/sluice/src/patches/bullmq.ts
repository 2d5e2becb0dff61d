import { scopeJob } from '../scopes/jobs.ts'
import type { Method } from './patch-methods.ts'

interface Worker {
  callProcessJob: Method
}

interface Job {
  readonly name: string
  readonly queueName: string
}

/** Opens a scope for each job that a worker of BullMQ processes with a function. */
export function patchBullmq(exports: unknown): unknown {
  const { prototype } = (exports as { readonly Worker: { readonly prototype: Worker } }).Worker
  const { callProcessJob } = prototype
  if (typeof callProcessJob !== 'function') throw new Error('This version of BullMQ has no callProcessJob.')
  prototype.callProcessJob = function (this: Worker, ...args) {
    return scopeJob(
      () => nameOf(args[0] as Job),
      () => callProcessJob.apply(this, args),
    )
  }
  return exports
}

type Processor = (job: Job, ...rest: unknown[]) => unknown

interface ChildProcessor {
  processor: Processor
  start: Method
}

/** Opens a scope for each job that a file of processors runs in this process or thread. */
export function patchBullmqChild(exports: unknown): unknown {
  const { prototype } = (exports as { readonly ChildProcessor: { readonly prototype: ChildProcessor } })
    .ChildProcessor
  const { start } = prototype
  if (typeof start !== 'function') throw new Error('This version of BullMQ has no start.')
  const scoped = new WeakSet<Processor>()
  prototype.start = function (this: ChildProcessor, ...args) {
    const { processor } = this
    if (typeof processor === 'function' && !scoped.has(processor)) {
      this.processor = (job, ...rest) =>
        scopeJob(
          () => nameOf(job),
          () => processor(job, ...rest),
        )
      scoped.add(this.processor)
    }
    return start.apply(this, args)
  }
  return exports
}

function nameOf({ queueName, name }: Job): string {
  return `${queueName} ${name}`
}
