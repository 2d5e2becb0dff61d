import type { YieldReport } from '@sluice/core/yield'
import { listOf, numberOf, numbersOf, objectOf, textOf } from './protocol.ts'

/** The estimate of `GET api/yield`. */
export interface YieldAnswer {
  /** `undefined`: the app recorded no statement. */
  readonly report: YieldReport | undefined
  readonly processes: number
}

export function readYieldPage(json: unknown): YieldAnswer {
  const { processes, report } = objectOf(json)
  return {
    processes: numberOf(processes),
    report: report === null || report === undefined ? undefined : reportOf(objectOf(report)),
  }
}

function reportOf(value: Readonly<Record<string, unknown>>): YieldReport {
  return {
    ...numbersOf(value, ['durationMs', 'statements', 'operations', 'ttl']),
    ideal: numbersOf(objectOf(value.ideal), ['cached', 'cachedWithinTtl', 'batched', 'frames']),
    optimize: numbersOf(objectOf(value.optimize), ['cached', 'batched', 'prefetched']),
    byTtl: listOf(value.byTtl).map((one) => numbersOf(objectOf(one), ['ttl', 'saved'])),
    missed: listOf(value.missed).map((one) => {
      const missed = objectOf(one)
      return {
        reason: textOf(missed.reason),
        text: textOf(missed.text),
        ...(missed.advice === undefined ? {} : { advice: textOf(missed.advice) }),
        ...(missed.page === undefined ? {} : { page: textOf(missed.page) }),
        statements: numberOf(missed.statements),
        examples: listOf(missed.examples).map((example) => {
          const { label, statements } = objectOf(example)
          return { label: textOf(label), statements: numberOf(statements) }
        }),
      }
    }),
  }
}
