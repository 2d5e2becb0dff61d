import type {
  Trace,
  TracedOperation,
  TracedQuery,
  TracedStatement,
  TracedTransaction,
  TraceEvent,
} from '../../src/yield/trace.ts'

const QUERIES: readonly TracedQuery[] = [
  { type: 'query', id: 1, label: 'SELECT city by id', isRepeatable: true, isByKey: true },
  { type: 'query', id: 2, label: 'SELECT cities', isRepeatable: true },
  { type: 'query', id: 3, label: 'SELECT random()' },
  { type: 'query', id: 4, label: 'UPDATE city' },
]

export type Traced = TraceEvent | readonly TraceEvent[]

export function traceOf(...events: Traced[]): Trace {
  return {
    header: { type: 'trace', schemaVersion: 1, startedAt: 0, ttlMs: 1_000 },
    queries: new Map(QUERIES.map((query) => [query.id, query])),
    events: events.flat(),
  }
}

/** A statement that takes 1 ms: by default, a read of `city` by its key. */
export function sent(at: number, more: Partial<TracedStatement> = {}): TracedStatement {
  return {
    type: 'statement',
    query: 1,
    scope: 1,
    at,
    end: at + 1,
    key: 'a',
    tags: ['public.city#set'],
    ...more,
  }
}

/** A write to `city` by default. */
export function written(at: number, more: Partial<TracedStatement> = {}): TracedStatement {
  const { key: _key, tags: _tags, ...plain } = sent(at, { query: 4, wrote: ['public.city#set'] })
  return { ...plain, ...more }
}

export function ended(
  id: number,
  at: number,
  end: number,
  more: Partial<TracedTransaction> = {},
): TracedTransaction {
  return { type: 'transaction', id, at, end, isWhole: true, ...more }
}

export interface Read extends Partial<Omit<TracedOperation, 'type' | 'id'>> {
  /** The same for reads that are equal. Default: `a`. */
  readonly key?: string
  /** Fields of its statement. */
  readonly sent?: Partial<TracedStatement>
}

/** A read that can be cached and batched, with its statement. */
export function read(
  id: number,
  at: number,
  { key = 'a', sent: more = {}, ...given }: Read = {},
): readonly TraceEvent[] {
  const operation: TracedOperation = {
    type: 'operation',
    id,
    scope: 1,
    at,
    end: at + 1,
    tick: at,
    after: 0,
    cache: { key, tags: ['public.city#set'], ttlMs: 1_000 },
    batch: { group: 'g', maxKeys: 500 },
    ...given,
  }
  const { scope, end } = operation
  return [operation, sent(at, { operation: id, scope, end, key, ...more })]
}
