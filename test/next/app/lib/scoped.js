import { sluice } from './sluice.js'

/** A route handler or page whose queries are one scope. */
export function scoped(name, handle) {
  return (...args) => sluice.run(() => handle(...args), { name })
}
