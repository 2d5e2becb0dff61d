import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/sql/dialect.ts'
import { SqlSyntaxError } from '../../src/sql/syntax-error.ts'
import { tokenize } from '../../src/sql/tokenize.ts'

/** The tokens as `kind:text`; words and symbols by their text only. */
function lex(sql: string, dialect: Dialect): string {
  return tokenize(sql, dialect)
    .map(({ kind, text }) => (kind === 'word' || kind === 'symbol' ? text : `${kind}:${text}`))
    .join(' ')
}

const all: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']

describe.each(all)('tokenize for %s', (dialect) => {
  it('returns words in uppercase', () => {
    expect(tokenize('Select fROM', dialect).map(({ upper }) => upper)).toEqual(['SELECT', 'FROM'])
  })

  it('folds ASCII letters only', () => {
    expect(tokenize('ſelect ınto', dialect).map(({ upper }) => upper)).toEqual(['ſELECT', 'ıNTO'])
  })

  it('returns where tokens start and end', () => {
    expect(tokenize('a /* x */ bc', dialect).map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [10, 12],
    ])
  })

  it('treats a doubled quote as part of the string', () => {
    expect(lex("'it''s from b' x", dialect)).toBe("string:'it''s from b' x")
  })

  it('reads numbers in every format', () => {
    expect(lex('1 1.5 .5 1e10 1.5e-3 0x1F', dialect)).toBe(
      'number:1 number:1.5 number:.5 number:1e10 number:1.5e-3 number:0x1F',
    )
  })

  it('removes line comments', () => {
    expect(lex("a -- from b '\nc", dialect)).toBe('a c')
  })

  it.each(["'a", '"a', '/* a', "'a''"])('throws for the unterminated %s', (sql) => {
    expect(() => tokenize(sql, dialect)).toThrow(SqlSyntaxError)
  })

  it('throws for a control character', () => {
    expect(() => tokenize('select \0', dialect)).toThrow(/U\+0000/)
  })
})

describe('tokenize for postgresql', () => {
  const pg = (sql: string): string => lex(sql, 'postgresql')

  it('does not treat a backslash as an escape in a plain string', () => {
    expect(pg("'\\' from b")).toBe("string:'\\' from b")
  })

  it('treats backslashes as escapes in E strings', () => {
    expect(pg("E'\\' from b' x")).toBe("string:E'\\' from b' x")
  })

  it('throws for an E string that continues after a line break', () => {
    expect(() => pg("E'a'\n -- c\n'\\' from b'")).toThrow(/continued/)
  })

  it('reads dollar-quoted strings', () => {
    expect(pg("$$ ' from b $$ $t$ $$ from c $t$ $1")).toBe(
      "string:$$ ' from b $$ string:$t$ $$ from c $t$ parameter:$1",
    )
  })

  it('treats a dollar within a name as part of it', () => {
    expect(pg('a$b$ c')).toBe('a$b$ c')
  })

  it('throws for an unterminated dollar quote and for letters after a parameter', () => {
    expect(() => pg('$t$ from b')).toThrow(/unterminated/)
    expect(() => pg('select $1from b')).toThrow(/parameter/)
  })

  it('throws for letters after a number', () => {
    expect(() => pg('select 1from b')).toThrow(/number/)
  })

  it('reads nested comments', () => {
    expect(pg('a /* x /* y */ from b */ c')).toBe('a c')
  })

  it('ends a line comment at a carriage return', () => {
    expect(pg('a -- x\rfrom b')).toBe('a from b')
  })

  it('reads U& strings and throws for U& names', () => {
    expect(pg("U&'d\\0061t' x")).toBe("string:U&'d\\0061t' x")
    expect(() => pg('U&"a"')).toThrow(/U&/)
  })

  it('reads @ as an operator', () => {
    expect(pg('@f(x) @> y')).toBe('@ f ( x ) @ > y')
  })

  it('distinguishes casts, named parameters and array slices', () => {
    expect(pg('a::int, :x, b[1:n]')).toBe('a :: int , parameter::x , b [ number:1 : n ]')
  })

  it('throws for backticks', () => {
    expect(() => pg('select ` from b `')).toThrow(SqlSyntaxError)
  })
})

describe('tokenize for sqlite', () => {
  const sqlite = (sql: string): string => lex(sql, 'sqlite')

  it('reads all four forms of quoted names', () => {
    expect(sqlite('"a""b" `c``d` [e"f]')).toBe('quoted:a"b quoted:c`d quoted:e"f')
  })

  it('reads all forms of parameters', () => {
    expect(sqlite('? ?1 :a @b $c')).toBe('parameter:? parameter:?1 parameter::a parameter:@b parameter:$c')
  })

  it('ends a numbered parameter before a word', () => {
    expect(sqlite('?1from b')).toBe('parameter:?1 from b')
  })

  it('throws for Tcl variables, whose suffix may contain anything', () => {
    expect(() => sqlite('$a(from b)')).toThrow(/Tcl/)
    expect(() => sqlite('$a::b')).toThrow(/Tcl/)
  })

  it('does not nest comments', () => {
    expect(sqlite('a /* x /* y */ from b')).toBe('a from b')
  })

  it('continues a line comment after a carriage return', () => {
    expect(sqlite('a -- x\rfrom b\nc')).toBe('a c')
  })

  it('accepts no string prefix except x', () => {
    expect(sqlite("x'00' b'y'")).toBe("string:x'00' b string:'y'")
  })
})

describe('tokenize for mysql', () => {
  const mysql = (sql: string): string => lex(sql, 'mysql')

  it('treats -- as a comment only before white space', () => {
    expect(mysql('a --1 b')).toBe('a - - number:1 b')
    expect(mysql('a --\tb\nc --')).toBe('a c')
  })

  it('removes comments after #', () => {
    expect(mysql('a # from b\nc')).toBe('a c')
  })

  it('reads double quotes as a string with backslashes', () => {
    expect(mysql('"a\\" from b" \'c\\\'d\'')).toBe('string:"a\\" from b" string:\'c\\\'d\'')
  })

  it('throws for executable comments and removes hints', () => {
    expect(() => mysql('select 1 /*! from b */')).toThrow(/executable/)
    expect(() => mysql('select 1 /*M!100000 from b */')).toThrow(/executable/)
    expect(mysql('select /*+ NO_ICP(b) */ 1')).toBe('select number:1')
  })

  it('reads names that start with a digit or a dollar', () => {
    expect(mysql('1a $b db.2c')).toBe('1a $b db . 2c')
  })

  it('reads session variables as parameters', () => {
    expect(mysql('@a @@b')).toBe('parameter:@a parameter:@@b')
  })
})
