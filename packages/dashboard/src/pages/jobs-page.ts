import type { Sluice } from '@sluice/core'
import type { JobsPage } from '../protocol/jobs.ts'
import { groupedLetters, MAX_GROUPED } from './dead-letters.ts'
import type { JobFacts } from './job-facts.ts'

/** What is stuck? `null`: jobs are off. */
export async function jobsPage({ jobs }: Sluice, facts: JobFacts, showParameters: boolean): Promise<JobsPage | null> {
  if (jobs === undefined) return null
  if (!jobs.isOpen) return { isOpen: false, isShared: jobs.isShared, queues: [], deadLetters: { total: 0, grouped: 0, groups: [] } }
  await facts.refresh()
  // Where its backend does not answer, the queues say so.
  const letters = facts.deadLetters === 0 ? [] : await jobs.listDeadLetters({ limit: MAX_GROUPED }).catch(() => [])
  return {
    isOpen: true,
    isShared: jobs.isShared,
    queues: facts.queues,
    deadLetters: {
      total: Math.max(facts.deadLetters, letters.length),
      grouped: letters.length,
      groups: groupedLetters(letters, showParameters),
    },
  }
}
