import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

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
