import type { Dialect } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { AnomalyLog } from '../../../src/query/anomalies/anomaly-log.ts'
import { inspectSql } from '../../../src/query/anomalies/inspect.ts'
import { analyzeSql } from '../../../src/sql/analyze.ts'
import { FakeClock } from '../../helpers.ts'
import { injections } from './injections.ts'
import { ordinary } from './ordinary-statements.ts'

function see(log: AnomalyLog, sql: string, dialect: Dialect): void {
  log.see(sql, dialect, analyzeSql(sql, dialect))
}

const dialects: readonly Dialect[] = ['postgresql', 'mysql', 'sqlite']

describe.each(dialects)('AnomalyLog on %s', (dialect) => {
  it('reports nothing for repeated statements of ORMs and developers', () => {
    const log = new AnomalyLog(new FakeClock())
    for (const sql of [...ordinary[dialect], ...ordinary[dialect]]) see(log, sql, dialect)
    expect(log.anomalies().map(({ kind, label }) => `${kind}: ${label}`)).toEqual([])
  })

  it('reports every injection', () => {
    const texts = injections(dialect)
    expect(texts.length).toBeGreaterThanOrEqual(40)
    expect(texts.filter((sql) => inspectSql(sql, dialect).suspicions.length === 0)).toEqual([])
  })
})

describe('inspectSql', () => {
  const kinds = (sql: string, dialect: Dialect = 'postgresql') =>
    inspectSql(sql, dialect).suspicions.map(({ kind }) => kind)

  it.each([
    ['stacked-statements', 'select 1 from a where b = 1; drop table a'],
    ['tautology', "select 1 from a where b = '' or 'a'='a'"],
    ['comment-truncation', "select 1 from a where b = 'admin' --' and c = ?"],
    ['union-graft', 'select b from a where b = 1 union select null'],
    ['time-function', 'select b from a where b = 1 and pg_sleep(3) is null'],
    ['server-access', "select pg_read_file('x')"],
    ['broken-text', "select b from a where b = 'it's'"],
  ])('classifies as %s', (kind, sql) => {
    expect(kinds(sql)).toEqual([kind])
  })

  it('ignores a true condition of a query builder before AND, and reports a tautology after OR', () => {
    expect(kinds('select 1 from a where 1 = 1 and b = $1')).toEqual([])
    expect(kinds('select 1 from a where b = $1 or 1 = 1')).toEqual(['tautology'])
    expect(kinds('select 1 from a where b = $1 or 1 = 0')).toEqual([])
    expect(kinds('select 1 from a where b = $1 and 5 = 5')).toEqual(['tautology'])
  })

  it('stops at a statement with unlimited nesting', () => {
    expect(kinds(`select 1 where a = 1 or ${'('.repeat(20_000)}1=1${')'.repeat(20_000)}`)).toEqual([])
    expect(kinds(`select 1 where a = 1 or ${'not '.repeat(20_000)}1=1`)).toEqual([])
  })
})

describe('a concatenation anomaly', () => {
  const seen = (...texts: string[]) => {
    const log = new AnomalyLog(new FakeClock())
    for (const sql of texts) see(log, sql, 'postgresql')
    return log.anomalies()
  }

  it('is a literal in a statement that binds it elsewhere, in either order', () => {
    const bound = 'select 1 from users where name = $1'
    const written = "select 1 from users where name = 'ada'"
    expect(seen(bound, written)).toMatchObject([
      { kind: 'concatenation', label: 'select ? from users where name = ?' },
    ])
    expect(seen(written, bound)).toMatchObject([{ kind: 'concatenation' }])
    expect(seen(bound, bound)).toEqual([])
  })

  it('is a literal that changes between statements', () => {
    const text = (id: number) => `select 1 from users where id = ${id}`
    expect(seen(text(1), text(2), text(1), text(2))).toEqual([])
    expect(seen(text(1), text(2), text(3))).toMatchObject([{ kind: 'concatenation', severity: 'medium' }])
  })

  it('is not a constant in a statement with bound values', () => {
    const text = "select 1 from users where id = $1 and role = 'admin' and n in (1, 2) limit 10"
    expect(seen(text, text.replace('10', '20'), text.replace('10', '30'))).toEqual([])
  })
})

describe('an anomaly', () => {
  it('contains no values, but the time and number of its occurrences', () => {
    const clock = new FakeClock()
    const log = new AnomalyLog(clock)
    const first = clock.wall()
    see(log, "select * from users where name = 'secret' or 'a'='a'", 'sqlite')
    clock.advance(500)
    see(log, "select * from users where name = 'other' or 'b'='b'", 'sqlite')
    const [anomaly, ...more] = log.anomalies()
    expect(more).toEqual([])
    expect(anomaly).toMatchObject({ kind: 'tautology', severity: 'high', firstSeen: first, count: 2 })
    expect(anomaly?.callSite?.file).toContain('anomaly-log.test.ts')
    expect(JSON.stringify(anomaly)).not.toMatch(/secret|other/)
  })

  it('is one of at most 1,000', () => {
    const log = new AnomalyLog(new FakeClock())
    for (let i = 0; i < 1_200; i++) see(log, `select c${i} from t where a = 1 or 1=1`, 'sqlite')
    expect(log.anomalies()).toHaveLength(1_000)
  })
})
