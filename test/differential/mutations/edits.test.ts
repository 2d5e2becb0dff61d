import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PROTOCOL_MUTATIONS } from '../../consistency/protocol-mutations.ts'
import { pathOf } from './mutation.ts'
import { MUTATIONS } from './mutations.ts'

const all = [
  ...MUTATIONS.map(({ name, edits }) => [name, edits] as const),
  ...Object.entries(PROTOCOL_MUTATIONS).map(([name, { edits }]) => [name, edits] as const),
]

describe('mutations', () => {
  it('have unique names, by which one of them is selected', () => {
    const names = all.map(([name]) => name)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })

  it.each(all)('%s finds its string once in the sources', (_, edits) => {
    for (const edit of edits)
      expect(readFileSync(pathOf(edit), 'utf8').split(edit.find), edit.find).toHaveLength(2)
  })
})
