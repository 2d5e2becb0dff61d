import { describe, expect, it } from 'vitest'
import { Random } from '../../../../test/support/random.ts'
import { StatementValues } from '../../src/pipeline/execution-group.ts'
import { repetitionAmong } from '../../src/pipeline/repetition.ts'

const LIMITS = { threshold: 5, repeats: 3 }

/** Executions with these values; `|` is a write of the scope between two of them. */
function judge(values: string, count?: number) {
  let writes = 0
  const samples = [...values].flatMap((value) => {
    if (value === '|') writes += 1
    return value === '|' ? [] : [{ values: value === '?' ? undefined : value, stack: undefined, writes }]
  })
  return repetitionAmong({ count: count ?? samples.length, samples }, LIMITS)
}

describe('repetitionAmong', () => {
  it.each([
    ['abcd', undefined],
    ['abcde', { code: 'N_PLUS_ONE', count: 5, needed: 1 }],
    ['?????', { code: 'N_PLUS_ONE', count: 5, needed: 1 }],
    ['aa', undefined],
    ['aaa', { code: 'REPEATED_QUERY', count: 3, needed: 1 }],
    ['aaab', { code: 'REPEATED_QUERY', count: 3, needed: 1 }],
    ['a|a|a', undefined],
    ['aaaa|aaaa', { code: 'REPEATED_QUERY', count: 8, needed: 2 }],
    // Most values differ, so one query for all keys saves more than a cached result.
    ['aaabcdefgh', { code: 'N_PLUS_ONE', count: 10, needed: 1 }],
  ])('classifies %s', (values, expected) => {
    expect(judge(values)).toEqual(expected)
  })

  it.each([
    [
      'differ in one binding',
      [
        ['a', 1, 9],
        ['a', 2, 9],
        ['a', 1, 9],
        ['a', 1, 9],
      ],
      3,
    ],
    [
      'are equal',
      [
        ['a', 1],
        ['a', 1],
        ['a', 1],
      ],
      3,
    ],
    [
      'differ in one binding or another',
      [
        ['a', 1],
        ['b', 1],
        ['a', 2],
        ['a', 1],
        ['a', 1],
      ],
      3,
    ],
    [
      'differ in several bindings',
      [
        ['a', 1],
        ['b', 2],
        ['a', 2],
        ['b', 1],
      ],
      undefined,
    ],
    ['have no bindings', [[], [], []], 3],
    ['have bindings of other types', [['1'], [1], [1n], [true]], undefined],
    ['have equal dates', [[new Date(1)], [new Date(1)], [new Date(1)]], 3],
    ['have more bindings or fewer', [['a'], ['a', 1], ['a'], ['a']], 3],
  ] as const)('compares statements that %s', (_, bindings, count) => {
    const samples = bindings.map((params) => ({
      values: new StatementValues('select 1', params),
      stack: undefined,
      writes: 0,
    }))
    expect(repetitionAmong({ count: samples.length, samples }, { threshold: 9, repeats: 3 })?.count).toBe(
      count,
    )
  })

  it.each([
    [
      'in one nested field',
      (id: unknown) => ({ where: { AND: [{ id: { equals: id } }, { on: true }] }, take: 1 }),
    ],
    ['in two fields', (id: unknown) => ({ where: { id, parent: id } })],
    ['in whether a field is there', (id: unknown) => ({ where: id === 1 ? { id, name: 'a' } : { id } })],
    ['in an array', (id: unknown) => [[id], 'a']],
    ['as a whole', (id: unknown) => id],
  ])('finds the same in values that differ %s as in their canonical strings', (_, valuesOf) => {
    const ids = [1, 2, 3, '1', null, undefined, 'undefined', true, 1n, Number.NaN]
    const random = new Random(3)
    for (let run = 0; run < 300; run += 1) {
      const values = Array.from({ length: 2 + random.below(6) }, () =>
        valuesOf(ids[random.below(1 + random.below(10))]),
      )
      // A date is not compared directly.
      const [direct, canonical] = [(value: unknown) => [value], (value: unknown) => [value, new Date(1)]].map(
        (add) => {
          const samples = values.map((value) => ({ values: add(value), stack: undefined, writes: 0 }))
          return repetitionAmong({ count: samples.length, samples }, { threshold: 4, repeats: 2 })
        },
      )
      expect(direct).toEqual(canonical)
    }
  })

  it('compares only equal statements, and not across a write', () => {
    const sample = (sql: string, writes: number) => ({
      values: new StatementValues(sql, [1]),
      stack: undefined,
      writes,
    })
    const judged = (...samples: ReturnType<typeof sample>[]) =>
      repetitionAmong({ count: samples.length, samples }, LIMITS)
    expect(judged(sample('a', 0), sample('b', 0), sample('a', 0))).toBeUndefined()
    expect(judged(sample('a', 0), sample('a', 1), sample('a', 1))).toBeUndefined()
    expect(judged(sample('a', 1), sample('a', 1), sample('a', 1))?.count).toBe(3)
  })

  it('extrapolates the share of the samples to all executions', () => {
    expect(judge('aaaa', 100)).toEqual({ code: 'REPEATED_QUERY', count: 100, needed: 25 })
  })
})
