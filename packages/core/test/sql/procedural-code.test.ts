import { describe, expect, it } from 'vitest'
import { mayChangeNames, mayChangeSession } from '../../src/sql/procedural-code.ts'
import { tokenize } from '../../src/sql/tokenize.ts'

const changes = (code: string) => mayChangeSession(tokenize(code, 'postgresql'))

describe('code of a function', () => {
  it.each([
    'begin set search_path to a; end',
    'begin if x then reset role; end if; end',
    'set time zone 0',
    "select set_config('role', 'a', false)",
    'begin perform pg_catalog."set_config"(a, b, true); end',
    "begin perform set_config('a', concat('b', true), is_local); end",
    'begin discard all; end',
    'begin execute statement; end',
    "begin execute 'set role ' || a; end",
    "begin execute format('set search_path to %I', a); end",
    "begin execute 'select 1; set role a'; end",
    "begin execute 'select set_config($1, $2, false)' using a, b; end",
    "begin execute E'select 1'; end",
    'begin call other(); end',
  ])('may change the session: %s', (code) => {
    expect(changes(code)).toBe(true)
  })

  it.each([
    'begin update t set a = 1; end',
    'insert into t values (1) on conflict (a) do update set a = 2',
    'insert into t values (1) on conflict do nothing',
    'begin set local search_path to a; end',
    "begin perform set_config('a', concat('b', 'c'), true); end",
    'select a from reset',
    "begin execute 'create table ' || a; end",
    "begin execute format('select count(*) from %I', a) into n; end",
    'begin execute $q$ drop table a; $q$; end',
    'create trigger t after insert on a execute function f()',
  ])('changes no more than the transaction: %s', (code) => {
    expect(changes(code)).toBe(false)
  })
})

describe('code of a function that changes a setting of its transaction', () => {
  const changesNames = (code: string) => mayChangeNames(tokenize(code, 'postgresql'))

  it.each([
    'begin set local search_path to a; end',
    "begin perform set_config('search_path', a, true); end",
    'begin perform set_config(a, b, true); end',
    'begin perform "set_config"(a, b, true); end',
    'begin if x then set local role a; end if; end',
    'begin reset search_path; end',
  ])('may change the tables behind names: %s', (code) => {
    expect(changesNames(code)).toBe(true)
  })

  it.each([
    "begin perform set_config('app.tenant', a, true); end",
    "begin set local app.tenant = '7'; end",
    "begin set local statement_timeout = 5; perform set_config('Lock_Timeout', '5', true); end",
    'begin update t set a = 1; end',
    'select a from reset',
  ])('changes no names: %s', (code) => {
    expect(changesNames(code)).toBe(false)
  })
})
