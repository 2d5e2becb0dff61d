import { guarded } from '../guarded.ts'
import { clients } from '../process-state.ts'
import { openJob } from './job-scope.ts'

/**
 * Runs a job in a scope, once there is a client. The caller must await what it returns: a promise where
 * `run` returns a thenable.
 *
 * @param name - Returns the name of the job, after that of its queue or library.
 */
export function scopeJob(name: () => string, run: () => unknown): unknown {
  const job = clients.areLoaded ? guarded('jobs', () => openJob(name())) : undefined
  return job === undefined ? run() : job.run(run)
}
