import { scopeJob } from '../scopes/jobs.ts'
import type { Method } from './patch-methods.ts'
import { replaceExport, standInOf } from './replace-export.ts'

interface TaskOptions {
  readonly name?: string
}

/** The exports of `node-cron` that are replaced. The last one is also its default export, since version 4. */
export const NODE_CRON_EXPORTS: readonly string[] = ['schedule', 'createTask', 'nodeCron']

/** Opens a scope for each run of a task of `node-cron` in this process. */
export function patchNodeCron(exports: unknown): unknown {
  return NODE_CRON_EXPORTS.reduce((replaced, name) => replaceExport(replaced, name, nodeCronExport), exports)
}

/** Returns the stand-in of a function, or the object with the functions, which is changed in place. */
export function nodeCronExport(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return patchNodeCron(value)
  return standInOf(
    value,
    (create: Method): Method =>
      function (this: unknown, ...args) {
        const [expression, run, options, ...rest] = args
        // The path of a file runs in another process.
        if (typeof run !== 'function') return create.apply(this, args)
        const name = (options as TaskOptions | undefined)?.name ?? expression
        const scoped = function (this: unknown, ...values: unknown[]) {
          return scopeJob(
            () => `cron ${name}`,
            () => Reflect.apply(run, this, values),
          )
        }
        return create.call(this, expression, scoped, options, ...rest)
      },
  )
}
