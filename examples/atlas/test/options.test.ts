import { describe, expect, it } from 'vitest'
import { DEFAULT_FILE, parseDatabaseUrl } from '../src/database-target.ts'
import { parseDemoOptions } from '../src/demo-options.ts'
import { parsePort } from '../src/listen.ts'

describe('parseDemoOptions', () => {
  it('reads the flags', () => {
    expect(parseDemoOptions(['--once', '--json'])).toEqual({ once: true, json: true, help: false })
  })

  it.each([['--twice'], ['extra'], ['--once=1']])('refuses %s', (argument) => {
    expect(() => parseDemoOptions([argument])).toThrow(/twice|extra|once/)
  })
})

describe('parseDatabaseUrl', () => {
  it('falls back to the file in data/', () => {
    expect(parseDatabaseUrl(undefined)).toEqual({ kind: 'sqlite', file: DEFAULT_FILE })
  })

  it('reads a file and a PostgreSQL URL', () => {
    expect(parseDatabaseUrl('file:/tmp/a.db')).toEqual({ kind: 'sqlite', file: '/tmp/a.db' })
    expect(parseDatabaseUrl('postgres://u@h/d')).toEqual({ kind: 'postgresql', url: 'postgres://u@h/d' })
  })

  it('refuses another database without showing its password', () => {
    expect(() => parseDatabaseUrl('mysql://me:secret@h/d')).toThrow('got "mysql://me:***@h/d"')
  })
})

describe('parsePort', () => {
  it('falls back to 4000', () => {
    expect(parsePort(undefined)).toBe(4_000)
  })

  it.each(['x', '-1', '1.5', '65536'])('refuses %s', (text) => {
    expect(() => parsePort(text)).toThrow('PORT')
  })
})
