import { SluiceError } from '../../shared/errors.ts'
import type { Finding } from './finding.ts'
import { formatFinding } from './format-finding.ts'

/**
 * Thrown if a scope that ended in `throw` mode had findings: N+1 queries, duplicate queries, or more queries
 * than its budget allows.
 */
export class NPlusOneError extends SluiceError {
  constructor(
    /** At least one. */
    readonly findings: readonly Finding[],
  ) {
    super('SLUICE_N_PLUS_ONE', findings.map((finding) => formatFinding(finding)).join('\n'))
  }
}
