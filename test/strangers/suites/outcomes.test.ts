import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Outcomes, readOutcomes } from './outcomes.ts'

describe('readOutcomes', () => {
  let folder = ''

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-outcomes-'))
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  function read(report: object): Outcomes | undefined {
    const path = join(folder, 'report.json')
    writeFileSync(path, JSON.stringify(report))
    return readOutcomes(path)
  }

  it('returns nothing without a report', () => {
    expect(readOutcomes(join(folder, 'report.json'))).toBeUndefined()
  })

  it('reads a report of Mocha', () => {
    const [passed, failed, skipped] = ['a', 'b', 'c'].map((fullTitle) => ({ fullTitle, err: {} }))
    const failures = [{ ...failed, err: { message: 'no', stack: 'Error: no' } }]
    expect(read({ passes: [passed], failures, pending: [skipped] })).toEqual({
      passed: new Set(['a']),
      failed: new Map([['b', 'Error: no']]),
      skipped: new Set(['c']),
    })
  })

  it('reads a report of Vitest, with the file in the names', () => {
    const outcome = (fullName: string, status: string) => ({
      fullName,
      status,
      failureMessages: ['Error: no'],
    })
    const assertionResults = [outcome('a', 'passed'), outcome('b', 'failed'), outcome('c', 'pending')]
    const testResults = [{ name: '/home/orm/tests/pg/x.test.ts', message: '', assertionResults }]
    expect(read({ testResults })).toEqual({
      passed: new Set(['pg/x.test.ts a']),
      failed: new Map([['pg/x.test.ts b', 'Error: no']]),
      skipped: new Set(['pg/x.test.ts c']),
    })
  })

  it('counts a file of Vitest that could not be loaded as failed', () => {
    const testResults = [{ name: '/home/orm/tests/x.test.ts', message: 'no module', assertionResults: [] }]
    expect(read({ testResults })?.failed).toEqual(new Map([['x.test.ts', 'no module']]))
  })

  it('numbers tests of the same name', () => {
    const test = { fullTitle: 'a', err: {} }
    expect(read({ passes: [test, test], failures: [], pending: [] })?.passed).toEqual(new Set(['a', 'a (2)']))
  })
})
