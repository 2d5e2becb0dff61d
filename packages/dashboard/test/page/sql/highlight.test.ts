import { describe, expect, it } from 'vitest'
import { highlightSql, linesOfSql } from '../../../page/src/sql/highlight.ts'
import { textsOf } from '../random.ts'

const kinds = (sql: string) =>
  highlightSql(sql)
    .filter(({ kind }) => kind !== 'plain')
    .map(({ kind, text }) => `${kind} ${text}`)

describe('highlightSql', () => {
  it('distinguishes keywords, strings, numbers, parameters and comments', () => {
    expect(kinds(`SELECT 'it''s', 12 FROM t WHERE a = $1 AND b = ? -- why`)).toEqual([
      'keyword SELECT',
      `string 'it''s'`,
      'number 12',
      'keyword FROM',
      'keyword WHERE',
      'parameter $1',
      'keyword AND',
      'parameter ?',
      'comment -- why',
    ])
  })

  it('treats quoted names as names', () => {
    expect(kinds('"select" `from`')).toEqual([])
  })

  it('preserves any text', () => {
    for (const sql of textsOf([...'\'"`-/*$1a \n?<'])) {
      const texts = highlightSql(sql).map(({ text }) => text)
      expect(texts.join('')).toBe(sql)
    }
  })
})

describe('linesOfSql', () => {
  it('starts a line for each clause, except within joins and deletes', () => {
    expect(
      linesOfSql(`SELECT a FROM b LEFT JOIN c ON c.id = b.c WHERE d = ' FROM e' ORDER BY a LIMIT ?`).split(
        '\n',
      ),
    ).toEqual([
      'SELECT a',
      'FROM b',
      'LEFT JOIN c ON c.id = b.c',
      `WHERE d = ' FROM e'`,
      'ORDER BY a',
      'LIMIT ?',
    ])
    expect(linesOfSql('DELETE FROM a WHERE b = ?')).toBe('DELETE FROM a\nWHERE b = ?')
  })

  it('preserves the lines of a statement that has some', () => {
    expect(linesOfSql('SELECT a\nFROM b WHERE c')).toBe('SELECT a\nFROM b WHERE c')
  })
})
