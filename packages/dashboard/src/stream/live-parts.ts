import type { JobFacts } from '../pages/job-facts.ts'
import type { PageParts } from '../pages/page-parts.ts'
import type { ProcessIdentity } from '../processes/process-facts.ts'

/** What figures of one process are made of. */
export interface LiveParts extends PageParts {
  readonly jobs: JobFacts
  readonly info: () => ProcessIdentity
  readonly detects: boolean
}
