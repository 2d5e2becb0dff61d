import { attachToModules } from './attach-to-modules.ts'
import { isRequested } from './is-requested.ts'

const REGISTERED = Symbol.for('sluice.registered')

const shared = globalThis as { [REGISTERED]?: boolean }

// With a flag and `NODE_OPTIONS`, a process loads two copies.
if (shared[REGISTERED] !== true && isRequested(process.env, process.argv[1])) {
  shared[REGISTERED] = true
  attachToModules()
}
