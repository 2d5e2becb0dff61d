import type { Clock } from '@sluice/core'
import {
  type CacheRequest,
  keyKinds,
  type Lookup,
  type LookupKey,
  lookupKey,
  type Operation,
  type Refusal,
  type Shape,
  type Source,
  type WriteEffect,
} from '@sluice/core/adapter'

/** A clock that moves only when a test advances it. */
export class FakeClock implements Clock {
  ms = 1000

  now(): number {
    return this.ms
  }

  wall(): number {
    return 1_700_000_000_000 + this.ms
  }

  advance(ms: number): void {
    this.ms += ms
  }
}

const source: Source = { id: 'test1', orm: 'knex', dialect: 'sqlite', seesStatements: false }

function shape(label: string, kind: Shape['kind'] = 'read'): Shape {
  return { fingerprint: `fp:${label}`, label, kind }
}

/** Ends the current tick of the event loop: everything issued before has settled as far as possible. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A table in memory that records its queries. */
export class FakeTable {
  readonly queries: string[] = []

  constructor(readonly rows: { id: unknown; [column: string]: unknown }[]) {}

  find(id: unknown): Promise<unknown> {
    this.queries.push(`one ${String(id)}`)
    return Promise.resolve(this.rows.find((row) => row.id === id) ?? null)
  }

  findMany(ids: readonly unknown[]): Promise<Map<string, unknown>> {
    this.queries.push(`many ${ids.map(String).join()}`)
    const found = new Map<string, unknown>()
    for (const id of ids)
      found.set(lookupKey([id])?.text ?? '', this.rows.find((row) => row.id === id) ?? null)
    return Promise.resolve(found)
  }
}

export interface ReadOptions {
  readonly run: () => Promise<unknown>
  readonly key?: unknown
  readonly runMany?: (keys: readonly LookupKey[]) => Promise<ReadonlyMap<string, unknown> | undefined>
  readonly group?: string
  readonly maxKeys?: number
  readonly label?: string
  readonly refused?: string
  readonly cache?: Pick<CacheRequest<unknown>, 'key' | 'tables' | 'rows' | 'control'>
  readonly inTransaction?: boolean
  readonly source?: Source
}

export function read(options: ReadOptions): Operation<unknown> {
  const { run, key, runMany, cache, label = 'read' } = options
  const lookup = key === undefined ? undefined : lookupKey([key])
  return {
    source: options.source ?? source,
    kind: 'read',
    shape: shape(label),
    inTransaction: options.inTransaction ?? false,
    run,
    lookup: (): Lookup<unknown> | Refusal =>
      lookup === undefined || runMany === undefined
        ? { refused: options.refused ?? 'NO_KEY' }
        : {
            group: `${options.group ?? label} ${keyKinds(lookup)}`,
            key: lookup,
            maxKeys: options.maxKeys ?? 100,
            runMany,
            copy: (value) => ({ value: structuredClone(value) }),
          },
    cacheRequest: () =>
      cache === undefined
        ? { refused: 'not cacheable' }
        : { ...cache, copy: (value) => ({ value: structuredClone(value) }) },
    rows: (result) => (Array.isArray(result) ? result.length : 1),
  }
}

export function write(effect: WriteEffect, run: () => Promise<unknown>): Operation<unknown> {
  return {
    source,
    kind: 'write',
    shape: shape('write', 'write'),
    inTransaction: false,
    run,
    effect: () => effect,
  }
}

export function touching(...tables: string[]): WriteEffect {
  return { tables: new Set(tables), everything: false }
}
