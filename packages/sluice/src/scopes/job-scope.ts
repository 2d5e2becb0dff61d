import type { ScopeHandle, Sluice } from '@sluice/core'
import { settings } from '../registered-sluice.ts'
import { BoundedNames } from './bounded-names.ts'
import { type EnterWork, openWork, type Work } from './work.ts'

const names = new BoundedNames('job (other)')

/** A job, whose scopes end when its promise settles. Like `sluice.run`, it fails if ending them throws. */
class Job implements Work {
  isOver = false
  readonly #scopes: ScopeHandle[] = []
  readonly #enter: EnterWork

  constructor(private readonly name: string) {
    this.#enter = openWork(this)
  }

  open(sluice: Sluice): ScopeHandle {
    const scope = sluice.openScope(this.name)
    this.#scopes.push(scope)
    return scope
  }

  run(run: () => unknown): unknown {
    let result: unknown
    try {
      result = this.#enter(() => {
        const returned = run()
        // The promises of an ORM may be lazy, and must be awaited inside.
        return isThenable(returned) ? Promise.resolve(returned) : returned
      })
    } catch (error) {
      this.#fail()
      throw error
    }
    if (!(result instanceof Promise)) return this.#succeed(result)
    return result.then(
      (value) => this.#succeed(value),
      (error: unknown) => {
        this.#fail()
        throw error
      },
    )
  }

  #succeed<T>(result: T): T {
    const [error] = this.#end(false)
    if (error !== undefined) throw error
    return result
  }

  #fail(): void {
    this.#end(true)
  }

  /** Returns what ending the scopes throws: findings, if the mode of detection is `throw`. */
  #end(failed: boolean): readonly unknown[] {
    this.isOver = true
    return this.#scopes.flatMap((scope) => {
      scope.failed = failed
      try {
        scope.end()
        return []
      } catch (error) {
        return [error]
      }
    })
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
}

/**
 * Opens the scope of a job. `undefined` if jobs have none.
 *
 * @param name - Its name, after that of its queue or library.
 */
export function openJob(name: string): Job | undefined {
  return settings().jobs ? new Job(names.of(`job ${name}`)) : undefined
}
