import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Maximum total size of scripts and of styles, in bytes after gzip. */
const budgets = [
  { ending: '.js', maxBytes: 44_000 },
  { ending: '.css', maxBytes: 7_000 },
]

/** Fails the build if the page exceeds its size budget. */
export function pageBudget(): Plugin {
  return {
    name: 'page-budget',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const { ending, maxBytes } of budgets) {
          const files = Object.values(bundle).filter(({ fileName }) => fileName.endsWith(ending))
          const sizes = files.map(
            (file) => gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }).length,
          )
          const bytes = sizes.reduce((sum, size) => sum + size, 0)
          if (bytes === 0) this.error(`The page has no ${ending} files, so their size cannot be checked.`)
          if (bytes > maxBytes)
            this.error(
              `The ${ending} files of the page have ${bytes} bytes after gzip. Maximum: ${maxBytes}.`,
            )
        }
      },
    },
  }
}
