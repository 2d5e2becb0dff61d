import cluster, { type Worker } from 'node:cluster'
import type { ResolvedClusterTargetOptions } from './cluster-target-options.ts'

/** Forks with settings of its own, and leaves those of the process as they were. */
export function forkWorker({ exec, args, execArgv, env }: ResolvedClusterTargetOptions): Worker {
  const own = {
    ...(exec !== undefined && { exec }),
    ...(args !== undefined && { args: [...args] }),
    ...(execArgv !== undefined && { execArgv: [...execArgv] }),
  }
  if (Object.keys(own).length === 0) return cluster.fork(env)
  const before = { ...cluster.settings }
  cluster.setupPrimary(own)
  try {
    return cluster.fork(env)
  } finally {
    cluster.setupPrimary({ exec: process.argv[1], args: process.argv.slice(2), execArgv: process.execArgv, ...before })
  }
}
