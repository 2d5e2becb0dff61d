import { describe, expect, it } from 'vitest'
import { copyRows, isCopyableResult } from '../src/rows.ts'

class TextRow {
  [name: string]: unknown
}
class Interval {
  hours = 1
}
class Secret {
  readonly #at = 1
  get at(): number {
    return this.#at
  }
}

function row(fields: object): TextRow {
  return Object.assign(new TextRow(), fields)
}

describe('copies of rows', () => {
  it('have the class that the driver gave them', () => {
    const rows = [row({ id: 1, tags: ['a'] })]
    const [copy] = copyRows(rows) as TextRow[]
    expect(isCopyableResult(rows)).toBe(true)
    expect(copy).toBeInstanceOf(TextRow)
    expect(copy).toEqual(rows[0])
    expect(copy?.tags).not.toBe(rows[0]?.tags)
  })

  it('are possible when all values are copyable', () => {
    for (const value of [
      [{ id: 1, at: new Date(), bytes: Buffer.from('a'), json: { a: [1] } }],
      [],
      { n: 1 },
      undefined,
      ['a', null],
    ])
      expect(isCopyableResult(value)).toBe(true)
  })

  it('are not possible when a value has a class that may have internal state', () => {
    for (const value of [
      new Interval(),
      new Secret(),
      new URL('http://a'),
      /a/,
      () => 1,
      Object.create({ inherited: 1 }),
    ]) {
      expect(isCopyableResult([{ id: 1 }, { id: 2, value }])).toBe(false)
      expect(isCopyableResult([row({ id: 1 }), row({ value })])).toBe(false)
      expect(isCopyableResult({ value })).toBe(false)
      // The format of `pluck`.
      expect(isCopyableResult(['a', value])).toBe(false)
    }
  })

  it('are not possible when a row has hidden properties', () => {
    expect(isCopyableResult([row({ [Symbol('hidden')]: 1 })])).toBe(false)
    expect(isCopyableResult([Object.defineProperty(row({}), 'hidden', { value: 1 })])).toBe(false)
  })
})
