import { sluice } from './sluice.js'

/** Wraps a route handler or page so that its queries are one scope. */
export function scoped(name, handle) {
  return (...args) => sluice.run(() => handle(...args), { name })
}
