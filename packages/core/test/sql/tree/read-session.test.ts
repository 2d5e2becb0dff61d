import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { readStatement } from '../../../src/sql/statement.ts'
import { factsOf } from '../statement-facts.ts'

describe('transaction control', () => {
  it.each([
    ['begin', 'postgresql', { kind: 'begin' }],
    ['BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY;', 'postgresql', { kind: 'begin', isolation: 'other' }],
    ['BEGIN READ WRITE', 'postgresql', { kind: 'begin' }],
    [
      'START TRANSACTION READ ONLY, ISOLATION LEVEL READ COMMITTED',
      'postgresql',
      { kind: 'begin', isolation: 'read committed' },
    ],
    ['start transaction', 'mysql', { kind: 'begin' }],
    ['start transaction with consistent snapshot', 'mysql', { kind: 'begin' }],
    ['begin immediate transaction', 'sqlite', { kind: 'begin' }],
    ['begin transaction t', 'sqlite', { kind: 'begin' }],
    ['/* c */ commit', 'postgresql', { kind: 'commit' }],
    ['commit work and no chain', 'mysql', { kind: 'commit' }],
    ['commit and no chain', 'postgresql', { kind: 'commit' }],
    ['commit and chain', 'postgresql', { kind: 'commit', chain: true }],
    ['end transaction and chain', 'postgresql', { kind: 'commit', chain: true }],
    ['commit work and chain no release', 'mysql', { kind: 'commit', chain: true }],
    ['rollback and chain', 'postgresql', { kind: 'rollback', chain: true }],
    ['abort work and chain', 'postgresql', { kind: 'rollback', chain: true }],
    ['rollback work and chain', 'mysql', { kind: 'rollback', chain: true }],
    ['end transaction', 'sqlite', { kind: 'commit' }],
    ['rollback', 'sqlite', { kind: 'rollback' }],
    ['abort', 'postgresql', { kind: 'rollback' }],
    ['savepoint Trx1', 'postgresql', { kind: 'savepoint', name: 'trx1' }],
    ['savepoint "Trx1"', 'postgresql', { kind: 'savepoint', name: 'Trx1' }],
    ["savepoint 'Trx1'", 'sqlite', { kind: 'savepoint', name: 'trx1' }],
    ['release savepoint trx1', 'mysql', { kind: 'release', name: 'trx1' }],
    ['release trx1', 'sqlite', { kind: 'release', name: 'trx1' }],
    ['rollback to trx1', 'sqlite', { kind: 'rollback-to', name: 'trx1' }],
    ['rollback transaction to savepoint `Trx1`;', 'mysql', { kind: 'rollback-to', name: 'trx1' }],
  ] as const)('%s (%s)', (sql, dialect, control) => {
    const statement = readStatement(sql, dialect)
    expect(statement.transaction).toEqual(control)
    expect(statement.opaque).toBeUndefined()
  })

  it.each([
    'commit and',
    'commit and chain now',
    "commit prepared 'x'",
    "rollback prepared 'x'",
    'begin atomic',
    "prepare transaction 'x'",
    'savepoint',
    'commit now',
  ])('is opaque for %s', (sql) => {
    const statement = readStatement(sql, 'postgresql')
    expect(statement.transaction).toBeUndefined()
    expect(statement.opaque).toBeDefined()
  })

  it('is opaque with a chain on SQLite, which does not support it', () => {
    expect(readStatement('commit and chain', 'sqlite').opaque).toBeDefined()
  })

  it.each([
    ['create table a (id int)', 'mysql', true],
    ['lock tables a write', 'mysql', true],
    ['set autocommit = 1', 'mysql', true],
    ['call p()', 'mysql', true],
    ['truncate a', 'mysql', true],
    ['update a set b = 1', 'mysql', false],
    ['select * from a', 'mysql', false],
    ['create table a (id int)', 'postgresql', false],
    ['truncate a', 'postgresql', false],
    ['update a set b = 1; commit; select 1', 'postgresql', true],
    ["select 'unterminated", 'sqlite', true],
  ] as const)('reports whether %s may commit (%s): %s', (sql, dialect, mayCommit) => {
    expect(readStatement(sql, dialect).mayCommit).toBe(mayCommit)
  })

  it('is opaque among other statements', () => {
    for (const sql of ['begin; insert into a values (1); commit', 'select 1; rollback', 'commit; begin']) {
      const statement = readStatement(sql, 'postgresql')
      expect(statement.transaction).toBeUndefined()
      expect(statement.opaque).toMatch(/transaction control/)
    }
  })
})

