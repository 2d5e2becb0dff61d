import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const GUIDE = join(import.meta.dirname, '../../docs/guides/prisma8.md')
const GENERATED = join(import.meta.dirname, 'generated')
const MODULES = join(import.meta.dirname, '../node_modules')

/** Runs the files of the guide as a project, with the contract of the tests. Returns the output. */
export async function runGuide(url: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-prisma8-'))
  try {
    mkdirSync(join(folder, 'src'))
    symlinkSync(MODULES, join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    copyFileSync(join(GENERATED, 'contract.json'), join(folder, 'src/contract.json'))
    const files = readFileSync(GUIDE, 'utf8').matchAll(/```ts\n\/\/ (src\/\w+\.ts)\n([\s\S]*?)```/g)
    for (const [, file = '', code = ''] of files) writeFileSync(join(folder, file), code)
    // The last one closes the client.
    const imports = ['queries', 'fix', 'index'].map((name) => `await import('./src/${name}.ts')`)
    writeFileSync(join(folder, 'main.mjs'), imports.join('\n'))
    const args = ['--conditions=@sluice/source', '--import', import.meta.resolve('tsx'), 'main.mjs']
    const env = { ...process.env, DATABASE_URL: url }
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: folder,
      env,
      timeout: 60_000,
    })
    return stdout
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
