import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

it('the guide on adapters shows the example that the conformance suite runs', () => {
  expect(read('docs/guides/write-an-adapter.md')).toContain(read('examples/adapter/src/index.ts'))
})
