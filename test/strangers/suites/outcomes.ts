import { existsSync, readFileSync } from 'node:fs'

export interface Outcomes {
  readonly passed: ReadonlySet<string>
  /** Error messages, by the names of the tests. A hook that fails is one, too. */
  readonly failed: ReadonlyMap<string, string>
  readonly skipped: ReadonlySet<string>
}

interface MochaTest {
  readonly fullTitle: string
  readonly err: { readonly message?: string; readonly stack?: string }
}

interface MochaReport {
  readonly passes: readonly MochaTest[]
  readonly failures: readonly MochaTest[]
  readonly pending: readonly MochaTest[]
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** @returns `undefined` if the tests ended without a report. */
export function readOutcomes(report: string): Outcomes | undefined {
  if (!existsSync(report)) return undefined
  const read: MochaReport | VitestReport = JSON.parse(readFileSync(report, 'utf8'))
  return 'testResults' in read ? ofVitest(read) : ofMocha(read)
}

function ofMocha({ passes, failures, pending }: MochaReport): Outcomes {
  const name = numbered()
  // In the order of the tests: a name that occurs twice has the same number in every run.
  const skipped = new Set(pending.map(({ fullTitle }) => name(fullTitle)))
  const passed = new Set(passes.map(({ fullTitle }) => name(fullTitle)))
  const failed = new Map(
    failures.map(({ fullTitle, err }) => [name(fullTitle), err.stack ?? err.message ?? '']),
  )
  return { passed, failed, skipped }
}

function ofVitest({ testResults }: VitestReport): Outcomes {
  const name = numbered()
  const passed = new Set<string>()
  const failed = new Map<string, string>()
  const skipped = new Set<string>()
  for (const { name: file, message, assertionResults } of testResults) {
    const prefix = file.replace(/^.*[\\/]tests[\\/]/, '')
    // The file could not be loaded, or a hook failed.
    if (message !== '') failed.set(name(prefix), message)
    for (const { fullName, status, failureMessages } of assertionResults) {
      const test = name(`${prefix} ${fullName.trim()}`)
      if (status === 'passed') passed.add(test)
      else if (status === 'failed') failed.set(test, failureMessages.join('\n'))
      else skipped.add(test)
    }
  }
  return { passed, failed, skipped }
}

/** Names that occur repeatedly get numbers. */
function numbered(): (name: string) => string {
  const counts = new Map<string, number>()
  return (name) => {
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return count === 1 ? name : `${name} (${count})`
  }
}
