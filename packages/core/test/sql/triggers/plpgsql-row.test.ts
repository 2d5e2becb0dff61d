import { describe, expect, it } from 'vitest'
import { tokenize } from '../../../src/sql/tokenize.ts'
import { columnsAssignedInRow } from '../../../src/sql/triggers/plpgsql-row.ts'

const assigned = (body: string) => {
  const columns = columnsAssignedInRow(tokenize(body, 'postgresql'))
  return columns && [...columns].sort()
}

describe('the columns that a trigger function in PL/pgSQL assigns', () => {
  it.each([
    ['begin new.updated_at := now(); return new; end', ['updated_at']],
    ['BEGIN NEW.updated_at = CURRENT_TIMESTAMP; RETURN NEW; END;', ['updated_at']],
    ['begin if new.a < 0 then raise exception $$no$$; end if; return new; end', []],
    [
      'begin if tg_op = \'UPDATE\' then new.b := old.b + new.id; else new."C" := 1; end if; return new; end',
      ['C', 'b'],
    ],
    ['begin select max(x), y into strict new.a, new.b from t where id = new.id; return new; end', ['a', 'b']],
    ['begin select 1 into r; new.list[1] := new.id; return coalesce(new, old); end', ['list']],
    ['begin for new.a, new.b in select 1, 2 loop null; end loop; return old; end', ['a', 'b']],
    ['begin foreach new.a in array new.list loop null; end loop; return null; end', ['a']],
    ['<<l>> declare x int := new.id; begin <<m>> new.a := 1; touch.new.b := 2; return new; end', ['a', 'b']],
    [
      'begin loop new.a := 1; exit; end loop; case when x then new.b := 1; end case; old.c := 2; return new; end',
      ['a', 'b', 'c'],
    ],
    ["begin perform pg_notify('c', row_to_json(new)::text); return new; end", []],
    [
      'begin if new is distinct from old then new.version := old.version + 1; end if; return new; end',
      ['version'],
    ],
  ])('%s', (body, columns) => {
    expect(assigned(body)).toEqual(columns)
  })

  it.each([
    'begin new := jsonb_populate_record(new, x); return new; end',
    'begin select * into new from t; return new; end',
    'begin select 1, t into a, new from t; return new; end',
    'begin for new in select * from t loop null; end loop; return new; end',
    'begin fetch c into new; return new; end',
    'begin return r; end',
    'begin return row(1, 2); end',
    'begin return coalesce(r, new); end',
    'begin return new #= x; end',
    'declare n alias for new; begin n.id := 1; return new; end',
    'declare new t; begin return new; end',
    'begin get diagnostics new.id = row_count; return new; end',
  ])('are any: %s', (body) => {
    expect(assigned(body)).toBeUndefined()
  })
})
