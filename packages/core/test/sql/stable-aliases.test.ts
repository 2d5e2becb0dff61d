import { describe, expect, it } from 'vitest'
import { analyzeSql } from '../../src/sql/analyze.ts'
import type { Dialect } from '../../src/sql/dialect.ts'

const ONE = '355af168_ec59_4c92_bbb8_0c6faf3f8521'
const TWO = '2dc309d6_64bd_4a47_a504_5bfdaa64f0ea'
const OTHERS = ['c8ad692f-9da8-4a69-a606-4c8423e169fe', '9496d2a5-879e-4f13-89e8-d84447cf7354'] as const

/** The text with stable aliases, for a statement in which `A` and `B` stand for two UUIDs. */
function textOf(
  statement: string,
  dialect: Dialect = 'postgresql',
  [one, two]: readonly [string, string] = [ONE, TWO],
) {
  return analyzeSql(statement.replaceAll('A', one).replaceAll('B', two), dialect)
}

describe('random aliases', () => {
  it.each([
    'select "A"."id" from "posts" "A" where "A"."id" = $1',
    'select "A".* from "posts" as "A" order by "A"."id" limit 1',
    `select "t"."id", '"x"' from "posts" "t" left join "tags" "A" on "A"."id" = "t"."tag" where "A"."name" like 'it''s'`,
    'select count(*) from "posts" "A" join "tags" "B" on "A"."id" = "B"."post_id" where "B"."id" in ($1, $2)',
    'select "t"."id", (select json_agg("B"."id") from (select "A"."id" from "posts" "A" where "A"."tag" = "t"."id") "B") as "posts" from "tags" "t"',
    'select "A"."id"::text || $1 from "posts" "A" union all select "B"."id"::text from "tags" "B"',
    'select 1 from "posts" "t" where exists (select 1 from "tags" "A" where "A"."post_id" = "t"."id") and ("t"."id", "t"."v") in (select "B"."x", "B"."y" from "pairs" "B")',
  ])('are replaced: %s', (statement) => {
    for (const dialect of ['postgresql', 'sqlite'] as const) {
      const [one, other] = [textOf(statement, dialect), textOf(statement, dialect, OTHERS)]
      expect(one.text).toBeDefined()
      expect(one.text).not.toMatch(/[0-9a-f]{8}[-_][0-9a-f]{4}(?![^']*')/)
      expect(other).toBe(one)
      expect(one.shape).not.toContain('0c6faf3f8521')
      expect(one.statement.opaque).toBeUndefined()
    }
  })

  it('keep apart which of them is meant', () => {
    const on = (column: string) =>
      textOf(`select 1 from "t" "A" join "t" "B" on "A"."id" = "B"."p" where "${column}"."v" = 1`)
    expect(on('A')).not.toBe(on('B'))
    expect(on('A').text).not.toBe(on('B').text)
  })

  it.each([
    ['a table', 'select "id" from "A"'],
    ['a table that is also an alias', 'select "A"."id" from "A" join "posts" "B" on "A"."id" = "B"."id"'],
    ['a schema', 'select "posts"."id" from "A"."posts"'],
    ['a schema of a function', 'select "A"."f"("A"."id") from "posts" "A"'],
    ['a schema of a type', `select "id"::"A"."t" from "posts" "A"`],
    ['a schema of a typed string', `select "A"."t" '1', "A"."id" from "posts" "A"`],
    ['a schema of a collation', 'select "A"."id" from "posts" "A" order by "A"."v" collate "A"."c"'],
    ['a schema of an operator', 'select "A"."id" from "posts" "A" where "A"."v" operator("A".=) 1'],
    ['a column', 'select "A" from "posts"'],
    ['a column of a table', 'select "posts"."A" from "posts" "B" join "posts" on true'],
    ['the name of an output', 'select "A"."id" as "B" from "posts" "A"'],
    ['the name of an output without AS', 'select "A"."id" "A" from "posts" "A"'],
    ['a whole row', 'select "A" from "posts" "A"'],
    ['an argument', 'select row_to_json("A") from "posts" "A"'],
    ['a common table expression', 'with "A" as (select 1 as "id") select "A"."id" from "A"'],
    [
      'a common table expression with an alias',
      'with "A" as (select 1 as "id") select "B"."id" from "A" "B"',
    ],
    ['a function', 'select "B"."x" from "A"(1) "B"'],
    ['a function without an alias', 'select 1 from "A"(1)'],
    ['a window', 'select sum("B"."x") over "A" from "posts" "B" window "A" as (order by "B"."y")'],
    ['locked', 'select "A"."id" from "posts" "A" for update of "A"'],
    ['with names of its columns', 'select "A"."x" from (select 1) "A" ("x")'],
    ['a value', `select "t"."id" from "posts" "t" where "t"."id" = 'A'`],
    ['part of a value', `select "t"."id" from "posts" "t" where "t"."id" = '"A"'`],
    ['after a backslash', `select "A"."id" from "posts" "A" where "A"."v" = E'\\'"B"'`],
    ['in a comment', 'select "A"."id" from "posts" "A" -- "B"'],
    ['in a comment of a tool', 'select "A"."id" from "posts" "A" /* "B" */'],
    ['in a dollar-quoted value', 'select "A"."id" from "posts" "A" where "A"."v" = $x$"B"$x$'],
    ['a name with escapes', `select "A"."id" from "posts" "A" where U&"B" = 1`],
    ['part of a name', 'select "A"."id" from "posts" "A" where "A"."B""x" = 1'],
    ['beside a name that is used for them', 'select "A"."id" from "posts" "A" join "sluice_1" on true'],
    ['written', 'delete from "posts" "A" where "A"."id" = 1'],
  ])('are left as they are: %s', (_, statement) => {
    const [one, other] = [textOf(statement), textOf(statement, 'postgresql', OTHERS)]
    expect(one.text).toBeUndefined()
    expect(other).not.toBe(one)
  })

  it('are left as they are on MySQL, where quotes can be strings', () => {
    expect(textOf('select "A"."id" from posts "A"', 'mysql').text).toBeUndefined()
    expect(textOf('select [A"].id from posts "A"', 'sqlite').text).toBeUndefined()
  })

  it('analyze a statement once', () => {
    const statement = `select "A"."analyzed_once" from "posts" "A"`
    const first = textOf(statement)
    expect(textOf(statement)).toBe(first)
    expect(textOf(statement, 'postgresql', OTHERS)).toBe(first)
    const refused = textOf(`select "A" from "analyzed_once"`)
    expect(textOf(`select "A" from "analyzed_once"`)).toBe(refused)
    expect(refused.shape).toContain(ONE)
  })
})
