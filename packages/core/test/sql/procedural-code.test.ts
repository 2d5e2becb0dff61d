import { describe, expect, it } from 'vitest'
import { mayChangeSession } from '../../src/sql/procedural-code.ts'
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
  ])('changes no more than the transaction: %s', (code) => {
    expect(changes(code)).toBe(false)
  })
})
