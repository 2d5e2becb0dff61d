import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { githubReport, markdownReport, sarifReport } from '../../src/report/other-reports.ts'
import { analysis, finding, statement } from '../support/analysis.ts'

const here = statement({
  callSites: [{ file: join(process.cwd(), 'src/a,b:c.ts'), line: 4, column: 2, count: 1 }],
})

describe('githubReport', () => {
  it('writes an annotation at the call site, with escaped special characters', () => {
    const text = githubReport([finding({ statements: [here], details: ['50% of it\nand more'], sql: [] })])
    expect(text).toBe(
      '::error file=src/a%2Cb%3Ac.ts,line=4,col=2,title=MISSING_INDEX city(region_id%2C population)::city(region_id, population)%0A50%25 of it%0Aand more\n',
    )
  })

  it('writes an annotation without a location when there is no call site, with a level by severity', () => {
    const text = githubReport([
      finding({ severity: 'medium', statements: [], details: [], sql: [], title: 'm' }),
      finding({ severity: 'low', statements: [], details: [], sql: [], title: 'l' }),
    ])
    expect(text).toBe('::warning title=MISSING_INDEX m::m\n::notice title=MISSING_INDEX l::l\n')
  })
})

describe('markdownReport', () => {
  it('has a row per finding, and its SQL', () => {
    const text = markdownReport(analysis([]), [finding({ title: 'city(a | b)' })])
    expect(text).toContain('| high | MISSING_INDEX | `city(a \\| b)` | 38% |\n')
    expect(text).toMatch(/```sql\nCREATE INDEX .*;\n```/)
  })

  it('reports that there are no findings', () => {
    expect(markdownReport(analysis([]), [])).toContain('No findings.')
  })
})

describe('sarifReport', () => {
  it('has one rule per code, and each finding with its key, level and location', () => {
    const found = [
      finding({ statements: [here] }),
      finding({ key: 'key-2', severity: 'low', statements: [] }),
    ]
    const { version, runs } = JSON.parse(sarifReport(found))
    expect(version).toBe('2.1.0')
    expect(runs[0].tool.driver.rules).toEqual([{ id: 'MISSING_INDEX' }])
    expect(runs[0].results).toMatchObject([
      {
        level: 'error',
        partialFingerprints: { 'sluice/v1': 'key-1' },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'src/a,b:c.ts' },
              region: { startLine: 4, startColumn: 2 },
            },
          },
        ],
      },
      { level: 'note', partialFingerprints: { 'sluice/v1': 'key-2' }, locations: [] },
    ])
  })
})
