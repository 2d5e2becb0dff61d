import { describe, expect, it } from 'vitest'
import { isCoveredBy, type LiveIndex } from '../../../../src/database/fixes/apply/live-index.ts'
import type { IndexDefinition } from '../../../../src/database/index-definition.ts'

function wanted(expression: string | undefined, where?: string): IndexDefinition {
  const keys = [{ column: 'a', ...(expression === undefined ? {} : { expression }) }]
  return {
    table: 'public.t',
    method: 'btree',
    isUnique: false,
    keys,
    ...(where === undefined ? {} : { where }),
  }
}

function live(expression: string | undefined, where?: string): LiveIndex {
  return { ...wanted(expression, where), name: 'i', isValid: true, isInProgress: false, isConstraint: false }
}

describe('isCoveredBy', () => {
  it.each([
    ['lower("a")', 'lower(a)'],
    ['lower(a)', '(lower((a)::text))'],
    ["(j ->> 'A')", "(j ->> 'A'::text)"],
  ])('treats %s and %s as the same expression', (mine, theirs) => {
    expect(isCoveredBy(wanted(mine), live(theirs))).toBe(true)
  })

  it.each([
    ["(j ->> 'A')", "(j ->> 'a')"],
    ['(a + b) * c', 'a + (b * c)'],
    ['a::date', 'a'],
    ['upper(a)', 'lower(a)'],
  ])('distinguishes %s from %s', (mine, theirs) => {
    expect(isCoveredBy(wanted(mine), live(theirs))).toBe(false)
  })

  it.each([
    [`"status" = 'open'`, "(status = 'open'::text)"],
    [`"status" = 'open'`, "((status)::text = 'open'::text)"],
    [`"status" = 'open'`, "(status = 'open'::order_status)"],
    [`"status" = 'open'`, `(status = 'open'::"OrderStatus")`],
    [`"at" > '2026-01-01'`, "(at > '2026-01-01 00:00:00'::timestamp with time zone)", false],
    ['"price" > 0', '(price > (0)::numeric)'],
    ['"deleted_at" IS NULL', '(deleted_at IS NULL)'],
    [`"status" = 'open'`, "(status = 'Open'::text)", false],
  ])('compares the condition %s with %s', (mine, theirs, isSame = true) => {
    expect(isCoveredBy(wanted(undefined, mine), live(undefined, theirs))).toBe(isSame)
  })
})
