import { describe, expect, it } from 'vitest'
import {
  certificateOf,
  certifies,
  compact,
  fold,
  lossesOf,
  openingStep,
  stampOf,
  textOf,
} from '../src/tag-log.ts'

const RECORDS = ['S;', 'Sx;', 'Q9;', 'b1;', 'b2=5;', 'e1:p;', 'e2:q;', 'G7;'] as const

/** Every log of up to `length` records. */
function* logs(length: number): Generator<readonly string[]> {
  if (length === 0) return yield []
  for (const before of logs(length - 1)) {
    yield before
    if (before.length === length - 1) for (const record of RECORDS) yield [...before, record]
  }
}

const letterOf = (record: string) => record[0]
const tokenOf = (record: string) => record[1]
const folded = (records: readonly string[]) => fold(records.join(''))

/** The stamp by the meaning of the records, without a state that each of them updates. */
function expectedStamp(records: readonly string[]): string | undefined {
  const all = records.filter((record) => letterOf(record) !== 'G')
  const base = all.findLast((record) => letterOf(record) === 'S' || letterOf(record) === 'Q')
  if (base === undefined || letterOf(base) === 'Q') return undefined
  const since = all.slice(all.findLastIndex((record) => letterOf(record) === 'S'))
  const hasEnded = (record: string, at: number) =>
    since.slice(at).some((other) => letterOf(other) === 'e' && tokenOf(other) === tokenOf(record))
  if (!since.every((record, at) => letterOf(record) !== 'b' || hasEnded(record, at))) return undefined
  const last = since.at(-1) as string
  if (letterOf(last) === 'S') return last.slice(1, -1) || undefined
  if (letterOf(last) !== 'e') return undefined
  const own = since
    .slice(0, -1)
    .findLast((record) => tokenOf(record) === tokenOf(last) && letterOf(record) !== 'S')
  return own !== undefined && letterOf(own) === 'b' ? last.slice(3, -1) : undefined
}

describe('fold', () => {
  it('has a stamp only if every writer has ended, the last one with its own intent', () => {
    for (const records of logs(5))
      expect([records, stampOf(folded(records))]).toEqual([records, expectedStamp(records)])
  })

  it('reads the short log of an open tag like any other', () => {
    expect(fold('Sabc;')).toEqual(fold('Sold;Sabc;'))
  })

  it('closes a tag at the end of an unknown intent', () => {
    expect(stampOf(fold('Sx;e1:p;'))).toBeUndefined()
    expect(stampOf(fold('Sx;b1;e1:p;e1:q;'))).toBeUndefined()
  })

  it('reads certificate, generation, and when intents and a quarantine end', () => {
    expect(fold('V3.9;G5;Q12;bone=10;btwo;')).toEqual({
      base: { until: 12 },
      intents: new Map([
        ['one', 10],
        ['two', undefined],
      ]),
      last: undefined,
      certificate: '3.9',
      generation: '5',
    })
  })
})

describe('compact', () => {
  it('changes nothing that later records lead to, if nothing has expired', () => {
    for (const records of logs(3)) {
      for (const after of logs(2)) {
        const is = fold(compact(records.join(''), 0) + after.join(''))
        const was = folded([...records, ...after])
        // The stamp of a closed log is not read.
        expect([records, after, { ...is, last: stampOf(is) }]).toEqual([
          records,
          after,
          { ...was, last: stampOf(was) },
        ])
      }
    }
  })

  it('is the shortest form', () => {
    for (const records of logs(4)) {
      const text = compact(records.join(''), 7)
      expect(compact(text, 7)).toBe(text)
      expect(textOf(fold(text))).toBe(text)
    }
  })

  it('removes expired intents and an expired quarantine', () => {
    expect(compact('Sx;b1=5;b2;', 5)).toBe('S;b2;')
    expect(compact('Q5;b1;e1:p;', 5)).toBe('Sp;')
    expect(compact('Q5;b1;e1:p;', 4)).toBe('Q5;')
    expect(compact('V1.2;G3;Sx;b1;e1:p;', 0)).toBe('V1.2;G3;Sp;')
  })

  it('keeps it unknown whether writers are missing', () => {
    expect(compact('b1;e1:p;', 0)).toBe('')
    expect(compact('b1;e1:p;b2;', 0)).toBe('b2;')
  })
})

describe('openingStep', () => {
  const terms = { leaseS: 30, quarantineS: 4 }
  const step = (text: string, isCertified = false, now = 10) =>
    openingStep(fold(text), now, isCertified, 'new', terms)

  it.each(['Sx;', 'Sx;b1;e1:p;'])('changes nothing of an open tag: %s', (text) => {
    expect(step(text)).toEqual({ text: undefined, opens: true })
  })

  it('opens a log without a base if it is certain that nothing was lost', () => {
    expect(step('', true)).toEqual({ text: 'Snew;', opens: true })
    expect(step('b1;e1:p;', true)).toEqual({ text: 'Snew;', opens: true })
  })

  it('begins a quarantine otherwise, and the leases of its intents', () => {
    expect(step('')).toEqual({ text: 'Q14;', opens: false })
    expect(step('b1;')).toEqual({ text: 'Q14;b1=40;', opens: false })
  })

  it('waits for a quarantine and for intents', () => {
    expect(step('Q11;')).toEqual({ text: undefined, opens: false })
    expect(step('Sx;b1=11;')).toEqual({ text: undefined, opens: false })
    expect(step('Sx;b1;b2=11;')).toEqual({ text: 'S;b1=40;b2=11;', opens: false })
    expect(step('b1;', true)).toEqual({ text: 'S;b1=40;', opens: false })
  })

  it('opens when they have expired', () => {
    expect(step('Q10;b1=10;')).toEqual({ text: 'Snew;', opens: true })
    expect(step('V1.2;G3;Sx;b1=10;')).toEqual({ text: 'V1.2;G3;Snew;', opens: true })
    expect(step('Sx;e1:p;')).toEqual({ text: 'Snew;', opens: true })
  })

  it('never opens to the stamp of a write that ended during a different write', () => {
    expect(step('Sx;b1=10;b2;e2:p;')).toEqual({ text: 'Snew;', opens: true })
  })
})

const losses = (stats: Record<string, number>) =>
  lossesOf({
    code: 'END',
    text: 'END',
    data: undefined,
    flags: Object.fromEntries(Object.entries(stats).map(([name, count]) => [name, String(count)])),
  })
const before = { evictions: 3, store_no_memory: 1, cmd_flush: 2, total_items: 100 }
const certificate = certificateOf(losses(before))

describe('a certificate', () => {
  it('holds as long as the server stores items and loses none', () => {
    expect(certifies(certificate, losses(before))).toBe(true)
    expect(certifies(certificate, losses({ ...before, total_items: 1_000 }))).toBe(true)
  })

  it.each([
    'evictions',
    'store_no_memory',
    'cmd_flush',
    'slab_reassign_evictions_nomem',
    'slab_reassign_busy_deletes',
    'extstore_objects_evicted',
  ])('does not hold when %s increases', (name) => {
    const count = (before as Record<string, number>)[name] ?? 0
    expect(certifies(certificate, losses({ ...before, [name]: count + 1 }))).toBe(false)
  })

  it('does not hold after the statistics were reset', () => {
    expect(certifies(certificateOf(losses({ total_items: 100 })), losses({ total_items: 5 }))).toBe(false)
  })

  it('does not exist without one', () => {
    expect(certifies(undefined, losses({}))).toBe(false)
  })
})
