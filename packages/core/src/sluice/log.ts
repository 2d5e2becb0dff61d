import type { Alert, AlertChange } from '../monitoring/alerts/alert-book.ts'
import type { TuningChange } from '../monitoring/report/advice.ts'
import { formatCallSite } from '../pipeline/call-site.ts'
import type { Finding } from '../query/detect/finding.ts'
import { FindingRepeats } from '../query/detect/finding-book.ts'
import { outcomeOf, titleOf } from '../query/detect/format-finding.ts'
import { callSafely } from '../shared/call-safely.ts'
import { errorForLog, errorMessage } from '../shared/error-message.ts'
import type { Logger } from '../shared/logger.ts'
import { redact } from '../shared/redact.ts'
import type { SluiceWarningCode } from '../shared/warning-codes.ts'

type Level = 'info' | 'warn' | 'error'

/** Logs messages for people: to the app's logger, or without one as process warnings of Node. */
export class SluiceLog {
  readonly #warned = new Set<string>()
  readonly #repeats = new FindingRepeats()

  /** @param onFailure - The logger threw. */
  constructor(
    readonly logger: Logger | undefined,
    private readonly onFailure: () => void,
  ) {}

  /** Logs each message once. */
  warn(message: string, code: SluiceWarningCode): void {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    this.warnAgain(message, code)
  }

  /** Each time. */
  warnAgain(message: string, code: SluiceWarningCode): void {
    const text = redact(message)
    if (this.logger === undefined) process.emitWarning(text, { type: 'SluiceWarning', code })
    else this.#write('warn', { code }, text)
  }

  /** Logs an error in Sluice; without a logger, it is only emitted as an event. */
  error(error: unknown): void {
    this.#write('error', { err: errorForLog(error) }, errorMessage(error))
  }

  /** Without values. The first of its kind in a scope of its name, and the 10th, 100th … */
  finding(finding: Finding): void {
    if (this.logger === undefined) return
    const times = this.#repeats.timesToReport(finding)
    if (times === undefined) return
    const {
      code,
      id,
      scope,
      requestId,
      label,
      count,
      queries,
      queriesPossible,
      severity,
      databaseMs,
      callSite,
      fix,
    } = finding
    this.#write(
      'warn',
      {
        finding: id,
        code,
        scope,
        ...(requestId === undefined ? {} : { requestId }),
        label,
        count,
        queries,
        queriesPossible,
        severity,
        databaseMs: Math.round(databaseMs),
        ...(callSite === undefined ? {} : { at: formatCallSite(callSite) }),
        ...(fix === undefined ? {} : { fix }),
        ...(times === 1 ? {} : { times }),
      },
      `${titleOf(code)}  ${scope}: ${outcomeOf(finding, ',')}`,
    )
  }

  alert({ id, metric, source, severity, value, threshold, message }: Alert, change: AlertChange): void {
    const isOver = change === 'resolved' || change === 'acknowledged' || change === 'downgraded'
    const level = isOver || severity === 'info' ? 'info' : severity === 'critical' ? 'error' : 'warn'
    this.#write(
      level,
      { alert: id, change, metric, source, severity, value, threshold },
      `Alert ${change}: ${message}`,
    )
  }

  tuning({ kind, setting, from, to, status, text }: TuningChange): void {
    this.#write('info', { tuning: status, kind, setting, from, to }, text)
  }

  #write(level: Level, details: object, message: string): void {
    callSafely(() => this.logger?.[level]?.({ name: 'sluice', ...details }, message), this.onFailure)
  }
}
