import type { NewEntry } from '@sluice/core/stores'
import { Packr } from 'msgpackr'

const packer = new Packr({ useRecords: true, mapsAsObjects: false, int64AsType: 'bigint' })
const heads = new Packr({ useRecords: false })

export interface Forgery {
  readonly version?: number
  /** 1: nothing in the value is wrapped; 2: compressed; 4: encrypted. */
  readonly flags?: number
  readonly head?: readonly unknown[]
  readonly body?: Buffer
}

/** The bytes of an entry as a program without Sluice would write them. */
export function forged(entry: NewEntry, value: unknown, how: Forgery = {}): Buffer {
  const { epoch, stamps, tags, times } = entry
  const body = how.body ?? Buffer.from(packer.pack(value))
  const { queriedAt: askedAt, ttlMs, costMs } = times
  const head = heads.pack(how.head ?? [epoch, stamps, tags, askedAt, ttlMs, costMs, body.length, ''])
  const start = Buffer.alloc(6)
  start[0] = how.version ?? 1
  start[1] = how.flags ?? 1
  start.writeUInt32BE(head.length, 2)
  return Buffer.concat([start, head, body])
}

/** Entries that are damaged, or whose heads are not those of a store. */
export const DAMAGES: Readonly<Record<string, (entry: NewEntry, value: unknown) => Buffer>> = {
  'no bytes': () => Buffer.alloc(0),
  'one byte': () => Buffer.of(1),
  'a different version': (entry, value) => forged(entry, value, { version: 2 }),
  'half of the bytes': (entry, value) => forged(entry, value).subarray(0, -8),
  'more bytes': (entry, value) => Buffer.concat([forged(entry, value), Buffer.of(1, 2, 3)]),
  'random bytes as value': (entry) => forged(entry, null, { body: Buffer.from('c1c1c1ffdeadbeef', 'hex') }),
  'a wrapped value without wrapping': (entry) => forged(entry, new Map([[99, 1]]), { flags: 0 }),
  'the flag of compression': (entry, value) => forged(entry, value, { flags: 3 }),
  'the flag of encryption': (entry, value) => forged(entry, value, { flags: 5 }),
  'JSON instead of bytes': (_, value) => Buffer.from(JSON.stringify({ value })),
  'a head without tags': (entry, value) => withHead(entry, value, { 1: [], 2: [] }),
  'a head with fewer stamps': (entry, value) => withHead(entry, value, { 1: entry.stamps.slice(1) }),
  'tags that are not strings': (entry, value) => withHead(entry, value, { 2: entry.tags.map(() => 1) }),
  'stamps that are not strings': (entry, value) =>
    withHead(entry, value, { 1: entry.stamps.map(() => Number.NaN) }),
  'a time that is not a number': (entry, value) => withHead(entry, value, { 3: Number.NaN }),
  'an infinite time to live': (entry, value) => withHead(entry, value, { 4: Number.POSITIVE_INFINITY }),
  'a negative time to live': (entry, value) => withHead(entry, value, { 4: -1 }),
  'a negative cost': (entry, value) => withHead(entry, value, { 5: -1 }),
  'an object as head': (entry, value) => withHead(entry, value, {}, (head) => ({ ...head })),
  'a raw map': (entry) => forged(entry, new Map([['id', 1]])),
  'a raw set': (entry) => forged(entry, [new Set([1])]),
  'an error': (entry) => forged(entry, [new RangeError('forged')]),
  'a pattern': (entry) => forged(entry, [/forged/]),
  'an invalid date': (entry) => forged(entry, [{ id: new Date(Number.NaN) }]),
  'deep nesting': (entry) => forged(entry, null, { body: Buffer.alloc(100_000, 0x91) }),
  'a reference to itself': (entry) => {
    // An array with the id 1 (ext 0x69), whose item is a reference to it (ext 0x70).
    const body = Buffer.from('d66900000001' + '91' + 'd67000000001', 'hex')
    return forged(entry, null, { body })
  },
}

function withHead(
  entry: NewEntry,
  value: unknown,
  changes: Readonly<Record<number, unknown>>,
  as: (head: unknown[]) => unknown = (head) => head,
): Buffer {
  const { epoch, stamps, tags, times } = entry
  const { queriedAt: askedAt, ttlMs, costMs } = times
  const body = Buffer.from(packer.pack(value))
  const head: unknown[] = [epoch, stamps, tags, askedAt, ttlMs, costMs, body.length, '']
  for (const [at, change] of Object.entries(changes)) head[Number(at)] = change
  return forged(entry, value, { head: as(head) as unknown[], body })
}

type Row = Readonly<Record<string, unknown>>
type Change = (value: unknown) => unknown

const inRows =
  (change: (row: Row, at: number) => unknown): Change =>
  (rows) =>
    (rows as Row[]).map(change)

/** Values other than a list of rows with the columns `id`, `title` and `views`. */
export const WRONG_LISTS: Readonly<Record<string, Change>> = {
  null: () => null,
  undefined: () => undefined,
  'a number': () => 7,
  'a string': () => 'forged',
  'a boolean': () => true,
  'an object': () => ({}),
  'a date': () => new Date(0),
  bytes: () => Buffer.from('forged'),
  'one row': (rows) => (rows as Row[])[0],
  'rows in an object': (rows) => ({ rows }),
  'rows in a list': (rows) => [rows],
  'a list of null': inRows(() => null),
  'a list of numbers': inRows((_, at) => at),
  'a list of strings': inRows(() => 'forged'),
  'a list of empty rows': inRows(() => ({})),
  'a list of lists': inRows((row) => Object.values(row)),
  'rows without a column': inRows(({ title, ...row }) => row),
  'rows with another column': inRows((row) => ({ ...row, admin: true })),
  'rows with a renamed column': inRows(({ title, ...row }) => ({ ...row, name: title })),
  'rows with a field constructor': inRows(({ title, ...row }) => ({ ...row, constructor: title })),
  'one row with another column': inRows((row, at) => (at === 1 ? { ...row, admin: true } : row)),
  'one row without a column': inRows(({ title, ...row }, at) => (at === 1 ? row : { ...row, title })),
  'one row that is null': inRows((row, at) => (at === 1 ? null : row)),
  'an object in a column': inRows((row) => ({ ...row, id: { $gt: 0 } })),
  'a list in a column': inRows((row) => ({ ...row, title: ['forged'] })),
  'a boolean in a column': inRows((row) => ({ ...row, title: true })),
  'a date in a column': inRows((row) => ({ ...row, title: new Date(0) })),
  'undefined in a column': inRows((row) => ({ ...row, title: undefined })),
  'null in a column that is not nullable': inRows((row) => ({ ...row, id: null })),
}
