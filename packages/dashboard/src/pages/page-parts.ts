import { type CallSite, formatCallSite, type Sluice } from '@sluice/core'
import type { ProcessIdentity } from '../processes/process-identity.ts'
import type { Place } from '../protocol/common.ts'
import type { RequestRecorder } from '../recorder/request-recorder.ts'
import type { JobFacts } from './job-facts.ts'
import type { YieldFacts } from './yield-facts.ts'

/** The data sources of all pages in one process. */
export interface PageParts {
  readonly sluice: Sluice
  readonly recorder: RequestRecorder
  /** IDs of muted findings in this process. */
  readonly muted: Set<string>
  readonly showParameters: boolean
  readonly jobs: JobFacts
  readonly yields: YieldFacts
  readonly process: ProcessIdentity
}

/** Converts a call site to the format of the page. */
export function placeOf(site: CallSite): Place
export function placeOf(site: CallSite | undefined): Place | null
export function placeOf(site: CallSite | undefined): Place | null {
  if (site === undefined) return null
  const text = formatCallSite(site)
  const { line, column, functionName = null } = site
  return {
    file: text.slice(0, text.lastIndexOf(':', text.lastIndexOf(':') - 1)),
    line,
    column,
    functionName,
    text,
  }
}
