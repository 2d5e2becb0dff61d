import { describe, expect, it } from 'vitest'
import { changeTriggersSql, dropChangeTriggersSql } from '../../../src/cache/external/change-triggers-sql.ts'
import { InvalidOptionError } from '../../../src/shared/errors.ts'

describe('changeTriggersSql', () => {
  it('quotes the names of the tables, the channel and the function', () => {
    const sql = changeTriggersSql({
      tables: ['city', 'public.region', { schema: 'od"d', name: "it's.here" }],
      channel: "ch'annel",
      functionSchema: 'ops',
    })
    expect(sql).toContain(`SELECT '"city"'::regclass`)
    expect(sql).toContain(`SELECT '"public"."region"'::regclass`)
    expect(sql).toContain(`SELECT '"od""d"."it''s.here"'::regclass`)
    expect(sql).toContain('FUNCTION "ops"."sluice_notify_change"()')
    expect(sql).toContain(`, target, 'ch''annel')`)
  })

  it('escapes backslashes so that no server setting changes their meaning', () => {
    expect(changeTriggersSql({ schemas: ["a\\'b"] })).toContain(`n.nspname IN (E'a\\\\''b')`)
  })

  it('accepts schemas in addition to tables', () => {
    const sql = changeTriggersSql({ tables: ['x.city'], schemas: ['public', 'geo'] })
    expect(sql).toContain(`n.nspname IN ('public', 'geo')`)
    expect(sql).toMatch(/'"x"."city"'::regclass\s+UNION\s+SELECT c\.oid/)
  })

  it.each([
    [{}, 'tables'],
    [{ tables: [] }, 'tables'],
    [{ tables: ['public.'] }, 'tables'],
    [{ tables: [{ schema: 'public' }] }, 'tables'],
    [{ schemas: [''] }, 'schemas'],
    [{ schemas: ['public'], channel: 'é'.repeat(32) }, 'channel'],
    [{ schemas: ['public'], channel: '' }, 'channel'],
    [{ schemas: ['public'], functionSchema: 'a\0' }, 'functionSchema'],
    [{ schema: 'public' }, 'schema'],
  ])('throws for %j', (options, name) => {
    for (const make of [changeTriggersSql, dropChangeTriggersSql]) {
      expect(() => make(options as never)).toThrow(InvalidOptionError)
      expect(() => make(options as never)).toThrow(expect.objectContaining({ option: name }))
    }
  })
})
