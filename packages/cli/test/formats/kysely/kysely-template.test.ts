import { describe, expect, it } from 'vitest'
import { migrationPrefix } from '../../../src/formats/kysely/kysely-template.ts'

const at = new Date('2026-03-04T05:06:07.890Z')

describe('migrationPrefix', () => {
  it.each([
    ['no migrations', [], '1772600767890_'],
    ['a time in milliseconds', ['1700000000000_init.ts'], '1772600767890_'],
    ['a later time in milliseconds', ['1900000000000_init.ts'], '1900000000001_'],
    ['a number', ['001_init.ts', '002_city.ts'], '003_'],
    ['a number with a dash', ['0009-init.js'], '0010-'],
    ['14 digits', ['20251231235959_init.ts'], '20260304050607_'],
    ['later 14 digits', ['20270101000000_init.ts'], '20270101000001_'],
    ['a date', ['2025-12-31-init.ts'], '2026-03-04-'],
    ['a date of today', ['2026_03_04_init.ts'], '2026_03_05_'],
    ['an ISO time', ['2025-12-31T23:59:59.000Z_init.ts'], '2026-03-04T05:06:07.890Z_'],
    ['an ISO time with dashes', ['2025-12-31T23-59-59-init.mts'], '2026-03-04T05-06-07-'],
    ['17 digits, which are a number', ['20251231235959123_init.ts'], '20251231235959124_'],
  ])('continues %s', (_, names, expected) => {
    expect(migrationPrefix(names, at)).toBe(expected)
  })

  it.each([
    ['names without a number', ['init.ts']],
    ['a number that would sort first', ['9_init.ts']],
    ['mixed conventions', ['001_init.ts', 'city.ts']],
  ])('rejects %s', (_, names) => {
    expect(migrationPrefix(names, at)).toBeUndefined()
  })
})
