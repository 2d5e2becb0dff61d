import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/sql/dialect.ts'
import { fingerprint } from '../../src/sql/fingerprint.ts'

function shape(sql: string, dialect: Dialect = 'postgresql'): string {
  return fingerprint(sql, dialect).shape
}

function print(sql: string, dialect: Dialect = 'postgresql'): string {
  return fingerprint(sql, dialect).fingerprint
}

describe('fingerprint', () => {
  it('is 16 hexadecimal digits, the same in every process', () => {
    expect(print('select * from a where id = $1')).toBe('8d1023b59d3ef0fa')
  })

  it('replaces strings, numbers and parameters', () => {
    expect(shape("select * from a where x = 'b' and y > 1.5 and z = $1")).toBe(
      'select * from a where x = ? and y > ? and z = ?',
    )
  })

  it('treats a sign as part of a value, and a minus between operands as an operator', () => {
    expect(shape('select (-1), a - 1 from b where x = -5')).toBe('select (?), a - ? from b where x = ?')
  })

  it('returns one normalized query for lists of any length', () => {
    expect(shape('select * from a where id in ($1, $2, $3)')).toBe('select * from a where id in (?)')
    expect(print('select * from a where id in (1)')).toBe(print('select * from a where id in (1, -2, 3)'))
    expect(shape('select array[1, 2, 3]')).toBe('select array[?]')
  })

  it('returns one normalized query for row lists of any length', () => {
    expect(shape('insert into a (x, y) values (?, ?), (?, ?), (?, ?)', 'sqlite')).toBe(
      'insert into a(x, y) values (?)',
    )
    expect(print('select 1 from a where (x, y) in ((1, 2), (3, 4), (5, 6))')).toBe(
      print('select 1 from a where (x, y) in ((1, 2))'),
    )
    expect(print('insert into a values (now(), 1), (now(), 2)')).toBe(
      print('insert into a values (now(), 1)'),
    )
  })

  it('keeps the arguments of a call separate', () => {
    expect(shape('select coalesce(?, ?, x)', 'sqlite')).toBe('select coalesce(?, ?, x)')
    expect(shape('select * from a limit ?, ?', 'mysql')).toBe('select * from a limit ?, ?')
  })

  it('removes comments, white space and a final semicolon', () => {
    expect(print('/* trace=1 */ select *\n\tfrom   a -- x\n;')).toBe(print('select * from a'))
    expect(print('select a=1')).toBe(print('select a = 2'))
  })

  it('removes quotes around plain names only', () => {
    expect(shape('select "a"."id" from "a" as "order"')).toBe('select a.id from a as "order"')
    expect(shape('select `a`.`x y` from `a`', 'mysql')).toBe('select a.`x y` from a')
    expect(shape('select [x]]  from [we ird]'.replace(']]', ']'), 'sqlite')).toBe('select x from "we ird"')
  })

  it('keeps the case of words in the normalized query and ignores it in the hash', () => {
    expect(shape('SELECT * FROM a')).toBe('SELECT * FROM a')
    expect(print('SELECT * FROM a')).toBe(print('select * from A'))
  })

  it('distinguishes quoted names with different case', () => {
    expect(print('select * from "Ab"')).not.toBe(print('select * from "aB"'))
  })

  it('distinguishes columns, tables and operators', () => {
    const prints = [
      'select x from a',
      'select y from a',
      'select x from b',
      'select x from a where x = 1',
      'select x from a where x > 1',
    ].map((sql) => print(sql))
    expect(new Set(prints).size).toBe(5)
  })

  it('keeps operators in one piece', () => {
    expect(shape("select a->>'x', b::int, c >= 1 from t where not d @> '{}'")).toBe(
      'select a ->> ?, b::int, c >= ? from t where not d @> ?',
    )
  })

  it.each([
    ['select * from users where name = "alice"', 'select * from users where name = ?'],
    ['select * from users where "alice" = name', 'select * from users where ? = name'],
    ['select * from users where name in ("alice", "bob")', 'select * from users where name in (?)'],
    ['select * from users where name in (\'x\', "bob")', 'select * from users where name in (?)'],
    [
      'select * from users where name like "al%" or name between "a" and "b"',
      'select * from users where name like ? or name between ? and ?',
    ],
    [
      'select * from users where lower(name) = lower("Alice")',
      'select * from users where lower(name) = lower(?)',
    ],
    [
      'select * from users where name = "a" || "b" and id = 1',
      'select * from users where name = ? || ? and id = ?',
    ],
    ['select * from users where ("alice", 1) = (name, id)', 'select * from users where (?) = (name, id)'],
    [
      'select "alice@example.com" as who, (select 1 order by 1), "secret" from users',
      'select ? as who, (select ? order by ?), ? from users',
    ],
    ['select case when a then "alice" else "bob" end', 'select case when a then ? else ? end'],
    [
      'insert into users ("id", "name") values (1, "alice"), (2, "bob")',
      'insert into users(id, name) values (?)',
    ],
    ['insert into users values ("alice", "x" = 1)', 'insert into users values (?, ? = ?)'],
    [
      'update users set name = "alice", "email" = "b" where "id" = 1',
      'update users set name = ?, ? = ? where id = ?',
    ],
    [
      'select * from users where name is distinct from "alice"',
      'select * from users where name is distinct from ?',
    ],
    ['select a is not distinct from 1, "secret"', 'select a is not distinct from ?, ?'],
    ['select * from users limit 1 offset "secret"', 'select * from users limit ? offset ?'],
  ])('hides what SQLite may read as a string: %s', (sql, expected) => {
    expect(shape(sql, 'sqlite')).toBe(expected)
  })

  it.each([
    [
      'select u."id" from "users" as "u" join "posts" on "posts"."userId" = u."id"',
      'select u.id from users as u join posts on posts.userId = u.id',
    ],
    ['select `a` from t where `a` = [b]', 'select a from t where a = b'],
    [
      'select * from users where "id" = ? and "age" >= 1 and "name" is not null',
      'select * from users where id = ? and age >= ? and name is not null',
    ],
    [
      'select * from users where "id" in (?, ?) order by "name", "id"',
      'select * from users where id in (?) order by name, id',
    ],
    [
      'update "users" set "name" = ?, "age" = ? where "id" = ? returning "id", "age"',
      'update users set name = ?, age = ? where id = ? returning id, age',
    ],
    [
      'insert into "users" ("id") values (?) on conflict ("id") do nothing',
      'insert into users(id) values (?) on conflict (id) do nothing',
    ],
  ])('shows names that SQLite cannot read as strings: %s', (sql, expected) => {
    expect(shape(sql, 'sqlite')).toBe(expected)
  })

  it.each([
    [
      'select "id", "first_name" from "users" where "users"."id" = ? limit ?',
      'select id, first_name from users where users.id = ? limit ?',
    ],
    [
      'select count("id") as "n", coalesce("a", "b") from "users" where lower("email") = ?',
      'select count(id) as n, coalesce(a, b) from users where lower(email) = ?',
    ],
    ['select "id" from "users" where "name" = "alice"', 'select id from users where ? = ?'],
    ['select "id" from users', 'select ? from users'],
  ])('shows names of a statement that quotes all of them: %s', (sql, expected) => {
    expect(shape(sql, 'sqlite')).toBe(expected)
  })

  it('returns one fingerprint for statements that differ in such a string', () => {
    const of = (name: string) =>
      fingerprint(`select * from users where name = "${name}"`, 'sqlite').fingerprint
    expect(of('alice')).toBe(of('Bob'))
  })
})
