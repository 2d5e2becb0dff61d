import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

const bundled = ['preact', '@preact/signals', 'uplot']
const require = createRequire(import.meta.url)

/** Puts the licences of what is bundled beside the page, as they ask for it. */
export function bundledLicenses(): Plugin {
  return {
    name: 'bundled-licenses',
    generateBundle() {
      const texts = bundled.map((name) => `${name}\n\n${readFileSync(join(folderOf(name), 'LICENSE'), 'utf8').trim()}\n`)
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source: texts.join(`\n${'-'.repeat(72)}\n\n`) })
    },
  }
}

/** Not every package lets its `package.json` be asked for: the folder is above what can be. */
function folderOf(name: string): string {
  let folder = dirname(require.resolve(name))
  while (!folder.endsWith(join('node_modules', name))) {
    const above = dirname(folder)
    if (above === folder) throw new Error(`The folder of ${name} was not found.`)
    folder = above
  }
  return folder
}
