import type { Sluice } from '@sluice/core'
import type { RequestRecorder } from '../recorder/request-recorder.ts'

/** What pages are made of. */
export interface PageParts {
  readonly sluice: Sluice
  readonly recorder: RequestRecorder
  /** Ids of findings that nobody wants to see in this process. */
  readonly muted: Set<string>
  readonly showParameters: boolean
  /** `ProcessInfo.id`. */
  readonly process: string
}
