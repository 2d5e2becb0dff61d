import {
  InvalidWorkloadError,
  OmittedValue,
  readWorkload,
  type WorkloadEntry,
  writeWorkload,
} from '@sluice/core/database'
import { describe, expect, it } from 'vitest'

const entry: WorkloadEntry = {
  fingerprint: '0123456789abcdef',
  dialect: 'postgresql',
  sql: 'select * from "a" where id = $1',
  kind: 'read',
  calls: 3,
  errors: 1,
  totalMs: 4.5,
  maxMs: 2.25,
  rows: 9,
  callSites: [
    { file: '/app/a.ts', line: 3, column: 5, functionName: 'find', package: 'library', count: 2 },
    { file: '/app/b.ts', line: 1, column: 1, count: 1 },
  ],
  samples: [],
  firstSeenAt: 1_700_000_000_000,
  lastSeenAt: 1_700_000_001_000,
  source: 'app',
}
const { errors: _errors, ...server } = { ...entry, source: 'server' as const }

describe('writeWorkload and readWorkload', () => {
  it('return every value of a sample', () => {
    const samples = [
      [
        1,
        -0,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        1.5,
        'text',
        '',
        true,
        false,
        null,
        undefined,
      ],
      [
        10n,
        -9_007_199_254_740_993n,
        new Date('2026-01-02T03:04:05.678Z'),
        new Date(Number.NaN),
        Buffer.from([0, 255]),
        Buffer.alloc(0),
      ],
      [[1, [2n]], { a: 1, b: { c: [new Date(0)] } }, { $date: 'not a date' }, { $bigint: 1n, x: {} }, {}, []],
      [new OmittedValue('text', 700, 'begins so'), new OmittedValue('bytes', 65)],
      ['\u2028 "quotes" \\ \ud800', 'naïve 名'],
    ]
    const entries = [{ ...entry, samples }, server]
    expect(readWorkload(writeWorkload(entries))).toEqual(entries)
    expect(Object.is(readWorkload(writeWorkload(entries))[0]?.samples[0]?.[1], -0)).toBe(true)
  })

  it('return no entries for an empty file', () => {
    expect(readWorkload(writeWorkload([]))).toEqual([])
  })

  it('write byte arrays as a Buffer, and a placeholder for values that are not plain', () => {
    const written = writeWorkload([
      { ...entry, samples: [[new Uint8Array([1, 2]).subarray(1), new Map([[1, 2]]), () => 1]] },
    ])
    expect(readWorkload(written)[0]?.samples).toEqual([
      [Buffer.from([2]), new OmittedValue('object', 0), new OmittedValue('object', 0)],
    ])
  })

  it.each<[string, string, string]>([
    ['Workload file: expected JSON', '{', ''],
    ['Workload file: expected an object, got null', 'null', ''],
    ['schemaVersion: expected 1, got undefined', '{}', 'schemaVersion'],
    ['schemaVersion: expected 1, got 2', '{"schemaVersion":2,"entries":[]}', 'schemaVersion'],
    ['entries: expected an array, got an object', '{"schemaVersion":1,"entries":{}}', 'entries'],
  ])('throw for an invalid file: %s', (message, text, place) => {
    expect(() => readWorkload(text)).toThrow(message)
    expect(() => readWorkload(text)).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_WORKLOAD', place }),
    )
    expect(() => readWorkload(text)).toThrow(InvalidWorkloadError)
  })

  it.each<[string, object]>([
    ['entries[1].calls: expected a number of at least 0, got "3"', { calls: '3' }],
    ['entries[1].errors: expected a number of at least 0, got -1', { errors: -1 }],
    ['entries[1].dialect: expected "postgresql" or "mysql" or "sqlite", got "oracle"', { dialect: 'oracle' }],
    ['entries[1].callSites[0].line: expected a number', { callSites: [{ file: 'a', column: 1, count: 1 }] }],
    ['entries[1].samples[0]: expected an array, got 5', { samples: [5] }],
    ['entries[1].samples[0][1].$date: expected a time, or null, got "x"', { samples: [[1, { $date: 'x' }]] }],
    ['entries[1].samples[0][0].$bigint: expected digits, got "1.5"', { samples: [[{ $bigint: '1.5' }]] }],
    ['entries[1].samples[0][0]: expected $number, $bigint', { samples: [[{ $regexp: 'x' }]] }],
    ['entries[1].sql: expected a string, got undefined', { sql: undefined }],
  ])('include the path in the error: %s', (message, fields) => {
    const text = JSON.stringify({ schemaVersion: 1, entries: [entry, { ...entry, ...fields }] })
    expect(() => readWorkload(text)).toThrow(message)
  })
})
