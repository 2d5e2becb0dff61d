import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'))

/**
 * Packs every public package as it would be published.
 *
 * @returns The manifest and the tarball of each.
 */
export function packAll(to) {
  const args = ['--yes', read('package.json').packageManager, '-r', '--filter', './packages/*']
  const { status, stdout, stderr, error } = spawnSync('npx', [...args, 'pack', '--pack-destination', to], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`Packing failed: ${error ?? status}\n${stdout}${stderr}`)
  return readdirSync(join(root, 'packages')).map((directory) => {
    const manifest = read('packages', directory, 'package.json')
    const file = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`
    return { manifest, path: join(to, file) }
  })
}
