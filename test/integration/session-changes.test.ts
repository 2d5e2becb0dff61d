import { createSluice, type Sluice } from '@sluice/core'
import { sluicePool } from '@sluice/core/adapter'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'

const [, postgres] = databases()
const BY_ID = 'select v from t where id = $1'

/** Each begins with `search_path` at its default, and ends with the table of `other` in sight. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  SET: ['set search_path to other'],
  'a function that calls set_config': ["select use_schema('other')"],
  'a function that runs SET': ['select set_schema()'],
  'a function that builds its SET': ["select run_set('other')"],
  'a function that calls such a function': ["select outer_schema('other')"],
  CALL: ['call proc_schema()'],
  DO: ['do $$ begin set search_path to other; end $$'],
  'DO that calls a function': ["do $$ begin perform use_schema('other'); end $$"],
  'a RESET that is rolled back': ['set search_path to other', 'begin', 'reset search_path', 'rollback'],
  'SET ROLE before RESET ALL': ['set role other_role', 'reset all'],
  'SET SESSION AUTHORIZATION before RESET ALL': ['set session authorization other_role', 'reset all'],
}
/** After these, rows may be cached. */
const HARMLESS: readonly (readonly string[])[] = [
  ["select local_schema('other')"],
  ['set search_path to other', 'reset all'],
  ['set role other_role', 'discard all'],
  ['do $$ begin update t set v = v; end $$'],
]

describe.skipIf(postgres?.skipped !== undefined)('a session whose settings change', () => {
  let database: Database
  let sluice: Sluice
  let pool: pg.Pool
  let role: string

  beforeAll(async () => {
    database = (await postgres?.connect()) as Database
    role = `other_role_${process.pid}`
    await database.exec(`
      create table t (id int primary key, v int); insert into t values (1, 1);
      create schema other; create table other.t (id int primary key, v int); insert into other.t values (1, 100);
      create role ${role}; grant usage on schema other to ${role}; grant all on other.t to ${role};
      create schema ${role} authorization ${role}; create table ${role}.t (id int primary key, v int);
      grant all on ${role}.t to ${role}; insert into ${role}.t values (1, 100);
      create function use_schema(s text) returns void language plpgsql as
        $$ begin perform set_config('search_path', s, false); end $$;
      create function local_schema(s text) returns void language plpgsql as
        $$ begin perform set_config('search_path', s, true); end $$;
      create function outer_local(s text) returns void language sql as $$ select local_schema(s) $$;
      create function set_schema() returns void language plpgsql as $$ begin set search_path to other; end $$;
      create function run_set(s text) returns void language plpgsql as
        $$ begin execute 'set search_path to ' || s; end $$;
      create function outer_schema(s text) returns void language sql as $$ select public.use_schema(s) $$;
      create procedure proc_schema() language plpgsql as $$ begin set search_path to other; end $$;
    `)
  })
  afterAll(async () => {
    await database?.exec(`drop owned by ${role} cascade; drop role ${role}`)
    await database?.drop()
  })

  beforeEach(async () => {
    sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    pool = sluicePool(new pg.Pool({ connectionString: database.url, max: 1 }), sluice)
    await pool.query(BY_ID, [1])
    await catalogsRead(sluice)
    await read()
  })
  afterEach(async () => {
    await pool.end()
    await sluice.close()
  })

  const hits = () => sluice.queries.getStats().cacheHits
  const read = async () => (await pool.query(BY_ID, [1])).rows[0]?.v
  const runAll = async (statements: readonly string[]) => {
    const client = await pool.connect()
    for (const statement of statements) await client.query(statement.replaceAll('other_role', role))
    client.release()
    await catalogsRead(sluice)
  }

  it.each(Object.entries(CHANGES))('by %s is not served rows of another session', async (_, statements) => {
    expect(await read()).toBe(1)
    await runAll(statements)
    const before = hits()
    expect([await read(), await read(), await read()]).toEqual([100, 100, 100])
    expect(hits()).toBe(before)
  })

  it.each(HARMLESS)('allows caching again after %s', async (...statements) => {
    await runAll(statements)
    expect([await read(), await read()]).toEqual([1, 1])
    const before = hits()
    await read()
    expect(hits()).toBe(before + 1)
  })

  it.each(["select local_schema('other')", "select outer_local('other')", 'set local search_path to other'])(
    'sees the tables that a transaction writes after %s',
    async (setting) => {
      const other = async () => (await pool.query('select v from other.t where id = $1', [1])).rows[0]?.v
      expect([await other(), await other()]).toEqual([100, 100])
      const client = await pool.connect()
      for (const statement of ['begin', setting, 'update t set v = v + 1 where id = 1', 'commit'])
        await client.query(statement)
      client.release()
      try {
        expect(await other()).toBe(101)
      } finally {
        await pool.query('update other.t set v = 100')
      }
    },
  )

  it('returns the results of several statements in one string', async () => {
    const results = (await pool.query('select 1 as a; select 2 as b')) as unknown as pg.QueryResult[]
    expect(results.map(({ rows }) => rows)).toEqual([[{ a: 1 }], [{ b: 2 }]])
  })
})
