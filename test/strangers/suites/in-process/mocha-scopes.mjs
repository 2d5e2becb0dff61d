// Each test and each hook of Mocha is a scope, like a request of an app.
import { AsyncResource } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { catalogRead, inScope } from './sluice.mjs'

/** @param checkout - The folder that contains Mocha. */
export function scopeRunnables(checkout) {
  const Runnable = createRequire(join(checkout, 'package.json'))('mocha/lib/runnable.js')
  const { run } = Runnable.prototype
  Runnable.prototype.run = function (callback) {
    // It starts the next test, outside of this scope.
    const next = AsyncResource.bind(callback)
    const runScope = () =>
      inScope(
        () =>
          new Promise((resolve) => {
            run.call(this, (...args) => {
              resolve()
              next(...args)
            })
          }),
      )
    if (this.type === 'test') catalogRead().then(runScope)
    else runScope()
  }
}
