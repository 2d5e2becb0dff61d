import { describe, expect, it } from 'vitest'
import { DEFAULT_FILE, parseDatabaseUrl } from '../src/database-target.ts'
import { parseDemoOptions } from '../src/demo-options.ts'
import { parsePort } from '../src/listen.ts'

describe('parseDemoOptions', () => {
  it('reads the flags', () => {
    expect(parseDemoOptions(['--once', '--json'])).toEqual({
      once: true,
      serve: false,
      visitors: true,
      json: true,
      help: false,
    })
    expect(parseDemoOptions(['--serve', '--no-visitors'])).toEqual({
      once: false,
      serve: true,
      visitors: false,
      json: false,
      help: false,
    })
  })

  it('shares the app between two processes', () => {
    const arguments_ = [
      '--processes',
      '2',
      '--redis',
      'redis://127.0.0.1:6379',
      '--tries',
      '10000',
      '--consistency',
      'strict',
    ]
    expect(parseDemoOptions(arguments_).twoProcesses).toEqual({
      redisUrl: 'redis://127.0.0.1:6379',
      tries: 10_000,
      consistencies: ['strict'],
    })
  })

  it('defaults to 500 tries of both consistency modes with a separate Redis', () => {
    expect(parseDemoOptions(['--processes=2']).twoProcesses).toEqual({
      tries: 500,
      consistencies: ['strict', 'bounded'],
    })
  })

  it.each([
    [['--processes', '3'], 'expected 1 or 2, got "3"'],
    [['--once', '--serve'], '--once and --serve'],
    [['--tries', '5'], '--tries: requires --processes 2'],
    [['--processes', '2', '--tries', '0'], 'from 1 to 1,000,000, got "0"'],
    [['--processes', '2', '--tries', 'many'], 'got "many"'],
    [['--processes', '2', '--redis', 'localhost'], 'expected redis://host:port'],
    [['--processes', '2', '--consistency', 'loose'], 'expected strict or bounded, got "loose"'],
  ])('rejects %j', (arguments_, message) => {
    expect(() => parseDemoOptions(arguments_)).toThrow(message)
  })

  it.each([['--twice'], ['extra'], ['--once=1']])('rejects %s', (argument) => {
    expect(() => parseDemoOptions([argument])).toThrow(/twice|extra|once/)
  })
})

describe('parseDatabaseUrl', () => {
  it('falls back to the file in data/', () => {
    expect(parseDatabaseUrl(undefined)).toEqual({ kind: 'sqlite', file: DEFAULT_FILE })
  })

  it('reads a file, and the URL of a server', () => {
    expect(parseDatabaseUrl('file:/tmp/a.db')).toEqual({ kind: 'sqlite', file: '/tmp/a.db' })
    expect(parseDatabaseUrl('postgres://u@h/d')).toEqual({ kind: 'postgresql', url: 'postgres://u@h/d' })
    expect(parseDatabaseUrl('mariadb://u@h/d')).toEqual({ kind: 'mysql', url: 'mysql://u@h/d' })
  })

  it('rejects other databases without showing their password', () => {
    expect(() => parseDatabaseUrl('mongodb://me:secret@h/d')).toThrow('got "mongodb://me:***@h/d"')
  })
})

describe('parsePort', () => {
  it('falls back to 4000', () => {
    expect(parsePort(undefined)).toBe(4_000)
  })

  it.each(['x', '-1', '1.5', '65536'])('rejects %s', (text) => {
    expect(() => parsePort(text)).toThrow('PORT')
  })
})
