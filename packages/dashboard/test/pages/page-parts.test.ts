import { expect, it } from 'vitest'
import { placeOf } from '../../src/pages/page-parts.ts'

it('the text of a place names the package, and the file does not', () => {
  const site = { file: `${process.cwd()}/src/a.ts`, line: 3, column: 5, package: '@scope/name' }
  expect(placeOf(site)).toEqual({
    file: 'src/a.ts',
    line: 3,
    column: 5,
    functionName: null,
    text: 'src/a.ts:3:5 (through @scope/name)',
  })
})
