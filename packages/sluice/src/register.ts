import { isMainThread, parentPort } from 'node:worker_threads'
import { attachToModules } from './attach-to-modules.ts'
import { isRequested } from './is-requested.ts'

const REGISTERED = Symbol.for('sluice.registered')

const shared = globalThis as { [REGISTERED]?: boolean }

/** The thread of module hooks runs `--require`, too. A worker of an app has a port. */
const runsHooks = !isMainThread && parentPort === null

// With a flag and `NODE_OPTIONS`, a process loads two copies.
if (shared[REGISTERED] !== true && !runsHooks && isRequested(process.env, process.argv[1])) {
  shared[REGISTERED] = true
  attachToModules()
}
