import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** What all scripts, and all styles, may weigh together: bytes of gzip. */
const budgets = [
  { ending: '.js', maxBytes: 60_000 },
  { ending: '.css', maxBytes: 8_000 },
]

/** Fails the build where the page outgrows what it may weigh. */
export function pageBudget(): Plugin {
  return {
    name: 'page-budget',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const { ending, maxBytes } of budgets) {
          const files = Object.values(bundle).filter(({ fileName }) => fileName.endsWith(ending))
          const sizes = files.map((file) => gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }).length)
          const bytes = sizes.reduce((sum, size) => sum + size, 0)
          if (bytes === 0) this.error(`The page has no ${ending}: nothing was measured.`)
          if (bytes > maxBytes) this.error(`The page's ${ending} weighs ${bytes} bytes by gzip, and ${maxBytes} is the most.`)
        }
      },
    },
  }
}
