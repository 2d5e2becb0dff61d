import { vi } from 'vitest'
import type { ReplicaOptions } from '../../../src/balancing/replicas/replica-options.ts'
import { ReplicaRouters } from '../../../src/balancing/replicas/replica-routers.ts'
import type { ReplicaErrorKind } from '../../../src/pipeline/outcome.ts'
import { Scope, ScopeStorage } from '../../../src/pipeline/scope.ts'
import type { WriteTracker } from '../../../src/pipeline/writes.ts'
import type { Connection } from '../../../src/schema/connection.ts'
import type { Dialect } from '../../../src/sql/dialect.ts'

const PAGE = { page: 8192, segment: String(16 * 1024 * 1024) }

function lsn(position: number): string {
  return `0/${position.toString(16).toUpperCase()}`
}

/** Error codes of an ORM, which the core does not know. */
const ormErrors = new Map<unknown, ReplicaErrorKind>([
  ['NO_RECORD', 'answer'],
  ['NO_TABLE', 'again'],
])

/**
 * Servers that respond to position queries, in virtual time: of PostgreSQL, or of MariaDB for the MySQL
 * dialect.
 */
export function openWorld(
  replicaCount: number,
  options: ReplicaOptions = {},
  sharesCached = false,
  dialect: Dialect = 'postgresql',
  /** Regions of the replicas. */
  places: readonly string[] = [],
) {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'Date',
    ],
  })
  const started = Date.now()
  const clock = { now: () => Date.now() - started + 1_000_000, wall: () => Date.now() }
  const primary = {
    inserted: 100_000,
    written: 100_000,
    questions: 0,
    fails: false,
    answersInMs: 0,
    /** MariaDB: the server that wrote last, and whether it has a binary log. */
    server: 1,
    logs: 1,
  }
  const replicas = Array.from({ length: replicaCount }, (_, index) => ({
    replayed: 100_000 as number | null,
    started: 'monday',
    /** MariaDB: the server that wrote the last replayed transaction. */
    server: 1,
    questions: 0,
    answersInMs: 0,
    /** `hangs`: never responds. */
    state: 'up' as 'up' | 'fails' | 'hangs',
    index,
  }))
  const [replica] = replicas
  if (replica === undefined) throw new Error('A world has a replica at least.')
  const errors: unknown[] = []
  const warnings: string[] = []
  const scopes = new ScopeStorage()
  const routers = new ReplicaRouters({
    scopes,
    clock,
    random: () => 0.5,
    sharesCached,
    warn: (text) => warnings.push(text),
    onError: (error) => errors.push(error),
  })
  const primaryConnection: Connection = {
    dialect,
    query: async () => {
      primary.questions += 1
      if (primary.fails) throw new Error('The primary is gone.')
      const { inserted, written, server, logs } = primary
      const own = { inserted: lsn(inserted), written: lsn(written), ...PAGE }
      const answer = [
        dialect === 'mysql' ? { answers: 1, logs, logged: `0-${server}-${inserted}`, replayed: '' } : own,
      ]
      if (primary.answersInMs > 0) await new Promise((resolve) => setTimeout(resolve, primary.answersInMs))
      if (primary.fails) throw new Error('The primary is gone.')
      return answer
    },
  }
  const ask = async (replica: Omit<(typeof replicas)[number], 'index'>) => {
    replica.questions += 1
    const { state, replayed, started, server, answersInMs } = replica
    if (answersInMs > 0) await new Promise((resolve) => setTimeout(resolve, answersInMs))
    if (state === 'fails') throw new Error('The replica is gone.')
    if (state === 'hangs') await new Promise(() => {})
    if (dialect === 'mysql')
      return [
        { answers: 1, replayed: `0-${server}-${replayed}`, protected: 'ON', autocommit: 1, run: started },
      ]
    return [{ replayed: replayed === null ? null : lsn(replayed), started, host: '10.0.0.1', port: '5432' }]
  }
  const router = routers.attach({
    sourceId: 'knex1',
    dialect,
    primary: () => primaryConnection,
    replicas: replicas.map((replica, at) => ({
      ...(places[at] !== undefined && { region: places[at] }),
      connection: () => ({ dialect, query: () => ask(replica) }),
    })),
    errors: {
      writeOutcome: () => undefined,
      replicaError: (error) => ormErrors.get((error as { readonly code?: unknown }).code),
    },
    options,
  })
  if (router === undefined) throw new Error('No router was made.')
  const inner: WriteTracker & { invalidate(): Promise<void> } = {
    isShared: false,
    hold: () => () => {},
    begin: () => ({ end() {} }),
    announce: () => ({ ready: undefined, end: () => undefined }),
    transaction: () => ({
      add() {},
      savepoint() {},
      release() {},
      rollbackTo() {},
      beforeCommit: () => undefined,
      end: () => undefined,
    }),
    stateOf: () => 0,
    invalidate: async () => {},
  }
  const writes = routers.follow(inner)
  const effect = { tables: new Set<never>(), everything: true }
  const newScope = (name = 'test') => new Scope(name, 'observe', clock.now())
  return {
    clock,
    primary,
    replica,
    replicas,
    errors,
    warnings,
    scopes,
    routers,
    router,
    writes,
    effect,
    newScope,
    ask,
    /** A write that advances the primary. */
    write(scope?: Scope, bytes = 100) {
      const run = () => {
        const intent = writes.begin(effect)
        primary.inserted += bytes
        primary.written = primary.inserted
        intent.end('committed')
      }
      if (scope === undefined) run()
      else scopes.enter(scope, run)
    },
    /** The target of a read: the index of the replica, or `primary`. */
    read(
      scope?: Scope,
      demand?: 'primary' | 'kept',
      onReplica?: (index: number) => Promise<unknown>,
    ): Promise<unknown> {
      return router.read<unknown>({
        scope,
        demand,
        onReplica: ({ index }) => (onReplica === undefined ? Promise.resolve(index) : onReplica(index)),
        onPrimary: async () => 'primary',
      })
    },
    /** Advances time and runs the timers that are due. */
    pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
    reasons: () => router.getStats().primaryReasons,
  }
}

export function closeWorld(): void {
  vi.useRealTimers()
}
