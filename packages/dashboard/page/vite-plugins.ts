import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/**
 * Compiles JSX to calls of `h`. They compress better than calls of the automatic runtime: 0.5 KB less for the
 * page.
 */
export function classicJsx(): Plugin {
  return {
    name: 'classic-jsx',
    enforce: 'pre',
    transform: {
      filter: { id: /\/page\/src\/.*\.tsx$/ },
      handler: (code) => ({ code: `import { Fragment, h } from 'preact';${code}`, map: null }),
    },
  }
}

const bundled = ['preact', '@preact/signals']
const require = createRequire(import.meta.url)

/** Emits the licenses of bundled packages next to the page, as these licenses require. */
export function bundledLicenses(): Plugin {
  return {
    name: 'bundled-licenses',
    generateBundle() {
      const licenses = bundled.map(
        (name) => `${name}\n\n${readFileSync(join(folderOf(name), 'LICENSE'), 'utf8').trim()}\n`,
      )
      this.emitFile({
        type: 'asset',
        fileName: 'licenses.txt',
        source: licenses.join(`\n${'-'.repeat(72)}\n\n`),
      })
    },
  }
}

/** Searches upward from the entry point, because not every package exports its `package.json`. */
function folderOf(name: string): string {
  let folder = dirname(require.resolve(name))
  while (!folder.endsWith(join('node_modules', name))) {
    const above = dirname(folder)
    if (above === folder) throw new Error(`Package folder not found: ${name}.`)
    folder = above
  }
  return folder
}

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
