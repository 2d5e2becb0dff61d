import type { ReadExplanation } from '../pipeline/explanation.ts'
import type { Mode, Scope, ScopeCounts } from '../pipeline/scope.ts'
import type { Finding } from '../query/detect/finding.ts'
import { NPlusOneError } from '../query/detect/format-finding.ts'
import { InvalidArgumentError } from '../shared/errors.ts'

/** The summary of a scope. */
export interface ScopeReport extends Readonly<ScopeCounts> {
  readonly name: string
  readonly mode: Mode
  readonly durationMs: number
  /** The status of an HTTP request's answer; `undefined` where there was none. */
  readonly statusCode: number | undefined
  /** Whether what ran in it failed. */
  readonly failed: boolean
  /** Id of the HTTP request; `undefined` if there is none. */
  readonly requestId: string | undefined
  readonly findings: readonly Finding[]
  /**
   * Estimated milliseconds of CPU time that Sluice added, before it called listeners: twice the time of its
   * code. `undefined`: not measured; one scope in seventeen is.
   */
  readonly overheadMs: number | undefined
}

/** An open scope, for those who open and close it in different places; `sluice.run` does both. */
export interface ScopeHandle {
  /** Name of the scope. Can be set until it ends. */
  name: string
  /**
   * The status of an HTTP request's answer. May be set until the scope ends.
   *
   * @defaultValue undefined
   */
  statusCode: number | undefined
  /**
   * Whether what ran in it failed. May be set until the scope ends.
   *
   * @defaultValue false
   */
  failed: boolean
  /**
   * Id of the HTTP request. Can be set until the scope ends.
   *
   * @defaultValue undefined
   */
  requestId: string | undefined
  readonly counts: Readonly<ScopeCounts>
  /** Runs a function in the scope; what it awaits belongs to the scope too. */
  enter<T>(fn: () => T): T
  /**
   * Ends the scope and reports. A second call reports the same without emitting again.
   *
   * @throws NPlusOneError at the first call, where detection's mode is `throw` and there are findings; they
   *   were emitted before.
   */
  end(): ScopeReport
}

/** @throws NPlusOneError if there are findings. */
export function throwFindings(findings: readonly Finding[]): void {
  if (findings.length > 0) throw new NPlusOneError(findings)
}

/** Functions of a Sluice for its open scopes. */
export interface OpenScopeParts {
  readonly enter: <T>(scope: Scope, fn: () => T) => T
  readonly end: (scope: Scope) => ScopeReport
  readonly throwsFindings: boolean
}

/** The handle of a scope: a class, because one is created for each request and each task. */
export class OpenScope implements ScopeHandle {
  #report: ScopeReport | undefined

  constructor(
    private readonly scope: Scope,
    private readonly parts: OpenScopeParts,
  ) {}

  enter<T>(fn: () => T): T {
    return this.parts.enter(this.scope, fn)
  }

  end(): ScopeReport {
    if (this.#report !== undefined) return this.#report
    const { end, throwsFindings } = this.parts
    const report = end(this.scope)
    this.#report = report
    if (throwsFindings) throwFindings(report.findings)
    return report
  }

  get name(): string {
    return this.scope.name
  }

  set name(value: string) {
    this.scope.name = value
  }

  get statusCode(): number | undefined {
    return this.scope.statusCode
  }

  set statusCode(value: number | undefined) {
    this.scope.statusCode = value
  }

  get failed(): boolean {
    return this.scope.failed
  }

  set failed(value: boolean) {
    this.scope.failed = value
  }

  get requestId(): string | undefined {
    return this.scope.requestId
  }

  set requestId(value: string | undefined) {
    this.scope.requestId = value
  }

  get counts(): Readonly<ScopeCounts> {
    return this.scope.counts
  }
}

export interface RunOptions {
  /**
   * Name of the scope.
   *
   * @defaultValue 'run'
   */
  readonly name?: string
  /**
   * How the scope's operations are treated.
   *
   * @defaultValue the Sluice's mode, for the share of scopes that `rollout` sets
   */
  readonly mode?: Mode
}

/** The result of a function, and the explanations of its reads, in their order. */
export interface Explained<T> {
  readonly result: T
  readonly reads: readonly ReadExplanation[]
}

/** @throws InvalidArgumentError. */
export function checkFunction<T>(fn: T): T {
  if (typeof fn !== 'function') throw new InvalidArgumentError('fn', 'a function', fn)
  return fn
}