describe('statements without effect', () => {
  it.each([
    ['listen c', 'postgresql'],
    ["notify c, 'from a'", 'postgresql'],
    ['lock table a in exclusive mode', 'postgresql'],
    ['analyze', 'sqlite'],
    ['set transaction isolation level serializable', 'postgresql'],
    ['set session transaction read only', 'mysql'],
    ['set constraints all deferred', 'postgresql'],
  ] as const)('%s (%s)', (sql, dialect) => {
    expect(factsOf(sql, dialect)).toBe('R[] W[]')
  })

  it.each([
    ['show search_path', 'postgresql'],
    ['describe a', 'mysql'],
    ['pragma foreign_keys', 'sqlite'],
    ['pragma main.table_info(a)', 'sqlite'],
  ] as const)('reads the state of the server: %s (%s)', (sql, dialect) => {
    expect(factsOf(sql, dialect)).toBe('R[] W[] volatile')
  })
})

/** Settings that change no result. */
const NEUTRAL: Readonly<Record<Dialect, string>> = {
  postgresql: `statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout deadlock_timeout
    application_name client_min_messages log_statement log_min_messages log_min_duration_statement log_duration work_mem
    maintenance_work_mem temp_buffers synchronous_commit commit_delay tcp_keepalives_idle tcp_keepalives_interval
    tcp_keepalives_count tcp_user_timeout`,
  mysql: `wait_timeout interactive_timeout lock_wait_timeout innodb_lock_wait_timeout max_statement_time max_execution_time
    net_read_timeout net_write_timeout idle_transaction_timeout idle_write_transaction_timeout`,
  sqlite: `busy_timeout cache_size journal_mode journal_size_limit synchronous temp_store mmap_size wal_autocheckpoint wal_checkpoint
    optimize analysis_limit locking_mode secure_delete auto_vacuum cache_spill threads query_only foreign_keys defer_foreign_keys`,
}
const neutral = (dialect: Dialect) => NEUTRAL[dialect].trim().split(/\s+/)

describe('statements that change only settings without influence on results', () => {
  it.each([
    ...neutral('postgresql').flatMap((name) => [
      [`set ${name} = 5`, 'postgresql'] as const,
      [`set local ${name.toUpperCase()} to default`, 'postgresql'] as const,
      [`reset ${name}`, 'postgresql'] as const,
    ]),
    ["set session application_name = 'job 7'", 'postgresql'],
    ...neutral('mysql').map((name) => [`set session ${name} = 5`, 'mysql'] as const),
    ['set max_statement_time = 0.5, local lock_wait_timeout = default', 'mysql'],
    ...neutral('sqlite').map((name) => [`pragma ${name} = 1`, 'sqlite'] as const),
    ['pragma main.wal_checkpoint(truncate)', 'sqlite'],
  ] as const)('write nothing: %s (%s)', (sql, dialect) => {
    expect(factsOf(sql, dialect)).toBe('R[] W[] volatile')
  })

  it.each([
    ['set local search_path = a', 'postgresql'],
    ['set session time zone local', 'postgresql'],
    ['set session authorization statement_timeout', 'postgresql'],
    ["set local statement_timeout.x = '5'", 'postgresql'],
    ['reset search_path', 'postgresql'],
    ['set max_statement_time = f()', 'mysql'],
    ['set max_statement_time = (select f() from a)', 'mysql'],
    ['set max_statement_time = @a', 'mysql'],
    ['set max_statement_time = 5, autocommit = 1', 'mysql'],
    ['set max_statement_time = 5, @a = 1', 'mysql'],
    ['set global max_statement_time = 5', 'mysql'],
    ['set statement max_statement_time = 5 for delete from a', 'mysql'],
  ] as const)('are not %s (%s)', (sql, dialect) => {
    expect(readStatement(sql, dialect).opaque).toBe('changes the session')
  })

  it('do not hide another statement of the string', () => {
    expect(factsOf('set statement_timeout = 0; delete from a')).toBe('R[a] W[a:delete] volatile')
  })
})

describe('opaque statements', () => {
  it.each([
    ['do $$ begin delete from a; end $$', 'postgresql'],
    ['call p(1)', 'postgresql'],
    ['copy a from stdin', 'postgresql'],
    ['prepare p as select 1', 'postgresql'],
    ['execute p', 'postgresql'],
    ['declare c cursor for select 1', 'postgresql'],
    ['fetch all from c', 'postgresql'],
    ['select * into b from a', 'postgresql'],
    ['set search_path to x', 'postgresql'],
    ["set transaction snapshot '1'", 'postgresql'],
    ['reset all', 'postgresql'],
    ['discard all', 'postgresql'],
    ['replace into a values (1)', 'postgresql'],
    ['use db', 'mysql'],
    ['set names utf8mb4', 'mysql'],
    ['lock tables a read', 'mysql'],
    ['load data infile "x" into table a', 'mysql'],
    ['handler a open', 'mysql'],
    ['pragma case_sensitive_like = on', 'sqlite'],
    ['pragma incremental_vacuum(9)', 'sqlite'],
    ["attach 'x' as y", 'sqlite'],
    ['detach y', 'sqlite'],
    ['truncate a', 'sqlite'],
    ['whatever', 'sqlite'],
    ['select 1) from a', 'sqlite'],
    ['select (1 from a', 'sqlite'],
    ['select 1 from', 'sqlite'],
    ['insert into a', 'sqlite'],
    ['update a where x = 1', 'sqlite'],
    ['with w as (pragma x) select 1', 'sqlite'],
  ] as const)('%s (%s)', (sql, dialect: Dialect) => {
    expect(readStatement(sql, dialect).opaque).toBeDefined()
  })
})

