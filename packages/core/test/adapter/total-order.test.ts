import { describe, expect, it } from 'vitest'
import { isTotalOrder, showsTies } from '../../src/adapter/total-order.ts'

const column = (name: string, nullable: boolean) => ({ name, type: 'integer' as const, nullable })
const table = {
  id: 'public.seat',
  name: 'seat',
  kind: 'table' as const,
  primaryKey: ['row', 'number'],
  columns: [column('row', false), column('number', false), column('code', true), column('size', true)],
  uniqueKeys: [['code']],
}

describe('isTotalOrder', () => {
  it('is true if the order and the key contain a unique key', () => {
    expect(isTotalOrder(['number', 'row'], ['size'], table)).toBe(true)
    expect(isTotalOrder(['size', 'number'], ['row'], table)).toBe(true)
    expect(isTotalOrder(['number'], ['size'], table)).toBe(false)
    expect(isTotalOrder([], ['row'], table)).toBe(false)
    expect(isTotalOrder(['size'], [], { ...table, primaryKey: [], uniqueKeys: [[]] })).toBe(false)
  })

  it('is false if the unique key can be null', () => {
    expect(isTotalOrder(['code'], ['size'], table)).toBe(false)
    expect(isTotalOrder(['size'], ['code'], table)).toBe(true)
  })
})

describe('showsTies', () => {
  it('is false for strings on MySQL', () => {
    expect(showsTies(['text'], 'mysql')).toBe(false)
    expect(showsTies(['datetime', 'integer'], 'mysql')).toBe(true)
    expect(showsTies(['text', undefined], 'postgresql')).toBe(true)
  })
})
