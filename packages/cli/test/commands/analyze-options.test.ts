import { describe, expect, it } from 'vitest'
import { isFailure, parseAnalyzeOptions } from '../../src/commands/analyze-options.ts'
import { finding } from '../support/analysis.ts'
import { sluice } from '../support/run-sluice.ts'

describe('parseAnalyzeOptions', () => {
  it('accepts repeated options and comma-separated lists', () => {
    const { failOn, include } = parseAnalyzeOptions([
      '--fail-on',
      'high, missing-index',
      '--fail-on',
      'rewrite',
      '--include',
      'unused-index',
    ])
    expect(failOn).toEqual(['high', 'missing-index', 'rewrite'])
    expect(include).toEqual(['UNUSED_INDEX'])
  })

  it('prefers --json to --reporter', () => {
    expect(parseAnalyzeOptions(['--json', '--reporter', 'github']).reporter).toBe('json')
  })
})

describe('isFailure', () => {
  const medium = [finding({ severity: 'medium' })]

  it('matches a code, or a severity and higher ones', () => {
    expect(isFailure(['missing-index'], medium)).toBe(true)
    expect(isFailure(['rewrite'], medium)).toBe(false)
    expect(isFailure(['low'], medium)).toBe(true)
    expect(isFailure(['medium'], medium)).toBe(true)
    expect(isFailure(['high'], medium)).toBe(false)
    expect(isFailure([], medium)).toBe(false)
  })
})

describe('sluice analyze', () => {
  it.each([
    [['a.db', 'b.db'], 'expected one database URL, also got "b.db"'],
    [['a.db', '--fail-on', 'everything'], '--fail-on: expected missing-index'],
    [['a.db', '--include', 'high'], '--include: expected missing-index'],
    [
      ['a.db', '--reporter', 'html'],
      '--reporter: expected terminal, json, github, markdown, sarif, got "html"',
    ],
    [['a.db', '--format', 'sequelize'], '--format: expected prisma, knex, drizzle, kysely, sql'],
    [['a.db', '--yes'], '--yes requires --apply'],
    [['a.db', '--workload', '/nowhere.json'], '--workload /nowhere.json: ENOENT'],
    [['a.db', '--workload', import.meta.filename], 'Workload file: expected JSON'],
    [['--verbos'], "Unknown option '--verbos'"],
  ])('rejects %j', async (args, message) => {
    const { code, out, err } = await sluice('analyze', ...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
  })

  it('prints its options with --help', async () => {
    expect(await sluice('analyze', '--help')).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('--update-baseline'),
    })
  })

  it('exits with code 3 when the database does not exist', async () => {
    expect(await sluice('analyze', 'file:/nowhere/dev.db')).toEqual({
      code: 3,
      out: '',
      err: 'sluice analyze: Cannot connect to /nowhere/dev.db: file not found\n',
    })
  })
})
