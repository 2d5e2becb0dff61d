// Runs the tests on sources with the edits in the environment. Files on disk do not change.
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import root from '../../../vitest.config.ts'
import type { Patch } from './mutation.ts'
import { patched } from './patched.mjs'

const patches = JSON.parse(process.env.SLUICE_MUTATION ?? '[]') as readonly Patch[]

const plugin = {
  name: 'mutation',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    const own = patches.filter(({ path }) => path === id.split('?')[0])
    return own.length === 0 ? undefined : { code: patched(code, own), map: null }
  },
}

const projects = (root.test?.projects ?? []).map((project) =>
  typeof project === 'object' ? { ...project, plugins: [plugin] } : project,
)

export default defineConfig({
  ...root,
  root: join(import.meta.dirname, '../../..'),
  test: { ...root.test, projects },
})
