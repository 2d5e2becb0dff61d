import { describe, expect, it } from 'vitest'
import { operatorsOfRun } from '../../src/sql/operator-names.ts'
import { readStatement } from '../../src/sql/statement.ts'

describe('operators in adjacent characters', () => {
  it.each([
    ['<=', ['<=']],
    ['->>', ['->>']],
    ['!=', ['<>']],
    ['<-', ['<', '-']],
    ['*+-', ['*', '+', '-']],
    ['-', ['-']],
    ['@-', ['@-']],
    ['%-', ['%-']],
    ['=?', ['=?', '=']],
    ['?|', ['?|', '|']],
  ])('%s', (run, expected) => {
    expect(operatorsOfRun(run)).toEqual(expected)
  })
})

describe('operators of keywords', () => {
  it.each([
    ['a in (1)', ['=', '<>']],
    ['a between 1 and 2', ['<', '<=', '>', '>=']],
    ['nullif(a, 1)', ['=']],
    ['case a when 1 then 2 end', ['=']],
    ['a is distinct from 1', ['=']],
    ["a like 'x'", ['~~', '!~~']],
    ["a ilike 'x'", ['~~*', '!~~*']],
    ["a similar to 'x'", ['~', '!~']],
    ['a', []],
  ])('%s', (expression, expected) => {
    const { names } = readStatement(`select ${expression} from t`, 'postgresql')
    expect([...names.operators]).toEqual(expected)
  })
})
