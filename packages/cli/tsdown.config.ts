import { cp } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'tsdown'

const docs = fileURLToPath(new URL('../../docs', import.meta.url))
const copies = fileURLToPath(new URL('./dist/docs', import.meta.url))
const omitted = /\/docs\/(\.|node_modules|screenshots|reference\/api)/

export default defineConfig({
  entry: ['src/bin.ts'],
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: false,
  fixedExtension: false,
  // It contains parts of other packages.
  inputOptions: { resolve: { conditionNames: ['@sluice/source', 'node', 'import', 'default'] } },
  onSuccess: async () => {
    // `sluice mcp` serves the pages.
    const filter = (path: string) => !omitted.test(path) && ['', '.md'].includes(extname(path))
    await cp(docs, copies, { recursive: true, filter })
  },
})