describe('definitions', () => {
  it.each([
    ['create table a (x int)', 'R[] W[] ddl opaque'],
    ['alter table a add column x int', 'R[] W[] ddl opaque'],
    ['drop view v', 'R[] W[] ddl opaque'],
    ['create temp table if not exists S as select 1', 'R[] W[] ddl temporary s opaque'],
    [
      'create local temporary table a (x int); create or replace temp view "V" as select 1',
      'R[] W[] ddl temporary a,V opaque',
    ],
    ['create table pg_temp.t (x int)', 'R[] W[] ddl temporary t opaque'],
    ['create temp recursive view v as select 1', 'R[] W[] ddl temporary v opaque'],
    ['select 1 as x into temp t from a', 'R[a] W[] temporary t opaque'],
    ['create function f() returns void as $$ ; $$ language sql; select 1 from a', 'R[] W[] ddl opaque'],
  ])('%s', (sql, facts) => {
    expect(factsOf(sql)).toBe(facts)
  })

  it('can have bodies with semicolons', () => {
    expect(factsOf('create trigger t after insert on a begin delete from b; end; commit', 'sqlite')).toBe(
      'R[] W[] ddl opaque',
    )
  })
})

describe('temporary triggers', () => {
  it.each([
    ['create temp trigger tr after update on main.City begin update a set b = 1; end', ['City']],
    [
      'create temporary trigger if not exists tr before update of a, b on "City" begin select 1; end',
      ['City'],
    ],
    [
      'create trigger temp.tr instead of insert on city for each row when new.a begin select 1; end',
      ['city'],
    ],
    ['create temp trigger tr', [undefined]],
    ['create trigger tr after insert on city begin select 1; end', []],
  ] as const)('%s', (sql, triggered) => {
    const statement = readStatement(sql, 'sqlite')
    expect(statement.triggered).toEqual(triggered)
    expect([statement.ddl, statement.opaque]).toEqual([true, 'changes the schema'])
  })
})

describe('settings of the session', () => {
  const set = (...names: readonly string[]) => names.map((name) => ({ kind: 'set', name }))

  it.each<[sql: string, dialect: Dialect, changes: readonly object[]]>([
    ['set search_path to a, b', 'postgresql', set('search_path')],
    ['set session search_path = a', 'postgresql', set('search_path')],
    ["set schema 'a'", 'postgresql', set('search_path')],
    ["set time zone 'UTC'", 'postgresql', set('timezone')],
    ['set session authorization joe', 'postgresql', set('session_authorization')],
    ['set role joe', 'postgresql', set('role')],
    ["set app.tenant = '7'", 'postgresql', set('app.tenant')],
    ['set local search_path = a', 'postgresql', []],
    ['set lock_timeout = 5', 'postgresql', []],
    ['set transaction isolation level serializable', 'postgresql', []],
    ["select set_config('Search_Path', 'a', false)", 'postgresql', set('search_path')],
    ["select set_config('search_path', 'a', true)", 'postgresql', []],
    ['select set_config($1, $2, false)', 'postgresql', set('*')],
    ['reset role', 'postgresql', [{ kind: 'reset', name: 'role' }]],
    ['reset all', 'postgresql', [{ kind: 'reset-all' }]],
    ['discard all', 'postgresql', [{ kind: 'discard-all' }]],
    ['discard plans', 'postgresql', []],
    ['set session transaction isolation level read uncommitted', 'mysql', set('transaction_isolation')],
    [
      'set session transaction read only, isolation level read committed',
      'mysql',
      [{ kind: 'reset', name: 'transaction_isolation' }],
    ],
    ['set transaction isolation level read uncommitted', 'mysql', []],
    ['set session transaction read write', 'mysql', []],
    ['use other', 'mysql', set('use')],
    ["set names utf8mb4, sql_mode = 'ANSI'", 'mysql', set('names', 'sql_mode')],
    ["set session sql_mode = concat('a', ',', 'b'), max_statement_time = 5", 'mysql', set('sql_mode')],
    ['set @@session.time_zone = 1', 'mysql', set('time_zone')],
    ['set @a = 1', 'mysql', []],
    ['set global sql_mode = 1', 'mysql', []],
    ['set local autocommit = 0', 'mysql', set('autocommit')],
    ['pragma case_sensitive_like = on', 'sqlite', set('case_sensitive_like')],
    ['pragma busy_timeout = 5', 'sqlite', []],
    ["attach 'a.db' as other", 'sqlite', set('*')],
    ['select 1', 'mysql', []],
  ])('%s (%s)', (sql, dialect, changes) => {
    expect(readStatement(sql, dialect).session).toEqual(changes)
  })
})
