import { scopeJob } from '../scopes/jobs.ts'
import { type Methods, patchMethods } from './patch-methods.ts'

interface Cron {
  readonly name?: string
  getPattern(): string | undefined
}

/** Opens a scope for each run of a job of `croner`. Returns the class, which is patched in place. */
export function cronClass(value: unknown): unknown {
  patchTrigger((value as { readonly prototype: Methods }).prototype)
  return value
}

function patchTrigger(prototype: Methods): void {
  if (typeof prototype._trigger !== 'function') throw new Error('This version of croner has no _trigger.')
  patchMethods(
    Object.create(prototype),
    ['_trigger'],
    (_, trigger) =>
      function (this: Cron, ...args) {
        return scopeJob(
          () => `cron ${this.name ?? this.getPattern()}`,
          () => trigger.apply(this, args),
        )
      },
  )
}

/** The CommonJS build. */
export function patchCroner(exports: unknown): unknown {
  cronClass((exports as { readonly Cron: unknown }).Cron)
  return exports
}
