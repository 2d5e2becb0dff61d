import { consoleNotifier, type Finding, formatFinding } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { plainLine } from '../../src/shared/plain-line.ts'

const HOSTILE = 'a\u001b[31mb\u001b]0;title\u0007c\u009b2Jd\ne\u202ef\u2066g\u0000h\u0085i'
const SAFE = 'abcd e\ufffdf\ufffdg\ufffdh i'

describe('plainLine', () => {
  it('removes control characters of terminals, and returns one line', () => {
    expect(plainLine(HOSTILE)).toBe(SAFE)
    expect(plainLine('größer 大 👍')).toBe('größer 大 👍')
  })

  it('is applied to findings and alerts', () => {
    const group = {
      label: HOSTILE,
      count: 5,
      databaseMs: 1,
      fix: HOSTILE,
      callSite: { file: HOSTILE, line: 1, column: 1 },
    }
    const finding = {
      code: 'N_PLUS_ONE',
      severity: 'low',
      scope: HOSTILE,
      queries: 5,
      queriesPossible: 1,
      parent: { label: HOSTILE },
      ...group,
    }
    const lines: string[] = [formatFinding(finding as unknown as Finding)]
    const alert = { severity: 'warning', message: HOSTILE } as unknown as Parameters<
      ReturnType<typeof consoleNotifier>['notify']
    >[0]
    void consoleNotifier((line) => lines.push(line)).notify(alert, 'raised', new AbortController().signal)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test searches for these.
    const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2066]/
    for (const text of lines) expect(text).not.toMatch(control)
    expect(lines[0]?.split('\n')).toHaveLength(4)
  })
})
