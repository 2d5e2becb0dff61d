import type { Dialect } from '@sluice/core'
import { readIndex } from './answers.ts'

/** `CREATE INDEX` for each index of the first alternative of an answer. */
export function createExpected(need: string, dialect: Dialect): string[] {
  const [first = ''] = need.split(' | ')
  return first.split(' & ').map((text) => {
    const { table, method, keys, where } = readIndex(text)
    const columns = keys.flatMap(({ columns: names, isDescending, operators }) =>
      names.map((name) => {
        const special =
          operators === undefined ? '' : dialect === 'sqlite' ? ` COLLATE ${operators}` : ` ${operators}`
        return `${name}${special}${isDescending ? ' DESC' : ''}`
      }),
    )
    const name = `expected_${text.replaceAll(/\W+/g, '_')}`.slice(0, 60)
    const using = method === 'btree' ? '' : ` USING ${method}`
    return `CREATE INDEX ${name} ON ${table}${using} (${columns.join(', ')})${where === undefined ? '' : ` WHERE ${where}`}`
  })
}
